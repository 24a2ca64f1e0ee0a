"""Class names in every form in which people have them; what has no order or no name for an output is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vitviz.errors import OptionError
from vitviz.models.class_names import listed_names
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT

NAMES = tuple(f"bird {number}" for number in range(10))
SHUFFLED = [7, 2, 9, 0, 4, 1, 8, 3, 6, 5]
FORMS: dict[str, Any] = {
    "tuple": NAMES,
    "generator": (name for name in NAMES),
    "array": np.array(NAMES),
    "id2label": {index: NAMES[index] for index in SHUFFLED},
    "id2label of JSON": {str(index): NAMES[index] for index in SHUFFLED},
    "label2id": {NAMES[index]: index for index in SHUFFLED},
    "NumPy's numbers": {NAMES[index]: np.int64(index) for index in SHUFFLED},
    "values of a dictionary": dict(enumerate(NAMES)).values(),
}


@pytest.mark.parametrize("form", FORMS)
def test_names_come_in_the_order_of_the_outputs(form: str, tiny_vit: nn.Module) -> None:
    names = ViT.from_module(tiny_vit, class_names=FORMS[form]).class_names
    assert names == NAMES
    assert {type(name) for name in names} == {str}


def test_two_classes_may_share_a_name() -> None:
    assert listed_names(["crane", "kite", "crane"]) == ("crane", "kite", "crane")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (set(NAMES), "are a set, which has no order; .*Give a list"),
        (frozenset(NAMES), "are a frozenset, which has no order"),
        (dict.fromkeys(NAMES).keys(), "are a dict_keys, which has no order"),
        ("abcdefghij", r"one text \('abcdefghij'\); wanted one name a class"),
        (b"abcdefghij", "one text"),
        (7, "of type int .*wanted a list"),
        (range(10), "name of class 0 is 0, of type int; wanted text"),
        (torch.arange(10), "of type Tensor; wanted text"),
        ([*NAMES[:9], None], "name of class 9 is None, of type NoneType"),
        ([*NAMES[:9], " "], "name of class 9 is empty"),
        (NAMES[:9], "9 class names were given for mine, which has 10 classes"),
        (
            {index + 1: name for index, name in enumerate(NAMES)},
            "10 class names have no index 0, but 10; wanted 0 to 9",
        ),
        ({-1: "a", 0: "b"}, "have no index 1"),
        ({"cat": 0, "dog": 0}, "Two class names have the index 0: 'cat' and 'dog'"),
        ({0: "cat", "0": "dog"}, "Two class names have the index 0"),
        ({1.5: "cat"}, "a dictionary with 1.5 as a key; wanted one from index to name"),
        ({True: "cat"}, "a dictionary with True as a key"),
        ({"cat": "dog"}, "a dictionary with 'cat' as a key"),
        ({0: 1, 1: 0}, "name of class 0 is 1, of type int"),
        ({0: ["cat"]}, "of type list; wanted text"),
        ({}, "0 class names were given"),
    ],
)
def test_names_that_say_nothing_sure_are_refused(given: Any, said: str, tiny_vit: nn.Module) -> None:
    with pytest.raises(OptionError, match=said):
        ViT.from_module(tiny_vit, name="mine", class_names=given)


def test_a_model_without_a_classifier_has_no_names(build_vit: Any) -> None:
    with pytest.raises(
        OptionError, match="1 class names were given for mine, which has 0 classes. It has no classifier"
    ):
        ViT.from_module(build_vit(num_classes=0), name="mine", class_names={0: "cat"})


def test_a_names_file_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("".join(f"name {number}\n" for number in range(1000)), encoding="utf-8-sig")
    vit = load_vit("timm:test_vit", weights="random", class_names=path)
    assert vit.class_names[:2] == ("name 0", "name 1")
    known = {number: f"other {number}" for number in range(1000)}
    assert load_vit("timm:test_vit", weights="random", class_names=known).class_names[999] == "other 999"
    with pytest.raises(OptionError, match="a set, which has no order"):
        load_vit("timm:test_vit", weights="random", class_names=set(known.values()))
