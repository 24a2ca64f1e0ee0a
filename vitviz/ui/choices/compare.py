"""The choices of the Compare page: against what, by which method, in which unit."""

from __future__ import annotations

from vitviz.analysis.map_comparison import UNITS
from vitviz.attribution.attribute import find_method
from vitviz.ui.choices.choice import Choice, class_or_none, name_or_none, one_of
from vitviz.ui.choices.shared import model_name

PAGE = "compare"
KINDS = ("random", "model", "photo", "class")
"""What B is: the same model with random weights, another model, another photo, another class."""


def _method(text: str) -> str:
    return find_method(text).name


AGAINST = Choice("against", "random", one_of(*KINDS), pages=(PAGE,))
BY = Choice("by", "gradient_rollout", _method, pages=(PAGE,))
UNIT = Choice("unit", "share", one_of(*UNITS), pages=(PAGE,))
SIDES_SCALE = Choice("sides_scale", "own", one_of("own", "shared"), pages=(PAGE,))
OTHER_MODEL = Choice("other_model", "timm:vit_tiny_patch16_224", model_name, pages=(PAGE,))
OTHER_WEIGHTS = Choice("other_weights", "pretrained", one_of("pretrained", "random"), pages=(PAGE,))
OTHER_PHOTO = Choice("other_photo", "", name_or_none, pages=(PAGE,))  # empty: the next example
OTHER_CLASS = Choice("other_class", "", class_or_none, pages=(PAGE,))  # second answer
