"""MapBoard: the maps of a page side by side, to point at, in the page that works offline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import GridError, OptionError
from vitviz.figures.image_files import jpeg_bytes, png_bytes
from vitviz.figures.sheet import Panel
from vitviz.ui.components.attention_view import viewer_colours
from vitviz.ui.components.labels import board_map_labels
from vitviz.ui.components.packing import float32_bytes, pack


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaceMaps:
    """A map for every place of a grid, of which the reader chooses one."""

    panel: Panel
    """The map of the chosen place."""
    maps: NDArray[np.floating[Any]]
    """(place, rows, columns)."""
    chosen: int


@dataclass(frozen=True, kw_only=True, eq=False)
class MapBoard:
    """Panels of the print export, shown side by side; pointing at one reads the same place in all.

    Raises OptionError for no panels, GridError for maps of all places that have not one a place.
    """

    name: str
    """What the board shows, for those who do not see it."""
    panels: Sequence[Panel]
    places: PlaceMaps | None = None
    """Comes first, where there is one."""
    labels: Mapping[str, str] = field(default_factory=board_map_labels)

    def __post_init__(self) -> None:
        if not self.panels and self.places is None:
            raise OptionError("The board has no panels; give at least one.")
        if self.places is not None:
            count, rows, columns = self.places.maps.shape
            if count != rows * columns:
                raise GridError(f"{count} maps of {rows} × {columns} places; wanted one a place.")

    def pack(self, *, standalone: bool = True) -> bytes:
        """Return the board as one blob for the browser: a byte and the number a cell."""
        metas: list[dict[str, Any]] = []
        parts: dict[str, bytes] = {}
        shown = [*((self.places.panel,) if self.places else ()), *self.panels]
        for at, panel in enumerate(shown):
            maps = self.places.maps if self.places and at == 0 else None
            meta, own = _packed(panel, maps)
            metas.append(meta)
            parts |= {f"{name} {at}": part for name, part in own.items()}
        grid = np.shape(shown[0].map)
        meta = {
            "name": self.name,
            "panels": metas,
            "place": self.places.chosen if self.places else 0,
            "grid": {"rows": grid[0], "columns": grid[1]} if grid else None,
            "labels": dict(self.labels),
            "content": hashlib.blake2b(b"".join(parts.values()), digest_size=8).hexdigest(),
            "standalone": standalone,
        }
        return pack(meta, parts)


def _packed(panel: Panel, maps: NDArray[np.floating[Any]] | None) -> tuple[dict[str, Any], dict[str, bytes]]:
    meta: dict[str, Any] = {"title": panel.label, "photo": False, "rows": 0}
    if panel.map is None:
        file, (height, width) = _picture(panel)
        return meta | {"photo": True, "height": height, "width": width}, {"photo": file}
    values, scale = np.asarray(panel.map, np.float32), panel.own_scale
    assert scale is not None
    darkens = panel.spotlight and panel.photo is not None
    rows, columns = values.shape
    height, width = values.shape if panel.photo is None else panel.photo.shape[:2]
    numbers = np.nan_to_num(values if maps is None else maps)
    parts = {
        "levels": scale.quantise(numbers).tobytes(),
        "values": float32_bytes(numbers),
        "bar": panel.bar_colours().tobytes(),
        "colours": (viewer_colours("spotlight") if darkens else panel.bar_colours()).tobytes(),
    }
    if panel.photo is not None:
        parts["photo"] = jpeg_bytes(panel.photo)
    return meta | {
        "photo": panel.photo is not None,
        "grey": not darkens,
        "rows": rows,
        "columns": columns,
        "height": height,
        "width": width,
        "places": maps is not None,
        "share": scale.shares or scale.uniform is not None,
        "ends": [scale.text(scale.low), *(["0"] if scale.signed else []), scale.text(scale.high)],
        "opacity": panel.opacity,
        "darkens": darkens,
    }, parts


def _picture(panel: Panel) -> tuple[bytes, tuple[int, int]]:
    """Return a photo or a finished picture as a file, with its height and width."""
    if panel.photo is not None:
        return jpeg_bytes(panel.photo), panel.photo.shape[:2]
    drawn = panel.draw(min(1400, panel.picture.width if panel.picture is not None else 1400))
    return png_bytes(drawn), drawn.shape[:2]
