"""The example photos are all there, in order, and an unknown one is answered with the nearest."""

from __future__ import annotations

import pytest

import vitviz
from vitviz.errors import OptionError
from vitviz.examples import example, examples, photographs, verdict
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


@pytest.fixture(scope="module")
def vit() -> vitviz.ViT:
    return vitviz.load_vit()


@pytest.mark.parametrize("photo", examples(), ids=lambda photo: photo.id)
def test_each_example_is_answered_as_its_label_says(photo, vit: vitviz.ViT) -> None:
    assert set(photo.classes) <= set(vit.class_names)
    answers = [vit.class_name(index) for index, _share in vitviz.trace(vit, photo.path).top(2)]
    assert verdict(photo.classes, answers) == photo.answer, answers


def test_the_examples_hold_right_answers_a_wrong_one_two_in_a_photo_and_none() -> None:
    answers = [photo.answer for photo in examples()]
    assert answers.count("right") == 8
    assert {photo.id for photo in examples() if photo.answer != "right"} == {"cat", "kingfisher", "cat-and-dog"}
    assert set(answers) == {"right", "wrong", "both", "unknown"}


def test_a_photo_put_together_is_no_photograph_and_names_what_it_was_made_of() -> None:
    assert [photo.id for photo in examples() if photo not in photographs()] == ["cat-and-dog"]
    assert example("cat-and-dog").made_of == ("cat", "dog")
    assert all(example(part) in photographs() for photo in examples() for part in photo.made_of)


@pytest.mark.parametrize(
    ("classes", "answers", "expected"),
    [
        ([], ["goose", "goldfish"], "unknown"),
        (["tabby"], ["tabby", "lemon"], "right"),
        (["tabby"], ["lemon", "tabby"], "wrong"),
        (["tabby", "koala"], ["koala", "tabby"], "both"),
        (["tabby", "koala"], ["koala", "lemon"], "right"),
        (["tabby"], ["tabby"], "right"),  # a model of one class
    ],
)
def test_a_verdict_by_hand(classes, answers, expected) -> None:
    assert verdict(classes, answers) == expected
