"""What the Heads page gives away: the wall that is seen, the heads of the layer, the numbers, the interactive wall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from vitviz.attention.statistics import HeadStatistics
from vitviz.export.arrays import statistics_arrays
from vitviz.figures.head_wall import HeadWall
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.ui.components.wall_view import WallView
from vitviz.ui.furniture import offline, print_size, settings, viewer
from vitviz.ui.furniture.show import Export
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.labels import token_title


def export(scene: Scene, table: HeadStatistics, statistic: str, wall: WallView) -> Export:
    """Return the files of the heads view."""
    title = viewer.titled(scene, _title(scene, wall))
    caption, layer = viewer.caption(scene, edited=True), scene.layer
    drawn = {"wall": _drawing(scene, wall), "layer": _drawing(scene, wall, layer)}  # now: a download has no session

    def png(name: str, **size: Unpack[PrintSize]) -> bytes:
        return print_figure([Panel(drawing=drawn[name])], title=title, caption=caption, **size)

    def arrays() -> dict[str, NDArray[Any]]:
        return {**statistics_arrays(table), "maps": wall.maps}

    return Export(
        name=f"vitviz-heads-{statistic}",
        settings=settings.heads(scene, statistic),
        png=lambda **size: png("wall", **size),
        arrays=arrays,
        html=offline.page(wall, title=title, caption=caption),
        more=[(f"layer{layer}.png", _("Heads of layer {layer} (PNG)").format(layer=layer), "image/png", _sized(png))],
    )


def _sized(png: Callable[..., bytes]) -> Callable[[], bytes]:
    """Return what draws the heads of the layer in the size in print that is chosen now."""
    size = print_size.chosen()
    return lambda: png("layer", **size)


def _title(scene: Scene, wall: WallView) -> str:
    token = _("the {token}").format(token=token_title(wall.query))
    if scene.patch is not None:
        row, column = scene.trace.grid.position(scene.patch)
        token = _("row {row}, column {column}").format(row=row + 1, column=column + 1)
    if wall.direction == "attends_to":
        return _("Every head: what it looks at from {token}").format(token=token)
    return _("Every head: who looks at {token}").format(token=token)


def _drawing(scene: Scene, wall: WallView, layer: int | None = None) -> HeadWall:
    """Return the wall as it is seen, or the part of one layer."""
    chosen = slice(None) if layer is None else slice(layer, layer + 1)
    count = len(wall.maps)
    labels = wall.labels
    ends = {
        "ten": (labels["low_ten"], labels["high_ten"]),
        "layer": ("0", labels["high_layer"]),
        "map": ("0", labels["high_map"]),
    }
    return HeadWall(
        photo=scene.picture,
        maps=wall.levels(wall.scale)[chosen],
        missing=np.asarray(np.isnan(wall.maps[chosen]).any(axis=(2, 3)), np.bool_),
        ends=ends[wall.scale],
        statistic=wall.statistic[chosen],
        frames=Scale(*wall.limits, shares=wall.unit == "%"),
        label=f"{wall.label} ({wall.unit})" if wall.unit else wall.label,
        layers=tuple(range(count))[chosen],
        off=wall.off,
        query=scene.trace.grid.position(scene.patch) if scene.patch is not None else None,
        palette=None if wall.palette == "spotlight" else wall.palette,
        opacity=wall.opacity,
    )
