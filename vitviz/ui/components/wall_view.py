"""WallView: the maps of all heads of a model for one query, as the head wall shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import GridError, OptionError, check_choice, check_index
from vitviz.figures.palettes import levels, table
from vitviz.grid import PatchGrid
from vitviz.ui.components.atlas_view import HeadIndex, read_head, read_heads
from vitviz.ui.components.attention_view import DIRECTIONS, VIEWER_PALETTES, Direction, viewer_colours
from vitviz.ui.components.even_share import even_levels
from vitviz.ui.components.labels import wall_labels
from vitviz.ui.components.packing import float32_bytes, pack

WallScale = Literal["ten", "layer", "map"]
WALL_SCALES: tuple[WallScale, ...] = ("ten", "layer", "map")


@dataclass(frozen=True, kw_only=True)
class HeadEffect:
    """What the heads that are off change: the answers before and after, in words and as shares."""

    sentence: str
    """For example "Cosine of the embedding to the unchanged model's: 0.93"."""
    answers: tuple[tuple[str, float, float], ...] = ()
    """(name, probability before, after); none for a model without a classifier."""


@dataclass(frozen=True, kw_only=True)
class WallView:
    """The maps of every head of every layer for one query, with a statistic of each head as the colour of its frame.

    Raises GridError for maps that do not fit the grid, OptionError for a head or choice that does not exist.
    """

    photo: bytes
    """The picture under the maps, as a file."""
    grid: PatchGrid
    maps: NDArray[np.float32]
    """Share of each patch: (layers, heads, rows, columns); NaN for a head that a layer does not have."""
    statistic: NDArray[np.float32]
    """(layers, heads), NaN for none."""
    limits: tuple[float, float]
    """Values of the first and last colour of the frames."""
    label: str
    """What the frames are coloured by, for example "Attention distance"."""
    unit: str
    query: str
    """Name of the query token."""
    direction: Direction = "attends_to"
    """Whether the maps show where the query looks or who looks at it."""
    selected: tuple[int, int]
    """(layer, head) that is shown large while the reader points at none."""
    pinned: tuple[tuple[int, int], ...] = ()
    """Heads that stand side by side under the wall."""
    off: tuple[tuple[int, int], ...] = ()
    """Heads that are switched off."""
    effect: HeadEffect | None = None
    scale: WallScale = "ten"
    palette: str = "spotlight"
    opacity: float = 0.8
    labels: Mapping[str, str] = field(default_factory=wall_labels)

    def __post_init__(self) -> None:
        shape = (self.grid.rows, self.grid.columns)
        if self.maps.ndim != 4 or self.maps.shape[2:] != shape or self.maps.shape[:2] != self.statistic.shape:
            raise GridError(
                f"The wall has maps {self.maps.shape} and numbers {self.statistic.shape}; wanted (layers, heads, "
                f"{shape[0]}, {shape[1]}) and (layers, heads). Take both from one trace."
            )
        check_choice("Scale", self.scale, WALL_SCALES)
        check_choice("Palette", self.palette, VIEWER_PALETTES)
        check_choice("Direction", self.direction, DIRECTIONS)
        self.grid.token(self.query)
        for place in (self.selected, *self.pinned, *self.off):
            self.cell(place)

    def cell(self, place: tuple[int, int]) -> int:
        """Return the number of a head, layer by layer; raises OptionError if the model does not have it."""
        layers, heads = self.statistic.shape
        cell = check_index("Layer", place[0], layers) * int(heads) + check_index("Head", place[1], heads)
        if np.isnan(self.maps[tuple(place)]).any():
            raise OptionError(f"Layer {place[0]} has no head {place[1]}; choose one of its own.")
        return cell

    def levels(self, scale: WallScale) -> NDArray[np.uint8]:
        """Return the colour of every patch, 0 to 255, on a scale: (layers, heads, rows, columns).

        "ten": powers of ten from a tenth of the even share 1/N (0) to a hundred times it (255), the same for all
        heads, so that flat heads look flat. "layer" and "map": from 0 to the largest value of the layer or head.
        """
        maps = np.nan_to_num(self.maps, nan=0.0)
        if scale == "ten":
            return even_levels(maps, self.grid.tokens)
        axes = (1, 2, 3) if scale == "layer" else (2, 3)
        top = maps.max(axis=axes, keepdims=True)
        return levels(maps / np.where(top > 0, top, 1), 0, 1)

    def read_place(self, sent: object) -> HeadIndex | None:
        """Return the head that the browser sent, or None if it sent none or one that this wall has not."""
        return read_head(sent, self.cell)

    def read_places(self, sent: object) -> list[HeadIndex] | None:
        """Return the heads that the browser sent, in its order; None for no list or a head that this wall has not."""
        return read_heads(sent, self.read_place)

    def read_query(self, sent: object) -> str | None:
        """Return the query that the browser sent, or None if it sent none or one that the grid has not."""
        name = sent.get("query") if isinstance(sent, Mapping) else None
        return name if name in self.grid.names else None

    def pack(self, *, standalone: bool = False) -> bytes:
        """Return the wall as one blob for the browser: a byte a patch, head and scale.

        ``standalone`` leaves out the buttons that only the page can answer.
        """
        layers, heads = self.statistic.shape
        missing = np.isnan(self.maps).any(axis=(2, 3))
        flat = np.nan_to_num(self.maps, nan=0.0).reshape(layers * heads, -1)
        parts = {f"levels {scale}": self.levels(scale).tobytes() for scale in WALL_SCALES}
        parts |= {"frames": levels(self.statistic, *self.limits).tobytes(), "missing": missing.tobytes()}
        parts |= {"statistic": float32_bytes(self.statistic), "largest": float32_bytes(flat.max(1))}
        parts |= {"strongest": flat.argmax(1).astype("<u4").tobytes()}
        content = hashlib.blake2b(b"".join(parts.values()), digest_size=8).hexdigest()
        parts |= {
            "photo": self.photo,
            "palette": viewer_colours(self.palette).tobytes(),
            "frame palette": table("viridis").tobytes(),
        }
        meta = {
            "layers": layers,
            "heads": heads,
            "rows": self.grid.rows,
            "columns": self.grid.columns,
            "width": self.grid.image_size[1],
            "height": self.grid.image_size[0],
            "prefix": list(self.grid.prefix),
            "tokens": self.grid.tokens,
            "label": self.label,
            "unit": self.unit,
            "limits": list(self.limits),
            "query": self.query,
            "direction": self.direction,
            "selected": self.cell(self.selected),
            "pinned": [self.cell(place) for place in self.pinned],
            "off": [self.cell(place) for place in self.off],
            "effect": self.effect and {"sentence": self.effect.sentence, "answers": self.effect.answers},
            "scale": self.scale,
            "darkens": self.palette == "spotlight",
            "opacity": self.opacity,
            "standalone": standalone,
            "labels": dict(self.labels),
            "photoName": hashlib.blake2b(self.photo, digest_size=8).hexdigest(),
            "content": content,
        }
        return pack(meta, parts)
