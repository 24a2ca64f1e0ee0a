"""The choices of the page Patches and detail."""

from __future__ import annotations

from vitviz.labs.object.detector import ALIGNMENTS, INSIDE
from vitviz.ui.choices.choice import Choice, flag, integer, number, one_of

PAGE = "patches_and_detail"
LARGEST_PATCH = LARGEST_OBJECT = 128
"""In pixels of a picture of 256."""

EXPERIMENT = Choice("detail", "object", one_of("object", "patch_size"), pages=(PAGE,))
OBJECT_PATCH = Choice("object_patch", 16, integer(1, LARGEST_PATCH), pages=(PAGE,))
OBJECT_SIZE = Choice("object_size", 8, integer(1, LARGEST_OBJECT), pages=(PAGE,))
OBJECT_PLACE = Choice("object_place", INSIDE, one_of(*ALIGNMENTS), pages=(PAGE,))
BRIGHTNESS = Choice("brightness", 0.2, number(0.01, 1), pages=(PAGE,))
NOISE = Choice("noise", 0.2, number(0.01, 1), pages=(PAGE,))
THRESHOLD = Choice("threshold", 3.0, number(0.5, 6), pages=(PAGE,))
DRAW = Choice("draw", 0, integer(0, 9999), pages=(PAGE,))
PASTED = Choice("pasted", False, flag, pages=(PAGE,))
REPATCHED = Choice("repatched", False, flag, pages=(PAGE,))
