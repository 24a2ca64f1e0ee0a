"""The choices that all Learn pages share: whether a guess comes before the answer, and whether a class sits there."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, flag

PAGES = (
    "anatomy",
    "patches_and_detail",
    "attention_from_scratch",
    "long_range",
    "cost",
    "depth",
    "training",
)
"""The Learn pages by their files' names."""

GUESS_FIRST = Choice("guess_first", False, flag, pages=PAGES)
CLASS = Choice("class", False, flag, pages=PAGES)
"""Whether the link is a teacher's: guesses come first, and answers are not to be had before them."""
