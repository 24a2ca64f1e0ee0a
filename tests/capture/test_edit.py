"""An edit is a value: equal whatever its order, usable in a cache key, and never out of range unnoticed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid

GRID = PatchGrid(2, 3, (8, 8), ("class",))


def test_the_order_and_repetition_of_options_do_not_matter() -> None:
    one = Edit(temperature={3: 2, 1: 0.5}, ablate_heads=[(2, 1), (0, 0), (2, 1)], mask_tokens=[4, 2, 4])
    other = Edit(mask_tokens=(2, 4), ablate_heads=((0, 0), (2, 1)), temperature={1: 0.5, 3: 2.0})
    assert one == other
    assert hash(one) == hash(other)
    assert {one: "cached"}[other] == "cached"
    assert one != Edit(mask_tokens=(2, 4))


def test_an_edit_that_changes_nothing_is_the_empty_one() -> None:
    assert Edit(temperature={0: 1.0, 4: 1}) == Edit() == NO_EDIT
    assert not NO_EDIT
    assert all((Edit(temperature={0: 2}), Edit(ablate_heads=[(0, 0)]), Edit(mask_tokens=[0])))


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        NO_EDIT.mask_tokens = (1,)  # type: ignore[misc]


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_is_a_positive_finite_number(factor: float) -> None:
    with pytest.raises(OptionError, match=rf"temperature factor of layer 5 is {factor}; wanted a positive, finite"):
        Edit(temperature={5: factor})


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Edit(temperature={2: 3.0}), r"Layer 2 does not exist; there are 2\. Give one from 0 to 1"),
        (Edit(temperature={-1: 3.0}), "Layer -1 does not exist"),
        (Edit(ablate_heads=[(1, 2)]), r"Head 2 does not exist; there are 2\."),
        (Edit(ablate_heads=[(2, 0)]), "Layer 2 does not exist"),
        (Edit(ablate_heads=[(0, -1)]), "Head -1 does not exist"),
        (Edit(mask_tokens=[7]), r"Token 7 does not exist; there are 7\. Give one from 0 to 6"),
        (Edit(mask_tokens=[-1]), "Token -1 does not exist"),
        (Edit(mask_tokens=range(7)), "All 7 tokens are masked"),
        (Edit(mask_tokens=range(1, 7)), "All 6 patches are masked"),
    ],
)
def test_what_the_model_has_not_is_refused(edit: Edit, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        edit.check(layers=2, heads=(4, 2), grid=GRID)


def test_what_the_model_has_is_accepted() -> None:
    Edit(temperature={1: 3.0}, ablate_heads=[(0, 3), (1, 1)], mask_tokens=[0, *range(2, 7)]).check(
        layers=2, heads=(4, 2), grid=GRID
    )


def test_it_describes_itself_in_plain_numbers() -> None:
    edit = Edit(temperature={1: 2}, ablate_heads=[(1, 0)], mask_tokens=[3])
    assert edit.describe() == {"temperature": {"1": 2.0}, "ablate_heads": [[1, 0]], "mask_tokens": [3]}
