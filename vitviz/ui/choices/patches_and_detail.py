"""The choices of the page Patches and detail."""

from __future__ import annotations

from vitviz.labs.object.smallest_object import ALIGNMENTS, INSIDE
from vitviz.ui.choices.choice import Choice, flag, integer, number, one_of

PAGE = "patches_and_detail"
LARGEST_PATCH = LARGEST_OBJECT = 128
"""In pixels of a picture of 256."""

CHOICES = (
    Choice("detail", "object", one_of("object", "patch_size"), page=PAGE),
    Choice("object_patch", 16, integer(1, LARGEST_PATCH), page=PAGE),
    Choice("object_size", 8, integer(1, LARGEST_OBJECT), page=PAGE),
    Choice("object_place", INSIDE, one_of(*ALIGNMENTS), page=PAGE),
    Choice("brightness", 0.2, number(0.01, 1), page=PAGE),
    Choice("noise", 0.2, number(0.01, 1), page=PAGE),
    Choice("threshold", 3.0, number(0.5, 6), page=PAGE),
    Choice("draw", 0, integer(0, 9999), page=PAGE),
    Choice("pasted", False, flag, page=PAGE),
    Choice("repatched", False, flag, page=PAGE),
)
