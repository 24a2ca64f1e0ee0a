"""The Receptive field page: how far one place sees, in a ViT, in a CNN and in the same ViT with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.analysis.spread import SHARES
from vitviz.errors import VitvizError
from vitviz.figures.export import html_of_png
from vitviz.figures.field import field_overlay
from vitviz.figures.sheet import Panel, print_figure
from vitviz.ui import cache, link, probes, viewer
from vitviz.ui.probes import Probe
from vitviz.ui.recipe import Recipe, load_line, picture_expression
from vitviz.ui.scene import Scene, plain
from vitviz.ui.show import Export
from vitviz.ui.text import _


@dataclass(frozen=True, eq=False)
class Measured:
    """The receptive field of one network at the chosen depth."""

    probe: Probe
    layer: int
    field: ReceptiveField

    @property
    def place(self) -> str:
        """The layer, as the network names it."""
        return self.probe.layer_names[self.layer]


def controls(scene: Scene) -> None:
    """Draw the depth, the token, the pictures and the colours."""
    depth, token, pictures, colours = st.columns([3, 3, 4, 3], gap="medium")
    if scene.vit.layers > 1:
        depth.slider(
            _("Depth: layer of the ViT"),
            0,
            scene.vit.layers - 1,
            help=_("The convolutional network is read at the same share of its depth."),
            **link.widget("layer"),
        )
    token.selectbox(
        _("Read at"),
        list(scene.vit.grid.names),
        format_func=lambda name: _token_name(scene, name),
        help=_("The patch that is pinned on the Attention page, or a special token."),
        **link.widget("patch"),
    )
    pictures.segmented_control(
        _("Pictures"),
        ["one", "examples"],
        format_func={"one": _("this photo"), "examples": _("mean of the examples")}.__getitem__,
        required=True,
        **link.widget("pictures"),
    )
    colours.segmented_control(
        _("Colours"),
        ["log", "linear"],
        format_func={"log": _("powers of ten"), "linear": _("even")}.__getitem__,
        required=True,
        help=_("Of each square's share of the strongest square."),
        **link.widget("field_scale"),
    )


def _token_name(scene: Scene, name: str) -> str:
    if not name.isdecimal():
        return name
    row, column = scene.vit.grid.position(int(name))
    return _("patch in row {row}, column {column}").format(row=row + 1, column=column + 1)


def measure(scene: Scene) -> list[Measured]:
    """Return the field of every network at the chosen depth; one that cannot be measured is told."""
    digests, photos = probes.photos_of(scene)
    depth = (scene.layer + 1) / scene.vit.layers
    found = []
    for probe in probes.probes(scene):
        layer = probe.layer_at(depth)
        token, inputs = probe.token_at(layer), probe.inputs(scene.vit, photos)
        try:
            field = cache.receptive_field(probe.key, digests, layer, token, probe.model, inputs)
        except VitvizError as error:
            st.warning(plain(f"{probe.title}: {error}"))
            continue
        found.append(Measured(probe, layer, field))
    return found


def draw(scene: Scene, measured: list[Measured]) -> None:
    """Draw the fields over the photo, side by side."""
    if not measured:
        return
    for column, each in zip(st.columns(len(measured), gap="medium"), measured, strict=True):
        column.markdown(f"**{plain(each.probe.title)}** · {plain(each.place)}")
        column.image(
            _picture(scene, each), width="stretch", output_format="JPEG", alt=_in_words(each)
        )
        column.caption(_under(each))
    st.caption(_key(scene))


def _picture(scene: Scene, each: Measured) -> NDArray[np.uint8]:
    return field_overlay(
        scene.picture,
        each.field.values,
        scale=link.get("field_scale"),
        palette=link.get("palette"),
        opacity=link.get("opacity"),
        cell=_cell(scene),
        place=_box(scene),
        theoretical=each.field.theoretical_box,
    )


def _cell(scene: Scene) -> int:
    """Return the side of the squares that are painted: half a patch at most, and a divisor of both sides."""
    height, width = scene.vit.image_size
    sides = range(1, max(1, min(scene.vit.grid.patch_size) // 2) + 1)
    return max(side for side in sides if height % side == 0 and width % side == 0)


def _box(scene: Scene) -> tuple[int, int, int, int] | None:
    return scene.vit.grid.box(int(scene.query)) if scene.query.isdecimal() else None


def _in_words(each: Measured) -> str:
    return _(
        "Receptive field of {model} after {layer}: half of it lies in {half:.0%} of the picture, 99 % in {most:.0%}"
    ).format(
        model=each.probe.title,
        layer=each.place,
        half=each.field.area_ratios[0.5],
        most=each.field.area_ratios[0.99],
    )


def _under(each: Measured) -> str:
    words = _("{weights} · radius **{radius:.0f} px**").format(
        weights=each.probe.weights, radius=each.field.radius
    )
    if each.field.theoretical is None:
        return words
    height, width = each.field.theoretical.size
    return words + _(" · could see {height} × {width} px at most (dashed)").format(
        height=height, width=width
    )


def _key(scene: Scene) -> str:
    colours = (
        _("Bright: the strongest square. Darkest: a thousandth of it, or less.")
        if link.get("field_scale") == "log"
        else _("Bright: the strongest square. Darkest: zero.")
    )
    colours += " " + _("A square is the mean of {side} × {side} px.").format(side=_cell(scene))
    if scene.query.isdecimal():
        return colours + " " + _("Orange: the patch that is read.")
    return (
        colours
        + " "
        + _(
            "A special token has no place, so distances count from the middle of the picture, where the "
            "convolutional network is read too."
        )
    )


def table(measured: list[Measured]) -> None:
    """Draw how much of the picture holds each share of the field."""
    st.markdown(
        _(
            "How much of the picture, in a square around the place, holds 20, 30, 50 and 99 % of the field "
            "(Ding et al. 2022):"
        )
    )
    rows: dict[str, list[Any]] = {
        _("Network"): [each.probe.title for each in measured],
        _("Layer"): [each.place for each in measured],
        _("Weights"): [each.probe.weights for each in measured],
        _("Radius (px)"): [f"{each.field.radius:.1f}" for each in measured],
    }
    for share in SHARES:
        rows[f"{share:.0%}"] = [f"{each.field.area_ratios[share]:.1%}" for each in measured]
    if link.get("pictures") == "examples":
        rows[_("Radius by photo (px)")] = [
            f"{each.field.per_image_radius.min():.0f} – {each.field.per_image_radius.max():.0f}"
            for each in measured
        ]
    st.dataframe(rows, hide_index=True, alt=_("One row a network"))


def export(scene: Scene, measured: list[Measured]) -> Export:
    """Return the files of the page: the maps for print, the fields as arrays, the settings, a page."""
    title = _("How far does one place see?")
    pictures = [
        (each, _picture(scene, each)) for each in measured
    ]  # now: downloads have no session
    key = f"{_key(scene)} {viewer.caption(scene)}"

    def png() -> bytes:
        panels = [
            Panel(
                label=f"{each.probe.title}, {each.place}, {each.field.radius:.0f} px",
                picture=Image.fromarray(shown),
            )
            for each, shown in pictures
        ]
        return print_figure(panels, title=title, caption=key)

    def arrays() -> dict[str, NDArray[Any]]:
        names = ("map", "convnet", "random")
        found: dict[str, NDArray[Any]] = {
            name: each.field.values for name, each in zip(names, measured, strict=False)
        }
        return {**found, "picture": scene.picture}

    return Export(
        name=f"vitviz-receptive-field-layer{scene.layer}",
        settings=_recipe(scene, measured),
        png=png,
        arrays=arrays,
        html=lambda told: html_of_png(png(), title, key, told),
    )


def _recipe(scene: Scene, measured: list[Measured]) -> Recipe:
    one = link.get("pictures") == "one"
    pictures = picture_expression(scene) if one else "[each.path for each in examples()]"
    code = "\n".join(
        [
            "import vitviz",
            f"from vitviz.examples import {'example' if one else 'examples'}",
            "",
            load_line(scene),
            f"field = vitviz.receptive_field(vit, {pictures}, layer={scene.layer}, token={scene.query!r})",
            "values = field.values  # (height, width)",
            "print(field.radius, field.area_ratios)",
            "",
            f'net = vitviz.load_convnet("timm:{probes.CNN}", weights="random", image_size=vit.image_size)',
            "print(vitviz.theoretical_field(net, net.layers - 1).size)  # what its last layer could see",
            "",
        ]
    )
    options = {
        "layer": scene.layer,
        "token": scene.query,
        "pictures": "this photo" if one else "the examples",
        "networks": [
            {
                "name": each.probe.model.name,
                "weights": each.probe.weights,
                "layer": each.layer,
                "token": each.field.token,
                "radius": each.field.radius,
                "area_ratios": {str(k): v for k, v in each.field.area_ratios.items()},
            }
            for each in measured
        ],
    }
    return Recipe(method="receptive_field", options=options, code=code)
