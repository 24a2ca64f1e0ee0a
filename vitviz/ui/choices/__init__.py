"""Every choice that a reader can make, as data: one file a page or group of pages, put together here.

A new page's choices: a file with ``CHOICES``, one import and one line in ``GROUPS``.
"""

from __future__ import annotations

from vitviz.ui.choices import (
    anatomy,
    attention_from_scratch,
    compare,
    cost,
    depth,
    evidence,
    explore,
    long_range,
    patches,
    patches_and_detail,
    space,
    training,
)
from vitviz.ui.choices.choice import Choice

GROUPS: tuple[tuple[Choice, ...], ...] = (
    explore.CHOICES,
    evidence.CHOICES,
    space.CHOICES,
    compare.CHOICES,
    patches.CHOICES,
    patches_and_detail.CHOICES,
    attention_from_scratch.CHOICES,
    cost.CHOICES,
    depth.CHOICES,
    long_range.CHOICES,
    anatomy.CHOICES,
    training.CHOICES,
)
CHOICES: dict[str, Choice] = {choice.name: choice for group in GROUPS for choice in group}
"""By name. Names are unique over all pages."""
