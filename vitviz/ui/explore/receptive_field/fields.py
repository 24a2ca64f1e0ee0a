"""The Receptive field page: how far one place sees, in a ViT, in a CNN and in the same ViT with random weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.spread import SHARES
from vitviz.figures.field import field_overlay
from vitviz.figures.image_files import jpeg_bytes
from vitviz.numbers import percent
from vitviz.ui.choices.receptive_field import FIELD_SCALE, PICTURES
from vitviz.ui.choices.shared import LAYER, OPACITY, PALETTE, PATCH
from vitviz.ui.components.place_picker import place_picker
from vitviz.ui.explore.receptive_field.measurement import ProbedField
from vitviz.ui.furniture import tables
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap, plain
from vitviz.ui.words.labels import token_name


def controls(scene: Scene) -> None:
    """Draw the depth, the token, the pictures and the colours."""
    depth, token, pictures, colours = st.columns([3, 3, 4, 3], gap="medium")
    if scene.vit.layers > 1:
        depth.slider(
            _("Depth: layer of the ViT"),
            0,
            scene.vit.layers - 1,
            help=_("The convolutional network is read at the same share of its depth."),
            **link.widget(LAYER),
        )
    token.selectbox(
        _("Read at"),
        list(scene.vit.grid.names),
        format_func=lambda name: _token_name(scene, name),
        help=_("The patch that is pinned on the Attention page, or a special token."),
        **link.widget(PATCH),
    )
    pictures.segmented_control(
        _("Pictures"),
        ["one", "examples"],
        format_func={"one": _("this photo"), "examples": _("mean of the examples")}.__getitem__,
        required=True,
        **link.widget(PICTURES),
    )
    colours.segmented_control(
        _("Colours"),
        ["log", "linear"],
        format_func={"log": _("powers of ten"), "linear": _("even")}.__getitem__,
        required=True,
        help=_("Of each square's share of the strongest square."),
        **link.widget(FIELD_SCALE),
    )


def _token_name(scene: Scene, name: str) -> str:
    if not name.isdecimal():
        return token_name(name)
    row, column = scene.vit.grid.position(int(name))
    return _("patch in row {row}, column {column}").format(row=row + 1, column=column + 1)


def draw(scene: Scene, measured: list[ProbedField]) -> None:
    """Draw the fields over the photo, side by side; a click on any of them chooses the place in all."""
    if not measured:
        return
    chosen = scene.patch
    for column, network in zip(st.columns(len(measured), gap="small"), measured, strict=True):
        with column:
            st.markdown(f"**{plain(network.probe.title)}**")
            place_picker(
                jpeg_bytes(picture(scene, network, outlined=False)),
                scene.vit.grid,
                key=f"field_{network.role}",
                chosen=chosen,
                label=_in_words(network),
                on_pick=lambda place: link.put(PATCH.at(str(place))),
                hint=network is measured[0],
            )
            st.caption(_under(network))
    st.caption(key(scene))
    if link.get(PICTURES) == "examples":
        height, width = scene.vit.image_size
        st.caption(
            _(
                "The mean of {count} photos of different sizes, each resized and cropped to {height} × {width} px; "
                "the photo below the colours is this one."
            ).format(count=len(measured[0].field.per_image), height=height, width=width)
        )


def picture(scene: Scene, network: ProbedField, *, outlined: bool = True) -> NDArray[np.uint8]:
    """Return a field over the photo; ``outlined`` draws the patch that is read."""
    return field_overlay(
        scene.picture,
        network.field.values,
        scale=link.get(FIELD_SCALE),
        palette=link.get(PALETTE),
        opacity=link.get(OPACITY),
        cell=square_side(scene),
        place=_box(scene) if outlined else None,
        theoretical=network.field.theoretical_box,
    )


def square_side(scene: Scene) -> int:
    """Return the side of the squares that are painted: half a patch at most, and a divisor of both sides."""
    height, width = scene.vit.image_size
    sides = range(1, max(1, min(scene.vit.grid.patch_size) // 2) + 1)
    return max(side for side in sides if height % side == 0 and width % side == 0)


def _box(scene: Scene) -> tuple[int, int, int, int] | None:
    return None if scene.patch is None else scene.vit.grid.box(scene.patch)


def _in_words(network: ProbedField) -> str:
    areas = network.field.area_ratios
    return _(
        "Receptive field of {model} after {layer}: half of it lies in {half} of the picture, 99% in {most}"
    ).format(
        model=network.probe.title,
        layer=network.place,
        half=percent(areas[0.5]),
        most=percent(areas[0.99]),
    )


def _under(network: ProbedField) -> str:
    words = _("{layer} · {weights} · radius **{radius:.0f} px**").format(
        layer=plain(network.place), weights=network.probe.weights, radius=network.field.radius
    )
    if network.field.theoretical is None:
        return words
    height, width = network.field.theoretical.size
    return words + _(" · could see {height} × {width} px at most (dashed)").format(height=height, width=width)


def key(scene: Scene) -> str:
    """Return how to read the colours and the orange patch, in words."""
    colours = (
        _("Bright: the strongest square. Darkest: a thousandth of it, or less.")
        if link.get(FIELD_SCALE) == "log"
        else _("Bright: the strongest square. Darkest: zero.")
    )
    colours += gap() + _("A square is the mean of {side} × {side} px.").format(side=square_side(scene))
    if scene.query.isdecimal():
        return colours + gap() + _("Orange: the patch that is read.")
    return (
        colours
        + " "
        + _(
            "A special token has no place, so distances count from the middle of the picture, where the "
            "convolutional network is read too."
        )
    )


def table(measured: list[ProbedField]) -> None:
    """Draw how much of the picture holds each share of the field."""
    if not measured:
        return
    st.markdown(
        _(
            "How much of the picture, in a square around the place, holds 20, 30, 50 and 99% of the field "
            "(Ding et al. 2022):"
        )
    )
    rows: dict[str, list[Any]] = {
        _("Network"): [network.probe.title for network in measured],
        _("Layer"): [network.place for network in measured],
        _("Radius (px)"): [f"{network.field.radius:.1f}" for network in measured],
    }
    ratios = [network.field.area_ratios for network in measured]
    for share in SHARES:
        rows[percent(share)] = [percent(areas[share]) for areas in ratios]
    if link.get(PICTURES) == "examples":
        rows[_("Radius by photo (px)")] = [
            f"{network.field.per_image_radius.min():.0f} – {network.field.per_image_radius.max():.0f}"
            for network in measured
        ]
    rows[_("Gaussian σ (px)")] = [_sigma(network) for network in measured]
    rows[_("Its fit, R²")] = [_fit(network) for network in measured]
    rows[_("Weights")] = [network.probe.weights for network in measured]
    tables.draw(rows, alt=_("One row a network"))


def _sigma(network: ProbedField) -> str:
    down, across = network.field.gaussian.sigma
    return f"{down:.0f} × {across:.0f}"


def _fit(network: ProbedField) -> str:
    value = network.field.gaussian.r_squared
    if value < 0:  # worse than a flat map of the same mean
        return "< 0"
    return "–" if math.isnan(value) else f"{value:.2f}"
