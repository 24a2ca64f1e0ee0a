"""The example photos are all there, in order, and an unknown one is answered with the nearest."""

from __future__ import annotations

import pytest

from vitviz.errors import OptionError
from vitviz.examples import example, examples
from vitviz.images import open_photo


def test_the_examples_come_in_the_order_of_their_list() -> None:
    listed = examples()
    assert [each.id for each in listed][:2] == ["red-panda", "dog"]
    assert len(listed) == len({each.id for each in listed}) >= 6
    assert all(each.title and each.alt for each in listed)


@pytest.mark.parametrize("each", examples(), ids=lambda each: each.id)
def test_every_example_opens_without_changes(each) -> None:
    photo = open_photo(each.path)
    assert photo.notes == ()
    assert min(photo.image.size) >= 224


def test_an_example_is_found_by_its_id() -> None:
    assert example("koala").title == "Koala"
    assert example("koala") in examples()


def test_an_unknown_example_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        OptionError, match=r"no example photo 'red_panda'; wanted one of red-panda, .* mean 'red-panda'"
    ):
        example("red_panda")
