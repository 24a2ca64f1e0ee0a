"""The errors are one tree, and their helpers say what, what was given, what is wanted and what is near."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from vitviz import errors
from vitviz.errors import OptionError, VitvizError, check_choice, check_index, suggest

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Exception)]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_a_vitviz_error_and_stands_in_the_tree_at_the_top(error: type[Exception]) -> None:
    assert issubclass(error, VitvizError)
    assert issubclass(error, ValueError)
    assert error.__name__ in (errors.__doc__ or "")
    assert str(error("a message")) == "a message"


def test_the_tree_names_no_error_that_does_not_exist() -> None:
    drawn = {word for word in (errors.__doc__ or "").split() if word.endswith("Error") and word != "ValueError"}
    assert drawn == {error.__name__ for error in CLASSES}


def test_near_names_are_suggested() -> None:
    known = ["vit_tiny", "vit_small", "resnet18"]
    assert suggest("vit_tinny", known) == " Did you mean 'vit_tiny'?"
    assert suggest("vit_tinl", ["vit_tiny", "vit_tine"]) in {
        " Did you mean 'vit_tiny' or 'vit_tine'?",
        " Did you mean 'vit_tine' or 'vit_tiny'?",
    }
    assert suggest("zebra", known) == ""
    assert suggest("vit_a", [f"vit_{letter}" for letter in "bcdef"]).count("'") == 2 * 3


@pytest.mark.parametrize("index", [0, 2, np.int64(1), np.uint8(2)])
def test_an_index_inside_is_returned_as_an_int(index: int) -> None:
    found = check_index("Layer", index, 3)
    assert found == index
    assert type(found) is int


@pytest.mark.parametrize("index", [3, -1, 99, np.int64(3)])
def test_an_index_outside_is_told_the_range(index: int) -> None:
    with pytest.raises(OptionError, match=rf"^Layer {index} does not exist; there are 3\. Give one from 0 to 2\.$"):
        check_index("Layer", index, 3)


@pytest.mark.parametrize("index", [1.0, "1", None, True, np.float64(1), [1]])
def test_an_index_that_is_no_whole_number_is_told_so(index: object) -> None:
    with pytest.raises(OptionError, match=r"Head must be a whole number; got .*\. Give one from 0 to 2\.$") as caught:
        check_index("Head", index, 3)  # type: ignore[arg-type]
    assert repr(index) in str(caught.value)


def test_a_choice_is_returned_or_the_choices_are_listed() -> None:
    assert check_choice("fusion", "max", ("mean", "max")) == "max"
    with pytest.raises(OptionError, match=r"fusion 'maxx' is unknown; wanted .* 'mean', 'max'\. Did you mean 'max'\?"):
        check_choice("fusion", "maxx", ("mean", "max"))
    with pytest.raises(OptionError, match="fusion '<script>' is unknown"):
        check_choice("fusion", "<script>", iter(["mean", "max"]))
    with pytest.raises(OptionError, match=r"fusion an object of ndarray is unknown; wanted one of 'mean', 'max'"):
        check_choice("fusion", np.array([1, 2]), ("mean", "max"))  # type: ignore[arg-type]
