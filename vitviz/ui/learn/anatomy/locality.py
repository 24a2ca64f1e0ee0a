"""Anatomy, locality measured: how far weights and features favour neighbours, in the ViT and in the trained CNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
import torch
from numpy.typing import NDArray

from vitviz.analysis.convnet import ConvNet
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.figures.theme import NEUTRAL
from vitviz.labs.locality import Spread, attention_within, feature_likeness, kernels_within, uniform_within
from vitviz.numbers import percent
from vitviz.trace import Trace
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import networks
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_EARLY = "#56B4E9"


@dataclass(frozen=True, eq=False)
class Locality:
    """What is measured, by the names of the curves."""

    weights: dict[str, Spread]
    """Share of the mixing weights within a distance: "early", "tokens", "uniform", "convnet"."""
    features: dict[str, Spread]
    """Likeness of features by distance in pixels: "early", "tokens", "convnet"."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the numbers."""
        told = {"weights": self.weights, "features": self.features}
        return {
            f"{kind}_{name}_{part}": getattr(spread, part)
            for kind, spreads in told.items()
            for name, spread in spreads.items()
            for part in ("distances", "values")
        }


@st.cache_resource(max_entries=12, show_spinner=False)
def measured(model_key: str, digest: str, layer: int, depth: int, _trace: Trace, _net: ConvNet | None) -> Locality:
    """Return both measurements for a layer of the model and, where there is one, a layer of the CNN."""
    grid, patch = _trace.grid, _trace.grid.patch_size[1]
    weights = {"early": attention_within(_trace, 0), "tokens": attention_within(_trace, layer)}
    weights["uniform"] = uniform_within(_trace)
    maps = {
        name: (grid.to_map(_trace.residual(place)[len(grid.prefix) :].float().mT), patch)
        for name, place in (("early", -1), ("tokens", layer))
    }
    if _net is not None:
        weights["convnet"] = kernels_within(_net)
        with torch.no_grad():
            features = _net.features(_trace.pixels[None].to(_net.device), depth)[0]
        maps["convnet"] = (features, round(_trace.pixels.shape[-1] / features.shape[-1]))
    likeness = {}
    for name, (features, stride) in maps.items():
        spread = feature_likeness(features)
        likeness[name] = Spread(spread.distances * stride, spread.values)
    return Locality(weights, likeness)


def draw(scene: Scene, net: ConvNet | None, depth: int) -> tuple[Locality, dict[str, go.Figure]]:
    """Draw both measurements; return them and their figures by title."""
    st.subheader(_("How far do weights and features favour neighbours?"), anchor=False)
    locality = measured(scene.model_key, scene.photo.digest, scene.layer, depth, scene.original, net)
    figures = {
        _("Weights within a distance"): _weights_figure(locality, scene.layer),
        _("Likeness of features by distance"): _features_figure(locality, scene.layer),
    }
    for column, (key, figure) in zip(
        st.columns(2, gap="large"),
        zip(("locality_weights", "locality_features"), figures.values(), strict=True),
        strict=True,
    ):
        with column:
            chart(figure, key=key)
    near = {name: _at_most(spread, 2.0) for name, spread in locality.weights.items()}
    told = _(
        "Within two places of the query lie {early} of the first block's attention and {tokens} of block "
        "{layer}'s; equal attention would give {uniform}."
    ).format(
        early=percent(near["early"]),
        tokens=percent(near["tokens"]),
        uniform=percent(near["uniform"]),
        layer=scene.layer,
    )
    if "convnet" in near:
        told += " " + _(
            "Of the CNN's kernel weights {convnet} do, and none lies outside its kernels: that is built in."
        ).format(convnet=percent(near["convnet"]))
    st.caption(told)
    return locality, figures


def _at_most(spread: Spread, distance: float) -> float:
    """Return a cumulated share at a distance."""
    return float(spread.values[spread.distances <= distance][-1])


def _names(layer: int, early: str) -> dict[str, tuple[str, str]]:
    return {
        "early": (early, _EARLY),
        "tokens": (_("ViT: block {layer}").format(layer=layer), VIT_BLUE),
        "uniform": (_("equal attention"), NEUTRAL),
        "convnet": (_("{name}, trained").format(name=networks.CNN_TITLE), CNN_VERMILION),
    }


def _curves(spreads: dict[str, Spread], names: dict[str, tuple[str, str]]) -> list[Curve]:
    return [
        Curve(
            names[name][0],
            spread.distances,
            spread.values,
            names[name][1],
            "dash" if name == "uniform" else "solid",
            "line",
        )
        for name, spread in spreads.items()
    ]


def _weights_figure(locality: Locality, layer: int) -> go.Figure:
    return line_chart(
        _curves(locality.weights, _names(layer, _("ViT: block 0"))),
        x=Axis(_("Distance (places of the layer)")),
        y=Axis(_("Share of the weights within it"), from_zero=True),
        legend=True,
        height=360,
    )


def _features_figure(locality: Locality, layer: int) -> go.Figure:
    return line_chart(
        _curves(locality.features, _names(layer, _("ViT: tokens before block 0"))),
        x=Axis(_("Distance (pixels)")),
        y=Axis(_("Likeness of the features")),
        legend=True,
        height=360,
    )
