"""Position encodings: the mosaic of similarities, components, another grid, and encodings by their formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.analysis.interpolation import USERS, InterpolatedPositions
from vitviz.analysis.positions import Components, PositionSimilarity
from vitviz.errors import OptionError, check_choice
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.figures.mosaic import mosaic
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.grid import PatchGrid
from vitviz.labs.encodings import Encoding
from vitviz.labs.input_size import PositionMaps
from vitviz.numbers import percent
from vitviz.pictures.drawing import Charts, Drawing, Maps, Say

KINDS = ("mosaic", "map", "profile")
"""What is drawn of a similarity: the maps of all patches, the map of one, or the mean by distance."""
_SECOND = "#B0558F"
_MOST_MAPS = 400  # of a mosaic: more cannot be told apart


def middle(grid: PatchGrid) -> int:
    """Return the patch in the middle."""
    return grid.rows // 2 * grid.columns + grid.columns // 2


def about_zero(*maps: ArrayLike, but: int | None = None) -> Scale:
    """Return one scale about zero for maps; ``but`` names a place that is left out, the patch with itself."""
    sizes = [np.abs(np.asarray(values, np.float64).ravel()) for values in maps]
    kept = [values if but is None else np.delete(values, but) for values in sizes]
    top = max(float(np.nanmax(values, initial=0)) for values in kept) or 1.0
    return Scale(-top, top, signed=True)


def similarity(result: PositionSimilarity, *, kind: str = "mosaic", patch: int | None = None) -> Drawing:
    """Draw how alike the encoding makes places; ``kind`` is one of KINDS, ``patch`` the one asked for (the middle)."""
    check_choice("Picture of positions", kind, KINDS)
    if result.values is None:
        raise OptionError(f"There is nothing to draw: {result.reason}")
    if kind == "profile":
        return profile(result, unit=result.unit)
    grid = result.grid
    chosen = middle(grid) if patch is None else patch
    scale, place = similarity_scale(result.values), grid.position(chosen)
    title = f"{result.model}: positions, {result.kind}"
    if kind == "map":
        return Maps([Panel(f"{result.unit}, patch {chosen}", map=result.map(chosen), scale=scale, query=place)], title)
    stride = 1
    while -(-grid.rows // stride) * -(-grid.columns // stride) > _MOST_MAPS:
        stride += 1
    at = (place[0] // stride, place[1] // stride) if place[0] % stride == place[1] % stride == 0 else None
    sheet = mosaic(result.mosaic()[::stride, ::stride], scale=scale, selected=at)
    return Maps([Panel(label=result.unit, picture=sheet)], title)


def similarity_scale(values: ArrayLike) -> Scale:
    """Return the colours: about zero, up to the largest value between two different places."""
    numbers = np.asarray(values, np.float64)
    return about_zero(numbers[~np.eye(len(numbers), dtype=bool)] if len(numbers) > 1 else numbers)


def profile(result: PositionSimilarity, *, unit: str, say: Say = str) -> Drawing:
    """Draw the mean likeness of two places by their distance; ``unit`` says what is compared, a colon, and how."""
    down, across = result.profiles()
    chart = line_chart(
        [
            Curve(say("along a column"), np.arange(len(down)), down),
            Curve(say("along a row"), np.arange(len(across)), across, _SECOND),
        ],
        x=Axis(say("Distance (patches)")),
        y=Axis(unit.partition(":")[0]),
        hover="{name}<br>%{x:.3g}: %{y:.4g}",
        height=300,
    )
    return Charts({"": chart})


def components(result: Components) -> Drawing:
    """Draw the coordinate of every place on each component, each on its own scale about zero."""
    panels = [
        Panel(f"Component {number + 1}, {percent(share)} of the variance", map=values, scale=about_zero(values))
        for number, (values, share) in enumerate(zip(result.maps, result.shares, strict=True))
    ]
    return Maps(panels, "Principal components of the position vectors", columns=min(3, len(panels)))


def interpolated(result: InterpolatedPositions, *, patch: int | None = None) -> Drawing:
    """Draw the likeness of one place to all, on the own grid and on the new one, both ways, on one scale."""
    chosen = middle(result.before) if patch is None else patch
    row, column = result.before.position(chosen)
    there_row = int((row + 0.5) * result.after.rows / result.before.rows)
    there = there_row * result.after.columns + int((column + 0.5) * result.after.columns / result.before.columns)
    own = result.similarity_before[chosen]
    new = {way: values[there] for way, values in result.similarity_after.items()}
    tops = [about_zero(own, but=chosen), *(about_zero(values, but=there) for values in new.values())]
    scale = max(tops, key=lambda other: other.high)
    label = f"own grid, {result.before.rows} × {result.before.columns}"
    panels = [Panel(label, map=result.before.to_map(own), scale=scale, query=(row, column))]
    panels += [
        Panel(USERS[way], map=result.after.to_map(values), scale=scale, query=result.after.position(there))
        for way, values in new.items()
    ]
    return Maps(panels, caption=f"The two ways differ by {percent(result.difference)} of the vectors' size.")


def encoding(result: Encoding, *, patch: int | None = None) -> Drawing:
    """Draw the similarity of one place of an encoding (the middle if None) to all places."""
    chosen = middle(result.grid) if patch is None else patch
    where = result.grid.position(chosen)
    panel = Panel(f"patch {chosen}", map=result.map(chosen), scale=similarity_scale(result.similarity), query=where)
    return Maps([panel], f"{result.model or 'By its formula'}: {result.kind}")


def position_maps(result: PositionMaps) -> Drawing:
    """Draw the likeness of the middle place on the own grid, interpolated, and cut off; hatched places have none."""
    maps: dict[str, NDArray[np.float32]] = {
        "as trained": result.native, "interpolated": result.interpolated, "truncated": result.truncated,
    }  # fmt: skip
    panels = [
        Panel(
            f"{title}: {values.shape[0]} × {values.shape[1]}",
            map=values,
            scale=Scale(-1, 1, signed=True),
            query=(values.shape[0] // 2, values.shape[1] // 2),
        )
        for title, values in maps.items()
    ]
    return Maps(panels)


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    PositionSimilarity: similarity,
    Components: components,
    InterpolatedPositions: interpolated,
    Encoding: encoding,
    PositionMaps: position_maps,
}
