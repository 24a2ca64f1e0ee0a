"""The attention before and after patches were changed, and the difference."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from vitviz.attention.view import MEAN, MapView, attention_view, rollout_view
from vitviz.figures.overlay import grey, overlay
from vitviz.figures.paint import number
from vitviz.figures.scale import Scale
from vitviz.trace import Trace
from vitviz.ui.choices.patches import PATCH_MAP
from vitviz.ui.choices.shared import OPACITY
from vitviz.ui.explore.patches.painting import Changed
from vitviz.ui.furniture.bars import colour_bar
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap

DIFFERENCE = "PuOr"


def _view(scene: Scene, trace: Trace) -> MapView:
    """Return where the class token looks, or the patches on average in a model without one."""
    if link.get(PATCH_MAP) == "rollout":
        return rollout_view(trace)
    head = scene.chosen_head
    return attention_view(trace, layer=scene.layer, head=head)


def scales(before: MapView, after: MapView) -> tuple[Scale, Scale]:
    """Return the scale that both maps share, and that of their difference."""
    top = max(before.top_of_scale, after.top_of_scale)
    change = float(np.abs(after.values - before.values).max()) or 1.0
    return Scale(0, top, before.uniform), Scale(-change, change, signed=True)


def draw(scene: Scene, changed: Changed) -> tuple[MapView, MapView]:
    """Draw the maps, one where nothing is changed, else before, after and difference; return before and after."""
    before, after = _view(scene, scene.original), _view(scene, changed.trace)
    title, choice = st.columns([3, 2], vertical_alignment="bottom")
    title.subheader(_("Where does the attention go?"), anchor=False)
    names = {"attention": _("One layer"), "rollout": _("All layers (rollout)")}
    choice.segmented_control(
        _("Map"),
        list(names),
        format_func=lambda name: names[name],
        required=True,
        label_visibility="collapsed",
        **link.widget(PATCH_MAP),
    )
    shared, change = scales(before, after)
    columns = st.columns(3, gap="medium")
    _map(columns[0], _("Whole photo"), scene.picture, before.values, shared)
    if changed:
        _map(columns[1], _("Patches changed"), changed.picture, after.values, shared)
        difference = after.values - before.values
        _map(columns[2], _("After − before"), grey(scene.picture), difference, change, DIFFERENCE)
    st.caption(_in_words(scene, changed, before, after))
    return before, after


def _map(
    column: DeltaGenerator,
    title: str,
    picture: NDArray[np.uint8],
    values: NDArray[np.float32],
    scale: Scale,
    palette: str | None = None,
) -> None:
    with column:
        st.markdown(f"**{title}**")
        row, place = np.unravel_index(int(np.abs(values).argmax()), values.shape)
        st.image(
            overlay(picture, values, scale=scale, palette=palette, opacity=link.get(OPACITY)),
            width="stretch",
            output_format="JPEG",
            alt=_("{title}: {value} in row {row}, column {column} is the largest").format(
                title=title, value=number(float(values[row, place])), row=row + 1, column=place + 1
            ),
        )
        st.html(colour_bar(scale, palette))


def _what(scene: Scene, shown: MapView) -> str:
    """Return what the maps show, as the library's own label says it in English."""
    looks = _("where the {token} token looks").format(token=shown.query)
    if shown.query == "class":
        looks = _("where the class token looks")
    elif shown.query == MEAN:
        looks = _("where the patches look on average")
    if link.get(PATCH_MAP) == "rollout":
        return _("Rollout of all layers, mean of the heads: {looks}.").format(looks=looks)
    heads = scene.original.heads(scene.layer)
    names = {"mean": _("mean of {heads} heads"), "max": _("maximum of {heads} heads")}
    head = names.get(scene.head, _("head {head}")).format(heads=heads, head=scene.head)
    return _("Layer {layer}, {head}: {looks}.").format(layer=scene.layer, head=head, looks=looks)


def _in_words(scene: Scene, changed: Changed, before: MapView, after: MapView) -> str:
    words = _what(scene, before)
    if not changed:
        return words
    patches = sorted(changed.patches)
    shares = [float(each.values.ravel()[patches].sum()) for each in (before, after)]
    told = _(
        "The changed patches get {old} of the attention before and {new} after; evenly spread it would be {even}. "
        "Orange in the difference: more than before; purple: less. The maps do not show why the answer moved."
    ).format(old=f"{shares[0]:.1%}", new=f"{shares[1]:.1%}", even=f"{before.uniform * len(patches):.1%}")
    return words + gap() + told
