"""The list of classes: found by a part of a name in either language, the most probable first."""

from types import SimpleNamespace

import pytest

from vitviz.ui import text
from vitviz.ui.furniture.classes import matching

NAMES = ("tabby", "Persian cat", "Egyptian cat")
TOP = [(1, 0.5), (0, 0.3), (2, 0.2)]
SCENE = SimpleNamespace(vit=SimpleNamespace(class_names=NAMES), trace=SimpleNamespace(top=lambda count: TOP[:count]))


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [("", ["Persian cat", "tabby", "Egyptian cat"]), (" CAT ", ["Persian cat", "Egyptian cat"]), ("dog", [])],
)
def test_a_part_of_a_name_finds_its_classes(wanted, shown):
    columns = matching(SCENE, wanted)
    assert columns["Class"] == shown
    assert len(columns["Share"]) == len(shown)
    assert set(columns) == {"Class", "Share"}


@pytest.mark.parametrize("wanted", ["波斯猫", "persian"])
def test_chinese_readers_find_a_class_by_both_names(wanted):
    token = text._spoken.set("zh")
    try:
        columns = list(matching(SCENE, wanted).values())
    finally:
        text._spoken.reset(token)
    assert columns == [["波斯猫"], ["Persian cat"], [0.5]]
