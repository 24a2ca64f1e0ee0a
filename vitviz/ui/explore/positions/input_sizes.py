"""The input sizes on the Positions page: the same photo from 98 to 518 pixels, measured when asked for."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.analysis.input_sizes import SIZES, SizedAnswer, input_size_steps, rounded_size
from vitviz.errors import VitvizError
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.ui.choices.positions import INPUT_SIZES
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import shelf
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import MOST_TOKENS, Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.errors import in_dashboard

_REFUSED = "vitviz_refused_sizes"
Answers = dict[int, SizedAnswer]
"""By the size that was asked for."""


def draw(scene: Scene) -> tuple[Answers, DeltaGenerator | None]:
    """Draw what was measured; return it, and where progress is shown if more was asked for."""
    st.subheader(_("What does the model say at other input sizes?"), anchor=False)
    st.toggle(
        _("Measure from {low} to {high} pixels").format(low=SIZES[0], high=SIZES[-1]),
        help=_("One pass a size: a few seconds in all. The position vectors are interpolated."),
        **link.widget(INPUT_SIZES),
    )
    if not link.get(INPUT_SIZES):
        _refused().pop(_key(scene), None)  # switched on again, it is tried again
    reason = _refused().get(_key(scene))
    if reason is not None:
        st.info(_("Not applicable. {reason}").format(reason=plain(reason)))
    found = _measured(scene)
    bar = (
        _progress(len(found), len(found) + len(_missing(scene, found)))
        if reason is None and _wanted(scene, found)
        else None
    )
    if found:
        _curves(found)
        _table(scene, found)
    return found, bar


def finish(scene: Scene, found: Answers, bar: DeltaGenerator | None) -> None:
    """Measure what is missing, with progress; any click interrupts it, and what was measured stays."""
    if bar is None:
        return
    missing = _missing(scene, found)
    total = len(found) + len(missing)
    try:
        for each in input_size_steps(scene.vit, scene.photo.image, sizes=missing):
            size = next(size for size in missing if rounded_size(scene.vit, size) == each.image_size)
            shelf.sizes().put(_key(scene), {**_measured(scene), size: each})
            bar.progress((len(_measured(scene))) / total, f"{size} px")
    except VitvizError as error:
        _refused()[_key(scene)] = in_dashboard(error)
    st.rerun()


def _wanted(scene: Scene, found: Answers) -> bool:
    return bool(link.get(INPUT_SIZES) and _missing(scene, found))


def _progress(done: int, total: int) -> DeltaGenerator:
    bar = st.progress(done / total, _("Measuring …"))
    st.button(
        _("Stop"), icon=":material/stop_circle:", key="stop_sizes", on_click=lambda: link.put(INPUT_SIZES.at(False))
    )
    return bar


def _key(scene: Scene) -> Hashable:
    return "sizes", scene.model_key, scene.photo.digest


def _refused() -> dict[Hashable, str]:
    """Return why a model could not be measured on a photo, by both; each reader has refusals of their own."""
    reasons: dict[Hashable, str] = st.session_state.setdefault(_REFUSED, {})
    return reasons


def _measured(scene: Scene) -> Answers:
    found: Answers = shelf.sizes().get(_key(scene)) or {}
    return dict(sorted(found.items()))


def sizes(scene: Scene) -> list[int]:
    """Return the sizes that are measured: those of at least one patch, of no more tokens than the dashboard bears."""
    found: dict[tuple[int, int], int] = {}
    for size in SIZES:
        if size < max(scene.vit.grid.patch_size):
            continue
        height, width = rounded_size(scene.vit, size)
        down, across = scene.vit.grid.patch_size
        if height // down * (width // across) <= MOST_TOKENS:
            found.setdefault((height, width), size)
    return list(found.values())


def _missing(scene: Scene, found: Answers) -> list[int]:
    return [size for size in sizes(scene) if size not in found]


def _curves(found: Answers) -> None:
    pixels = [max(each.image_size) for each in found.values()]
    quantities = [
        (_("Cosine to the own size"), [each.cosine for each in found.values()], "size_cosine"),
        (_("Seconds of the pass"), [each.seconds for each in found.values()], "size_seconds"),
    ]
    for column, (title, values, key) in zip(st.columns(2, gap="medium"), quantities, strict=True):
        with column:
            figure = line_chart(
                [Curve(title, pixels, values)],
                x=Axis(_("Longer side of the input (px)")),
                y=Axis(title),
                hover="{name}<br>%{x:.3g}: %{y:.4g}",
                legend=True,
                height=300,
            )
            chart(figure, key=key)


def _table(scene: Scene, found: Answers) -> None:
    rows: dict[str, list[Any]] = {
        _("Input (px)"): [
            f"{each.image_size[0]} × {each.image_size[1]}" + (" *" if each.native else "") for each in found.values()
        ],
        _("Tokens"): [each.tokens for each in found.values()],
        _("Seconds"): [f"{each.seconds:.2f}" for each in found.values()],
        _("Cosine"): [f"{each.cosine:.3f}" for each in found.values()],
    }
    if scene.vit.has_classifier:
        rows[_("Answer")] = [
            f"{class_name(scene.vit, each.top[0][0])} ({each.top[0][1]:.0%})" for each in found.values()
        ]
    st.dataframe(rows, hide_index=True, alt=_("One row an input size"))
    st.caption(
        _(
            "Cosine: of what the classifier reads, to the same at the model's own size (*). Seconds are of this "
            "machine while other readers use it too. A larger input shows the same objects in more patches, which "
            "the model was not trained on: more pixels are not always better."
        )
    )
