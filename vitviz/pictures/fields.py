"""Receptive fields over the photo, how they spread, and what a convolutional network can see at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from vitviz.analysis.attention_field import AttentionField
from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.analysis.spread import RadialProfile
from vitviz.errors import check_choice
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.field import SCALES, cell_means, field_boxes, relative_field
from vitviz.figures.line_chart import line_chart
from vitviz.figures.paint import Picture
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.numbers import percent
from vitviz.pictures.drawing import Charts, Drawing, Maps, Say
from vitviz.pictures.maps import OPACITY, SPOTLIGHT, photo_of
from vitviz.trace.trace import Trace

_WORDS = {"log": "log₁₀ of the share of the strongest square", "linear": "share of the strongest square"}
_CELLS = 56  # squares of a field along its shorter side


def field(
    result: ReceptiveField,
    *,
    photo: ArrayLike | Trace | None = None,
    scale: str = "log",
    palette: str = "viridis",
    opacity: float = OPACITY,
    cell: int | None = None,
) -> Drawing:
    """Draw a receptive field, in squares of ``cell`` pixels, over the photo, as the Receptive field page does.

    ``scale`` is "log" (powers of ten) or "linear". A network that has a theoretical field shows it as a dashed box.
    """
    check_choice("Scale of the field", scale, SCALES)
    height, width = result.values.shape
    side = cell or _cell(height, width)
    shares, colours = relative_field(cell_means(result.values, side), scale)
    half, most = result.area_ratios[0.5], result.area_ratios[0.99]
    picture, spotlight = photo_of(result, photo), palette == SPOTLIGHT

    def boxed(painted: Picture) -> Picture:
        return field_boxes(painted, (height, width), place=result.outline, theoretical=result.theoretical_box)

    panel = Panel(
        label=_WORDS[scale],
        photo=picture,
        map=shares,
        scale=colours,
        palette=None if spotlight else palette,
        opacity=opacity,
        spotlight=spotlight,
        finish=boxed,
    )
    title = f"{result.model}: what {_token(result.token)} depends on after layer {result.layer}"
    words = f"Radius {result.radius:.0f} px; half of it lies in {percent(half)} of the picture, 99% in {percent(most)}."
    return Maps([panel], title, words)


def _cell(height: int, width: int) -> int:
    """Return the side of the squares: single pixels of a gradient flicker."""
    sides = range(1, max(1, min(height, width) // _CELLS) * 2 + 1)
    return max(side for side in sides if height % side == 0 and width % side == 0)


def _token(token: str) -> str:
    return f"patch {token}" if token.isdecimal() else f"the {token} token" if token != "mean" else "the mean of patches"


def attention_spread(
    result: AttentionField,
    *,
    photo: ArrayLike | Trace | None = None,
    palette: str = "viridis",
    opacity: float = OPACITY,
) -> Drawing:
    """Draw one token's row of the rollout over the photo, as the Receptive field page does."""
    top = float(result.values.max()) or 1.0
    even = 1 / result.values.size
    panel = Panel("Share of each patch", photo_of(result, photo), result.values, Scale(0, top, even), palette, opacity)
    words = (
        f"Half of it lies in {percent(result.area_50)} of the patches; as many as {result.effective_patches:.0f} alike."
    )
    return Maps([panel], f"Rollout of {_token(result.token)} up to layer {result.layer}", words)


def profile(result: RadialProfile) -> Drawing:
    """Draw the share of a field within a distance of its place, as the Receptive field page does."""
    return Charts({"": profiles([Curve("the field", result.radius, result.cumulative, kind="line")])})


def profiles(curves: Sequence[Curve], *, legend: bool | None = None, say: Say = str) -> go.Figure:
    """Return how much of each field lies within a distance of its place."""
    return line_chart(
        curves,
        x=Axis(say("Distance from the place (px)"), from_zero=True),
        y=Axis(say("Share of the field within it"), ".0%", span=(0, 1.03)),
        hover="{name}<br>%{x:.0f} px: %{y:.3~p}",
        legend=legend,
    )


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    ReceptiveField: field,
    AttentionField: attention_spread,
    RadialProfile: profile,
}
