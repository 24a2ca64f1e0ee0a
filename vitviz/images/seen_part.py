"""SeenPart: which part of a picture a model sees."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.numbers import percent
from vitviz.record import Record

_ENLARGED = 1.25
_NAMED = 0.003
"""Share of a picture's side from which on it is told to be left out."""


@dataclass(frozen=True)
class SeenPart(Record):
    """Which part of a picture a model sees, and where in the model's input it lies."""

    box: tuple[float, float, float, float]
    """(left, top, right, bottom) of what is seen, as shares of the picture's width and height."""
    inside: tuple[float, float, float, float]
    """(left, top, right, bottom) of the picture in the input, as shares of its width and height: all of it but where
    there are bars."""
    stretch: float
    """How much wider than high the model sees a square of the picture: 1 where the shape is kept."""
    enlarged: float = 1.0
    """How many pixels of the input a pixel of the picture becomes along its side; below 1 it is reduced."""

    @property
    def share(self) -> float:
        """Share of the picture's area that is seen, 0 to 1."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)

    @property
    def left_out(self) -> tuple[float, float, float, float]:
        """Shares of the picture that are left out on the left, at the top, on the right and at the bottom."""
        left, top, right, bottom = self.box
        return left, top, 1 - right, 1 - bottom

    @property
    def bars(self) -> float:
        """Share of the input that shows nothing of the picture."""
        left, top, right, bottom = self.inside
        return 1 - (right - left) * (bottom - top)

    @property
    def is_whole(self) -> bool:
        """Whether all of the picture is seen, to half a percent of its area or a third of one on each side."""
        return self.share >= 0.995 or max(self.left_out) < _NAMED

    @property
    def is_enlarged(self) -> bool:
        """Whether the picture has so few pixels that the model sees a blurred one."""
        return self.enlarged >= _ENLARGED

    @property
    def is_in_shape(self) -> bool:
        """Whether the input is the whole picture in its own shape."""
        return self.is_whole and self.bars < 0.005 and abs(self.stretch - 1) < 0.02

    @property
    def is_plain(self) -> bool:
        """Whether the input is the whole picture in its own shape and not enlarged: there is nothing to tell."""
        return self.is_in_shape and not self.is_enlarged

    def told(self) -> str:
        """Return in words what is seen.

        >>> vitviz.load_vit().seen_part("photo.jpg").told()
        'the model sees 66.7% of the picture; left out: 16.7% on the left, 16.7% on the right'
        """
        words = "the model sees all of the picture"
        if not self.is_whole:
            names = ("on the left", "at the top", "on the right", "at the bottom")
            sides = zip(names, self.left_out, strict=True)
            told = ", ".join(f"{percent(share)} {name}" for name, share in sides if share >= _NAMED)
            words = f"the model sees {percent(self.share)} of the picture; left out: {told}"
        if self.bars >= 0.005:
            words += f"; {percent(self.bars)} of its input are bars"
        if abs(self.stretch - 1) >= 0.02:
            side = "width" if self.stretch < 1 else "height"
            words += f"; it is squashed to {percent(min(self.stretch, 1 / self.stretch))} of its {side}"
        if self.is_enlarged:
            words += f"; it is enlarged {self.enlarged:.1f} times, and so blurred"
        return words
