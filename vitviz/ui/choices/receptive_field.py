"""The choices of the Receptive field page: which photos, which scale, and what is measured on demand."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, flag, one_of

PAGE = "receptive_field"

PICTURES = Choice("pictures", "one", one_of("one", "examples"), pages=(PAGE,))
FIELD_SCALE = Choice("field_scale", "log", one_of("log", "linear"), pages=(PAGE,))
DEPTHS = Choice("depths", False, flag, pages=(PAGE,))
SPREAD = Choice("spread", False, flag, pages=(PAGE,))
