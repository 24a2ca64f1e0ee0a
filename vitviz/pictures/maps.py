"""Maps over the photo: attention, rollout, explanations, their comparison, and the heads of a model in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.analysis.map_comparison import MapComparison
from vitviz.attention.statistics import STATISTICS, HeadStatistics
from vitviz.attention.view import MapView, attention_view, default_query
from vitviz.attribution.attribute import find_method
from vitviz.attribution.method import Attribution
from vitviz.errors import check_choice
from vitviz.figures.head_panel import head_panel
from vitviz.figures.head_scatter import distance_scatter
from vitviz.figures.overlay import grey
from vitviz.figures.palettes import SEQUENTIAL
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.numbers import Signed, percent
from vitviz.pictures.drawing import Charts, Drawing, Maps
from vitviz.trace.trace import Trace

SPOTLIGHT = "spotlight"
OPACITY = 0.6
"""Of a map over its photo, as on the pages."""
BRIGHTEST = 99
"""Percentile of a pixelwise map that has the last colour: single pixels would leave all others dark."""
_DARKNESS = 0.72  # of a layer's tile on the Start page
_UNITS = {"distance": "patches", "pixel_distance": "px", "entropy": "nats"}
_TITLES = {
    "distance": "Attention distance",
    "pixel_distance": "Attention distance in pixels",
    "entropy": "Entropy",
    "self_share": "On itself",
    "class_share": "On the class token",
    "register_share": "On registers",
    "sink_share": "On high-norm patches",
}


def photo_of(result: Any, photo: Any) -> NDArray[np.uint8] | None:
    """Return the photo under a map: the one given (a picture or a trace), else the one that the result is of."""
    source = result if photo is None else photo
    picture = getattr(source, "picture", source if photo is not None else None)
    return None if picture is None else np.asarray(picture)


def map_panel(
    view: MapView,
    *,
    photo: ArrayLike | Trace | None = None,
    palette: str = "viridis",
    opacity: float = OPACITY,
    interpolated: bool = False,
    scale: Scale | None = None,
) -> Panel:
    """Return attention or rollout over the photo, from 0 to its largest share; ``palette`` may be "spotlight"."""
    check_choice("Palette", palette, (*SEQUENTIAL, SPOTLIGHT))
    return Panel(
        label=view.label,
        photo=photo_of(view, photo),
        map=view.values,
        scale=scale or Scale(0, view.top_of_scale, view.uniform),
        palette=None if palette == SPOTLIGHT else palette,
        opacity=opacity,
        interpolated=interpolated,
        spotlight=palette == SPOTLIGHT,
        query=view.cell,
    )


def map_view(
    view: MapView,
    *,
    photo: ArrayLike | Trace | None = None,
    palette: str = "viridis",
    opacity: float = OPACITY,
    interpolated: bool = False,
) -> Drawing:
    """Draw attention or rollout over the photo, as the Attention and Rollout pages do."""
    panel = map_panel(view, photo=photo, palette=palette, opacity=opacity, interpolated=interpolated)
    return Maps([panel], caption=special_words(view))


def special_words(view: MapView) -> str:
    """Return what the special tokens got, in words."""
    return "" if not view.special else f"Special tokens hold {percent(view.special_share)} of the attention."


def layers(
    trace: Trace, *, query: str | int | None = None, head: int | str = "mean", photo: ArrayLike | None = None
) -> Drawing:
    """Draw where a token looks in every layer, each map lit by its own scale, as the Start page does."""
    query = _first_query(trace) if query is None else query
    views = [attention_view(trace, layer=layer, head=head, query=query) for layer in range(trace.layers)]
    panels = [
        Panel(
            label=f"Layer {layer} · {view.strongest[1] / view.uniform:.0f} ×",
            photo=photo_of(trace, photo),
            map=view.values,
            scale=Scale(0, view.top_of_scale, view.uniform),
            spotlight=photo_of(trace, photo) is not None,
            opacity=_DARKNESS,
            query=view.cell,
        )
        for layer, view in enumerate(views)
    ]
    words = f"{trace.model}: {views[0].label.partition(': ')[2]}, layer by layer; how many times an even share the"
    return Maps(panels, f"{words} strongest patch gets", columns=4)


def _first_query(trace: Trace) -> str:
    grid = trace.grid
    query = default_query(grid)
    return query if query in grid.prefix else str(grid.rows // 2 * grid.columns + grid.columns // 2)


def attribution_scale(attribution: Attribution) -> Scale:
    """Return the colours of an explanation: signed maps about 0, others from 0, single pixels left out."""
    sizes = np.abs(attribution.values)
    most = float(sizes.max())
    method = find_method(attribution.method)
    top = (float(np.percentile(sizes, BRIGHTEST)) if method.pixelwise else most) or most or 1.0
    return Scale(-top if attribution.signed else 0.0, top, signed=attribution.signed, shares=method.shares)


def attribution_panel(
    attribution: Attribution,
    *,
    photo: ArrayLike | Trace | None = None,
    opacity: float = OPACITY,
    scale: Scale | None = None,
) -> Panel:
    """Return an explanation over the photo, which is grey where colours mean signs."""
    method = find_method(attribution.method)
    picture = photo_of(attribution, photo)
    return Panel(
        label=method.label,
        photo=grey(picture) if picture is not None and attribution.signed else picture,
        map=attribution.values,
        scale=scale or attribution_scale(attribution),
        opacity=opacity,
    )


def explanation(
    attribution: Attribution, *, photo: ArrayLike | Trace | None = None, opacity: float = OPACITY
) -> Drawing:
    """Draw an explanation over the photo, as the Evidence page does."""
    kind = "red for, blue against" if attribution.signed else "no sign"
    words = [f"for {attribution.target.label} · {kind}", *(f"Note: {note}" for note in attribution.notes)]
    return Maps([attribution_panel(attribution, photo=photo, opacity=opacity)], caption=" · ".join(words))


def comparison(compared: MapComparison, *, photo: ArrayLike | Trace | None = None, opacity: float = OPACITY) -> Drawing:
    """Draw two maps on one scale and their difference, as the Compare page does."""
    signed = bool(min(compared.first.min(), compared.second.min()) < 0)
    top = max(float(np.abs(values).max()) for values in (compared.first, compared.second)) or 1.0
    most = float(np.abs(compared.difference).max()) or 1.0
    shared = Scale(-top if signed else 0.0, top, signed=signed)
    picture = photo_of(compared, photo)
    below = None if picture is None else grey(picture)
    under = below if signed else picture
    panels = [
        Panel("A", under, compared.first, shared, None, opacity),
        Panel("B", under, compared.second, shared, None, opacity),
        Panel("A − B", below, compared.difference, Scale(-most, most, signed=True), "PuOr", opacity),
    ]
    return Maps(panels, caption=f"Rank correlation of A and B: {Signed(compared.correlation):+.2f}")


def head_table(
    statistics: HeadStatistics, *, statistic: str = "distance", palette: str = "viridis", dots: bool = False
) -> Drawing:
    """Draw a statistic of every head: a table whose rows are layers or, with ``dots``, one dot a head by its layer.

    The dots are figure 7 of Dosovitskiy et al. 2021. Both are drawn as on the Heads page.
    """
    check_choice("Statistic", statistic, STATISTICS)
    check_choice("Palette", palette, SEQUENTIAL)
    values, title, unit = statistics.table(statistic), _TITLES[statistic], _UNITS.get(statistic, "%")
    if dots:
        return Charts({"": distance_scatter(values, unit=unit, y_title=title)})
    known = values[np.isfinite(values)]
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    scale = Scale(*ends, shares=unit == "%")
    panel = head_panel(f"{title} ({unit})", values, scale, palette=palette)
    return Maps([panel], "Every head: rows are layers")


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    MapView: map_view,
    Trace: layers,
    Attribution: explanation,
    MapComparison: comparison,
    HeadStatistics: head_table,
}
