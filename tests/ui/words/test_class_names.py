"""Classes are called by the reader's language, files and links by the library's."""

from types import SimpleNamespace

import pytest

from vitviz.assets import WEIGHTS
from vitviz.models.shipped import MODELS, read_class_names
from vitviz.ui import text
from vitviz.ui.words.class_names import class_name, class_names


@pytest.fixture
def chinese():
    token = text._spoken.set("zh")
    yield
    text._spoken.reset(token)


def stand_in(*names):
    return SimpleNamespace(class_names=names, class_name=lambda index: names[index])


def test_an_english_reader_sees_the_model_s_own_names():
    assert class_names(stand_in("bee", "orange")) == ("bee", "orange")


def test_an_orange_is_a_fruit_among_classes_and_a_colour_elsewhere(chinese):
    assert class_name(stand_in("bee", "orange"), 1) == "橙子"
    assert text._("orange") == "橙色"


def test_a_class_of_another_model_stays_as_the_model_calls_it(chinese):
    assert class_names(stand_in("bee", "my cat", "class 823")) == ("蜜蜂", "my cat", "类别 823")


def test_no_two_shipped_classes_are_called_the_same(chinese):
    for model in MODELS.values():
        names = read_class_names(WEIGHTS / model.classes)
        assert len(set(class_names(stand_in(*names)))) == len(names) == 200
