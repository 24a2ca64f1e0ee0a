"""The attention before and after patches were changed, and the difference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from vitviz.attention.rollout_view import rollout_view
from vitviz.attention.view import MEAN, MapView, attention_view
from vitviz.figures.overlay import grey
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.numbers import percent
from vitviz.trace import Trace
from vitviz.ui.choices.patches import PATCH_MAP
from vitviz.ui.choices.shared import OPACITY
from vitviz.ui.explore.patches.painting import Changed
from vitviz.ui.furniture.panel import look, map_panel
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap

_DIFFERENCE = "PuOr"


def _view(scene: Scene, trace: Trace) -> MapView:
    """Return where the class token looks, or the patches on average in a model without one."""
    if link.get(PATCH_MAP) == "rollout":
        return rollout_view(trace)
    head = scene.chosen_head
    return attention_view(trace, layer=scene.layer, head=head)


def _scales(before: MapView, after: MapView) -> tuple[Scale, Scale]:
    """Return the scale that both maps share, and that of their difference."""
    top = max(before.top_of_scale, after.top_of_scale)
    change = float(np.abs(after.values - before.values).max()) or 1.0
    return Scale(0, top, before.uniform), Scale(-change, change, signed=True, shares=True)


def draw(scene: Scene, changed: Changed, *, on_choice: Callable[[], None]) -> tuple[MapView, MapView]:
    """Draw the maps, one where nothing is changed, else before, after and difference; return before and after.

    ``on_choice`` is called when the reader chooses the other kind of map.
    """
    before, after = _view(scene, scene.original), _view(scene, changed.trace)
    title, choice = st.columns([3, 2], vertical_alignment="bottom")
    title.subheader(_("Where does the attention go?"), anchor=False)
    names = {"attention": _("One layer"), "rollout": _("All layers (rollout)")}
    widget = link.widget(PATCH_MAP)

    def chosen() -> None:
        widget["on_change"]()
        on_choice()

    choice.segmented_control(
        _("Map"),
        list(names),
        format_func=lambda name: names[name],
        required=True,
        label_visibility="collapsed",
        **{**widget, "on_change": chosen},
    )
    for column, panel in zip(st.columns(3, gap="medium"), panels(scene, changed, before, after), strict=False):
        with column:
            map_panel(panel, alt=_alt(panel))
    st.caption(_in_words(scene, changed, before, after))
    return before, after


def panels(scene: Scene, changed: Changed, before: MapView, after: MapView) -> list[Panel]:
    """Return the map of the whole photo and, where patches are changed, that of the changed one and the difference."""
    shared, change = _scales(before, after)
    whole = Panel(label=_("Whole photo"), photo=scene.picture, map=before.values, scale=shared, **look())
    if not changed:
        return [whole]
    return [
        whole,
        Panel(label=_("Patches changed"), photo=changed.picture, map=after.values, scale=shared, **look()),
        Panel(
            label=_("After − before"),
            photo=grey(scene.picture),
            map=after.values - before.values,
            scale=change,
            palette=_DIFFERENCE,
            opacity=link.get(OPACITY),
        ),
    ]


def _alt(panel: Panel) -> str:
    values = np.asarray(panel.map)
    row, place = np.unravel_index(int(np.abs(values).argmax()), values.shape)
    return _("{title}: {value} in row {row}, column {column} is the largest").format(
        title=panel.label, value=percent(float(values[row, place])), row=row + 1, column=place + 1
    )


def _summary(scene: Scene, shown: MapView) -> str:
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
    words = _summary(scene, before)
    if not changed:
        return words
    patches = sorted(changed.patches)
    shares = [float(view.values.ravel()[patches].sum()) for view in (before, after)]
    told = _(
        "The changed patches get {old} of the attention before and {new} after; evenly spread it would be {even}. "
        "Orange in the difference: more than before; purple: less. The maps do not show why the answer moved."
    ).format(old=percent(shares[0]), new=percent(shares[1]), even=percent(before.uniform * len(patches)))
    return words + gap() + told
