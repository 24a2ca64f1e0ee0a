"""The choices of the Compare page: against what, by which method, in which unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from vitviz.analysis.map_comparison import UNITS
from vitviz.attribution.attribute import find_method
from vitviz.ui.choices import own_model
from vitviz.ui.choices.choice import Choice, Value, class_or_none, name_or_none, one_of
from vitviz.ui.choices.shared import ANSWERS, PRECISION, SIZE, model_name

PAGE = "compare"
KINDS = ("random", "model", "photo", "class")
"""What B is: the same model with random weights, another model, another photo, another class."""


def _method(text: str) -> str:
    return find_method(text).name


def _of_b(choice: Choice[Value]) -> Choice[Value]:
    """Return a choice about the model that is looked at, for the one beside it."""
    return replace(choice, name=f"other_{choice.name.removeprefix('own_')}", pages=(PAGE,))


AGAINST = Choice("against", "random", one_of(*KINDS), pages=(PAGE,))
BY = Choice("by", "gradient_rollout", _method, pages=(PAGE,))
UNIT = Choice("unit", "share", one_of(*UNITS), pages=(PAGE,))
SIDES_SCALE = Choice("sides_scale", "own", one_of("own", "shared"), pages=(PAGE,))
OTHER_MODEL = Choice("other_model", "default", model_name, pages=(PAGE,))  # the one that needs no network
OTHER_WEIGHTS = Choice("other_weights", "pretrained", one_of("pretrained", "random"), pages=(PAGE,))
OTHER_PHOTO = Choice("other_photo", "", name_or_none, pages=(PAGE,))  # empty: the next example
OTHER_CLASS = Choice("other_class", "", class_or_none, pages=(PAGE,))  # second answer
OTHER_OPTIONS: Choice[Literal["like_a", "own"]] = Choice(
    "other_options", "like_a", one_of("like_a", "own"), pages=(PAGE,)
)
"""Whether B is loaded as A is, as far as both are of one architecture, or by the choices below."""
OTHER_SIZE, OTHER_PRECISION, OTHER_ANSWERS = _of_b(SIZE), _of_b(PRECISION), _of_b(ANSWERS)
OTHER_ARCHITECTURE = _of_b(own_model.OWN_ARCHITECTURE)
OTHER_HEADS = _of_b(own_model.OWN_HEADS)
OTHER_KIND = _of_b(own_model.OWN_KIND)
OTHER_ACTIVATION = _of_b(own_model.OWN_ACTIVATION)
OTHER_POOLING = _of_b(own_model.OWN_POOLING)
OTHER_TRAINED = _of_b(own_model.OWN_TRAINED)
OTHER_NAMES = _of_b(own_model.OWN_NAMES)
OTHER_MEAN = _of_b(own_model.OWN_MEAN)
OTHER_STD = _of_b(own_model.OWN_STD)
OTHER_CROP = _of_b(own_model.OWN_CROP)
OTHER_INTERPOLATION = _of_b(own_model.OWN_INTERPOLATION)
OTHER_CROP_MODE = _of_b(own_model.OWN_CROP_MODE)
