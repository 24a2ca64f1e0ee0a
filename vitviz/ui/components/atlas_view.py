"""AtlasView: one number for every head of a model, as the head atlas shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import GridError, OptionError, check_index
from vitviz.figures.palettes import table
from vitviz.ui.components.labels import atlas_labels
from vitviz.ui.components.packing import float32_bytes, pack


class HeadIndex(NamedTuple):
    """A head of a model: its layer and its number in that layer, both counted from 0."""

    layer: int
    head: int


@dataclass(frozen=True, kw_only=True)
class AtlasView:
    """A statistic of every head. Layer 0 is the top row: down is deeper.

    Raises GridError for values without the two axes, OptionError for an impossible range or head.
    """

    values: NDArray[np.float32]
    """(layers, heads); NaN for a head without a value, which is hatched."""
    label: str
    """What the numbers are, for example "Mean attention distance"."""
    unit: str = ""
    """For example "patches" or "nats"."""
    palette: str = "viridis"
    """A palette of vitviz.figures.palettes; a diverging one wants minimum = -maximum."""
    minimum: float | None = None
    """Value of the first colour; None for the smallest value."""
    maximum: float | None = None
    """Value of the last colour; None for the largest value."""
    selected: tuple[int, int] | None = None
    """(layer, head) with the orange outline."""
    ticked: tuple[tuple[int, int], ...] = ()
    """Every (layer, head) with a cross, for example the heads to ablate."""
    tickable: bool = True
    """Whether a head can be ticked."""
    labels: Mapping[str, str] = field(default_factory=atlas_labels)
    """Visible text in the reader's language: see atlas_labels."""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not self.values.size:
            raise GridError(
                f"The atlas needs values (layers, heads); got shape {self.values.shape}. Pass one number a head."
            )
        if np.isinf(self.values).any():
            raise OptionError("The atlas cannot colour infinite values; wanted finite numbers, or NaN for none.")
        low, high = self.limits
        if not low <= high:
            raise OptionError(f"The atlas cannot colour from {low} to {high}; give minimum ≤ maximum.")
        table(self.palette)
        for place in (*self.ticked, *([self.selected] if self.selected else [])):
            self.cell(place)

    @property
    def limits(self) -> tuple[float, float]:
        """Values of the first and the last colour."""
        finite = self.values[np.isfinite(self.values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        return (low if self.minimum is None else self.minimum, high if self.maximum is None else self.maximum)

    def cell(self, place: tuple[int, int]) -> int:
        """Return the number of a head's cell, row by row."""
        layers, heads = self.values.shape
        layer = check_index("Layer", place[0], layers)
        return layer * int(heads) + check_index("Head", place[1], heads)

    def read_place(self, sent: object) -> HeadIndex | None:
        """Return the head that the browser sent, or None if it sent none or one that this atlas has not."""
        return read_head(sent, self.cell)

    def read_places(self, sent: object) -> list[HeadIndex] | None:
        """Return the heads that the browser sent; None for no list or a head that this atlas has not."""
        return read_heads(sent, self.read_place)

    def pack(self, *, standalone: bool = False) -> bytes:
        """Return the atlas as one blob for the browser."""
        values = float32_bytes(self.values)
        low, high = self.limits
        meta = {
            "layers": self.values.shape[0],
            "heads": self.values.shape[1],
            "label": self.label,
            "unit": self.unit,
            "minimum": low,
            "maximum": high,
            "selected": self.cell(self.selected) if self.selected else None,
            "ticked": sorted(self.cell(place) for place in self.ticked),
            "tickable": self.tickable,
            "labels": dict(self.labels),
            "content": hashlib.blake2b(values, digest_size=8).hexdigest(),
            "standalone": standalone,
        }
        return pack(meta, {"values": values, "palette": table(self.palette).tobytes()})


def least_span(name: str, patch: int) -> float:
    """Return what the colours of a statistic span at least: heads that are all alike must look alike.

    Half a patch (of ``patch`` pixels) for distances, 0.2 nats for the entropy, 1% for shares. That is about what one
    head of the shipped model varies by from photo to photo (standard deviation over the ten examples, median of the
    heads: 0.45 patches, 0.18 nats, 0.2 to 1.6%). Its heads differ by 7 patches, 4.8 nats and up to 52%; random ones
    by 0.15 patches.
    """
    return {"distance": 0.5, "pixel_distance": patch / 2, "entropy": 0.2}.get(name, 0.01)


def colour_limits(values: NDArray[np.floating[Any]], least: float) -> tuple[float, float]:
    """Return the values of the first and last colour: those of the heads, spread to ``least`` about their middle."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if high - low >= least:
        return low, high
    low = max(0.0, (low + high - least) / 2)  # no statistic is below zero
    return low, low + least


def read_head(sent: object, cell: Callable[[tuple[int, int]], int]) -> HeadIndex | None:
    """Return a head that the browser sent, {layer, head}; None for anything else.

    ``cell`` raises OptionError for a head that is not there.
    """
    if not isinstance(sent, Mapping):
        return None
    try:
        cell((sent["layer"], sent["head"]))
    except (KeyError, OptionError):
        return None
    return HeadIndex(sent["layer"], sent["head"])


def read_heads(sent: object, read_place: Callable[[Mapping[str, Any]], HeadIndex | None]) -> list[HeadIndex] | None:
    """Return the heads of a list that the browser sent, [[layer, head], …]; None for anything else.

    ``read_place`` reads one of them, and returns None for a head that is not there.
    """
    pairs = sent.get("heads") if isinstance(sent, Mapping) else None
    if not isinstance(pairs, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        return None
    heads = [read_place({"layer": layer, "head": head}) for layer, head in pairs]
    known = [head for head in heads if head is not None]
    return known if len(known) == len(pairs) else None
