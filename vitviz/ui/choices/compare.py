"""The choices of the Compare page: against what, by which method, in which unit."""

from __future__ import annotations

from vitviz.analysis.map_comparison import UNITS
from vitviz.attribution.attribute import find_method
from vitviz.ui.choices.choice import Choice, name, one_of, whole

AGAINST = ("random", "model", "photo", "class")
"""What B is: the same model with random weights, another model, another photo, another class."""


def _method(text: str) -> str:
    return find_method(text).name


CHOICES = (
    Choice("against", "random", one_of(*AGAINST), page="compare"),
    Choice("by", "gradient_rollout", _method, page="compare"),
    Choice("unit", "share", one_of(*UNITS), page="compare"),
    Choice("other_model", "timm:vit_tiny_patch16_224", name, page="compare"),
    Choice("other_weights", "pretrained", one_of("pretrained", "random"), page="compare"),
    Choice("other_photo", "", lambda text: text and name(text), page="compare"),  # empty: the next example
    Choice("other_class", "", lambda text: text and str(whole(text)), page="compare"),  # second answer
)
