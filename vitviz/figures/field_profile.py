"""How a receptive field fills up with the distance from its place: one curve a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from vitviz.errors import OptionError, check_choice
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import axis, band, figure, plain, small
from vitviz.record import Record

DASHES = ("solid", "dash", "dot")


@dataclass(frozen=True)
class ProfileCurve(Record):
    """One network's field by distance."""

    name: str
    radius: ArrayLike
    """(ring,) in pixels."""
    share: ArrayLike
    """(ring,) of the field within that radius, in [0, 1]."""
    colour: str = VIT_BLUE
    dash: str = "solid"
    """One of DASHES."""
    low: ArrayLike | None = None
    """Lower edge of the band, (ring,)."""
    high: ArrayLike | None = None
    """Upper edge of the band, (ring,)."""


def profile_curve(curves: Sequence[ProfileCurve], *, x_title: str, y_title: str, height: int = 340) -> go.Figure:
    """Return shares of receptive fields within a distance, with a band over the photos where one is given.

    Raises OptionError for no curves, an unknown dash or non-finite values.
    """
    if not curves:
        raise OptionError("A profile needs at least one curve; got none. Pass [ProfileCurve(name, radius, share)].")
    traces = [trace for one in curves for trace in _band(one)] + [_line(one) for one in curves]
    return figure(
        traces,
        x=axis(x_title, rangemode="tozero"),
        y=axis(y_title, tickformat=".0%", range=[0, 1.03]),
        height=height,
        showlegend=True,
    )


def _line(one: ProfileCurve) -> go.Scatter:
    name = plain(one.name)
    return go.Scatter(
        x=small(one.radius, one.name),
        y=small(one.share, one.name),
        name=name,
        mode="lines",
        line={"color": one.colour, "width": 2.2, "dash": check_choice("Dash", one.dash, DASHES)},
        hovertemplate=f"{name}<br>%{{x:.0f}} px: %{{y:.1%}}<extra></extra>",
    )


def _band(one: ProfileCurve) -> list[go.Scatter]:
    if one.low is None or one.high is None:
        return []
    radius = small(one.radius, one.name)
    return band(one.name, radius, one.low, one.high, one.colour, opacity=0.16)
