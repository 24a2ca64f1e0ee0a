"""The choices of the Patches page: which patches are painted, what happens to them, which map is compared."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

import numpy as np

from vitviz.analysis.patch_changes import CHANGES
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.ui.choices.choice import Choice, flag, one_of, whole
from vitviz.ui.text import _

PAGE = "patches"
NOTHING = "none"
"""Stands in the link for a photo that nothing is painted on."""
SIZE_SEPARATOR = "-"
LARGEST_PATCH, MOST_SIZES = 64, 16
_LARGEST_GRID = 128
_TEXT = re.compile(r"(\d{1,3})x(\d{1,3})[.]([A-Za-z0-9_-]*)")


@dataclass(frozen=True)
class Painting:
    """Painted patches of a grid. In the link: "16x16." and one bit a patch, row by row, in URL-safe base 64."""

    rows: int
    columns: int
    patches: frozenset[int]

    def text(self) -> str:
        """Return the painting as it stands in the link; empty if nothing is painted."""
        if not self.patches:
            return ""
        bits = np.zeros(self.rows * self.columns, dtype=bool)
        bits[list(self.patches)] = True
        packed = np.packbits(bits).tobytes().rstrip(b"\0")
        return f"{self.rows}x{self.columns}." + base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def on(self, grid: PatchGrid) -> Painting:
        """Return the painting on another grid: a patch is painted if its middle lies on painted ground."""
        if (self.rows, self.columns) == (grid.rows, grid.columns):
            return self
        rows = ((np.arange(grid.rows) + 0.5) * self.rows / grid.rows).astype(int)
        columns = ((np.arange(grid.columns) + 0.5) * self.columns / grid.columns).astype(int)
        under = rows[:, None] * self.columns + columns  # (row, column) of the new grid
        painted = np.isin(under.ravel(), list(self.patches))
        return Painting(grid.rows, grid.columns, frozenset(np.flatnonzero(painted).tolist()))


def painting_of(text: str) -> Painting | None:
    """Return the painting of a link's text, None for an empty one; raises OptionError for a text that is none."""
    if not text or text == NOTHING:
        return None
    match = _TEXT.fullmatch(text)
    rows, columns = (int(match[1]), int(match[2])) if match else (0, 0)
    if not match or not (1 <= rows <= _LARGEST_GRID and 1 <= columns <= _LARGEST_GRID):
        raise OptionError(_("wanted a grid and its painted patches, such as 16x16.AAE"))
    try:
        packed = base64.urlsafe_b64decode(match[3] + "=" * (-len(match[3]) % 4))
    except binascii.Error:
        raise OptionError(_("its base 64 cannot be read")) from None
    patches = np.flatnonzero(np.unpackbits(np.frombuffer(packed, np.uint8)))
    if patches.size and patches[-1] >= rows * columns:
        raise OptionError(
            _("patch {patch} lies outside its grid of {count}").format(patch=patches[-1], count=rows * columns)
        )
    return Painting(rows, columns, frozenset(patches.tolist()))


def painted_text(painting: Painting | None) -> str:
    """Return a painting as it stands in the link, where an empty text is the opening example."""
    return (painting.text() if painting else "") or NOTHING


def _painted(text: str) -> str:
    return painted_text(painting_of(text)) if text else ""


def sizes_of(text: str) -> list[int]:
    """Return the patch sizes of a text such as "7-14-28", in rising order; raises OptionError for another text."""
    sizes = sorted({whole(part) for part in text.split(SIZE_SEPARATOR)}) if text else []
    if len(sizes) > MOST_SIZES or not all(1 <= size <= LARGEST_PATCH for size in sizes):
        raise OptionError(
            _("wanted up to {count} patch sizes from 1 to {largest} pixels, such as 7-14-28").format(
                count=MOST_SIZES, largest=LARGEST_PATCH
            )
        )
    return sizes


def _sizes(text: str) -> str:
    return SIZE_SEPARATOR.join(map(str, sizes_of(text)))


PAINTED = Choice("painted", "", _painted, pages=(PAGE,))  # empty: the opening example
CHANGE = Choice("change", "grey", one_of(*CHANGES), pages=(PAGE,))
KEEP_ONLY = Choice("keep_only", False, flag, pages=(PAGE,))
PATCH_MAP = Choice("patch_map", "attention", one_of("attention", "rollout"), pages=(PAGE,))
PATCH_SIZES = Choice("patch_sizes", "", _sizes, pages=(PAGE,))  # empty: those of the library
