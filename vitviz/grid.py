"""PatchGrid: where each token lies in the picture. The only place that knows about prefix tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.errors import GridError, OptionError, check_whole, is_whole, shown, suggest
from vitviz.record import Record

Values = TypeVar("Values", bound=Any)  # a NumPy array or a Torch tensor: both have shape and reshape


@dataclass(frozen=True)
class PatchGrid(Record):
    """The tokens of one image: prefix tokens first, then the patches row by row.

    No method of vitviz takes a square root of a token number: it asks this record.

    >>> grid = vitviz.PatchGrid(2, 3, (16, 16), ("class",))
    >>> grid.tokens, grid.token(4), grid.position(4)
    (7, 5, (1, 1))
    """

    rows: int
    """Patches from top to bottom."""
    columns: int
    """Patches from left to right."""
    patch_size: tuple[int, int]
    """Height and width of one patch in pixels of the model's input."""
    prefix: tuple[str, ...] = ()
    """Names of the tokens before the patches, in order: "class", "distillation", "register 1" …"""

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            check_whole(name, getattr(self, name))
        _check_sequences(self.patch_size, self.prefix)
        if min(self.rows, self.columns, *self.patch_size) < 1:
            raise GridError(
                "A patch grid needs at least one row, column and pixel; got {rows} rows, {columns} "
                "columns and patches of {patch_size}. Check the image size against the model's "
                "patch size.",
                rows=self.rows,
                columns=self.columns,
                patch_size=self.patch_size,
            )

    @property
    def patches(self) -> int:
        """Number of patch tokens."""
        return self.rows * self.columns

    @property
    def tokens(self) -> int:
        """Number of tokens in all: prefix tokens and patches."""
        return len(self.prefix) + self.patches

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels that the patches cover."""
        return self.rows * self.patch_size[0], self.columns * self.patch_size[1]

    @property
    def names(self) -> tuple[str, ...]:
        """Name of every token: the prefix tokens' names, then the patch numbers as text."""
        return self.prefix + tuple(str(patch) for patch in range(self.patches))

    def to_map(self, values: Values) -> Values:
        """Lay patch values (…, patches) or token values (…, tokens) out as (…, rows, columns).

        Prefix tokens, if present, are dropped. Takes NumPy arrays and Torch tensors alike.
        Raises GridError if the last axis holds neither the patches nor all tokens.
        """
        last = int(values.shape[-1]) if getattr(values, "shape", ()) else 1  # one number, or what is no array at all
        if last == self.tokens:
            values = values[..., len(self.prefix) :]
        elif last != self.patches:
            raise GridError(
                "Cannot lay out {last} values; wanted {patches} patches ({rows} × {columns}) or "
                "{tokens} tokens. Pass values of the same image and model as the grid.",
                last=last,
                patches=self.patches,
                rows=self.rows,
                columns=self.columns,
                tokens=self.tokens,
            )
        laid_out: Values = values.reshape(*values.shape[:-1], self.rows, self.columns)
        return laid_out

    def token(self, name: str | int) -> int:
        """Return the token index of a patch number, or of a prefix token's name such as "class".

        Raises OptionError for a patch outside the grid and for a prefix token that the model has not.
        """
        if isinstance(name, str) and name in self.prefix:
            return self.prefix.index(name)
        text = str(name)
        if text.isdecimal() and int(text) < self.patches:
            return len(self.prefix) + int(text)
        special = ", ".join(repr(prefix) for prefix in self.prefix) or "none"
        raise OptionError(
            "There is no token {name}; wanted a patch number from 0 to {last} or a special token "
            "of this model ({special}).{hint}",
            name=repr(name),
            last=self.patches - 1,
            special=special,
            hint=suggest(text, self.prefix),
        )

    @checked
    def patch_at(self, x: float, y: float) -> int:
        """Return the patch number under the pixel (x, y), counted from the top left of the model's input."""
        height, width = self.image_size
        if not (0 <= y < height and 0 <= x < width):
            raise OptionError(
                "Pixel ({x}, {y}) lies outside the picture; wanted 0 ≤ x < {width} and 0 ≤ y < "
                "{height}. Count pixels in the model's input, not in the original photo.",
                x=x,
                y=y,
                width=width,
                height=height,
            )
        return int(y // self.patch_size[0]) * self.columns + int(x // self.patch_size[1])

    def position(self, patch: int) -> tuple[int, int]:
        """Return (row, column) of a patch, both counted from 0."""
        if not is_whole(patch) or not 0 <= patch < self.patches:
            raise OptionError(
                "There is no patch {patch}; give one from 0 to {last}.",
                patch=shown(patch),
                last=self.patches - 1,
            )
        return divmod(patch, self.columns)

    def box(self, patch: int) -> tuple[int, int, int, int]:
        """Return the pixel box (left, top, right, bottom) of a patch; right and bottom are exclusive."""
        row, column = self.position(patch)
        height, width = self.patch_size
        return column * width, row * height, (column + 1) * width, (row + 1) * height

    def distances(self) -> NDArray[np.float64]:
        """Return the distance between the centres of every two patches, in patches: (patch, patch)."""
        row, column = np.divmod(np.arange(self.patches), self.columns)
        distances: NDArray[np.float64] = np.hypot(row[:, None] - row, column[:, None] - column)
        return distances

    def pixel_distances(self) -> NDArray[np.float64]:
        """Return the distance between the centres of every two patches, in pixels of the input: (patch, patch)."""
        row, column = np.divmod(np.arange(self.patches), self.columns)
        height, width = self.patch_size
        down, across = (row[:, None] - row) * height, (column[:, None] - column) * width
        distances: NDArray[np.float64] = np.hypot(down, across)
        return distances


def _check_sequences(patch_size: tuple[int, int], prefix: tuple[str, ...]) -> None:
    if not isinstance(patch_size, tuple) or len(patch_size) != 2 or not all(map(is_whole, patch_size)):
        raise GridError(
            "patch_size is {given}; wanted a pair of whole numbers, the height and the width of a patch in pixels, "
            "such as (16, 16).",
            given=shown(patch_size) if not isinstance(patch_size, tuple) else repr(patch_size),
        )
    if not isinstance(prefix, tuple) or not all(isinstance(name, str) for name in prefix):
        raise GridError(
            'prefix is {given}; wanted the names of the special tokens in a tuple, such as ("class",).',
            given=shown(prefix),
        )
