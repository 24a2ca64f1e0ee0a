"""The strip on top of every page: what is looked at, what the model answers, how long it took."""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from vitviz.analysis.familiarity import familiarity
from vitviz.examples import verdict
from vitviz.figures.image_files import jpeg_bytes
from vitviz.figures.overlay import outline
from vitviz.models.devices import precision_of
from vitviz.numbers import percent
from vitviz.ui.furniture import classes, framing
from vitviz.ui.reader import chosen_model, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import CLASS, _, ngettext, pgettext, plain
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.labels import is_random, model_name, token_name

_WIDTH = 96
_SIDE = 2 * _WIDTH
"""Pixels of the thumbnail's longest side: two a point, for fine screens."""


def draw(scene: Scene) -> None:
    """Draw the strip: thumbnail with the query patch, answers, tokens, milliseconds."""
    with st.container(key="strip"):
        picture, answers, facts = st.columns([1, 4, 3], vertical_alignment="center")
        picture.image(_address(thumbnail(scene)), width=_WIDTH, alt=framing.title(scene))
        _answers(scene, answers)
        with facts:
            st.caption(_facts(scene))
            if assumed := chosen_model.assumptions(scene.choice, scene.vit):
                told = _("About this model: {clauses}.").format(clauses=_("; ").join(assumed))
                st.caption(":material/rule: " + plain(told))
            framing.draw(scene)


def _answers(scene: Scene, column: DeltaGenerator) -> None:
    if is_random(scene.vit):
        column.badge(
            _("Random weights: it has learned nothing, and its answers mean nothing"),
            icon=":material/casino:",
            color="orange",
        )
    top = scene.trace.top(5)
    if not top:
        channels = scene.trace.embedding.shape[-1]
        column.markdown(_("No classifier: the answer is an embedding of {count} numbers.").format(count=channels))
        return
    first, *rest = [(plain(class_name(scene.vit, index)), share) for index, share in top]
    with column.container(horizontal=True, vertical_alignment="center", gap="small", key="answer"):
        st.markdown(f"**{first[0]}** {percent(first[1])}", width="content")
        _verdict(scene)
        classes.button(scene)
    if rest:
        column.caption(" · ".join(f"{name} {percent(share)}" for name, share in rest))
    if scene.vit.multi_label:
        column.caption(_("Several classes may be right at once: each has a probability of its own."))
    if doubt := doubt_of(scene):
        column.container(key="doubt").caption(":material/help: " + doubt)
    off = scene.trace.edit.ablate_heads
    if off:
        heads = ", ".join(f"L{layer}·H{head}" for layer, head in off)
        column.caption(":material/power_off: " + _("Switched off: {heads}").format(heads=heads))


def _verdict(scene: Scene) -> None:
    """Draw whether an example photo is answered rightly, as a badge; nothing for other photos and other classes.

    On a phone the right answer has the badge's sign alone, and another verdict a line of its own.
    """
    shown = photos.shown_classes(scene.photo_name, scene.vit)
    if shown is None:
        return
    answers = [scene.vit.class_name(index) for index, _share in scene.trace.top(2)]
    names = _(", ").join(plain(pgettext(CLASS, name)) for name in shown) or plain(photos.title(scene.photo_name))
    kind = verdict(shown, answers)
    text, colour, icon = {
        "right": (_("answered rightly"), "green", "check"),
        "both": (_("two right answers: {names}"), "green", "check"),
        "wrong": (_("wrong, the photo shows: {names}"), "red", "close"),
        "unknown": (_("none of its classes is right: {names}"), "orange", "question_mark"),
    }[kind]
    with st.container(key=f"verdict_{kind}", width="content"):
        st.markdown(f":{colour}-badge[:material/{icon}: {text.format(names=names)}]", width="content")


def doubt_of(scene: Scene) -> str:
    """Return the sentence that says that the photo may show none of the classes, where that was measured and is so."""
    measured = familiarity(scene.vit, scene.trace)
    if measured is None or not measured.perhaps_none:
        return ""
    return _(
        "Perhaps none of its {count} classes: only {share} of the photos that do show one get so unsure an answer."
    ).format(count=measured.classes, share=percent(measured.false_alarms))


def _facts(scene: Scene) -> str:
    grid, trace = scene.trace.grid, scene.trace
    prefix = ", ".join(map(token_name, grid.prefix)) if grid.prefix else _("none")
    precision = precision_of(scene.vit.dtype)
    rounded = "" if precision == "float32" else f" · {precision}"
    told = _(
        "{model} · {rows} × {columns} patches of {size} px · {tokens} (special: {prefix}) · "
        "{layers} × {heads} · {milliseconds:.0f} ms · {megabytes:.0f} MB kept"
    ).format(
        model=plain(model_name(scene.vit)),
        rows=grid.rows,
        columns=grid.columns,
        size=grid.patch_size[0],
        tokens=ngettext("{count} token", "{count} tokens", grid.tokens).format(count=grid.tokens),
        prefix=prefix,
        layers=ngettext("{count} layer", "{count} layers", trace.layers).format(count=trace.layers),
        heads=ngettext("{count} head", "{count} heads", max(scene.vit.heads)).format(count=max(scene.vit.heads)),
        milliseconds=1000 * trace.seconds,
        megabytes=trace.nbytes / 1e6,
    )
    return told + rounded


def _address(picture: bytes) -> str:
    """Return a JPEG as an address: Streamlit would reduce the file to one pixel a point."""
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode()


def thumbnail(scene: Scene) -> bytes:
    """Return the picture that the model saw, as JPEG, with the query patch outlined where the query is a patch.

    Where part of the photo is not seen, all of it is shown and the part framed.
    """
    if scene.part is not None and not scene.part.is_whole:
        return framing.picture(scene, _SIDE)
    return _thumbnail(scene.model_key, scene.photo.digest, scene.patch, scene)


@st.cache_resource(max_entries=64, show_spinner=False)
def _thumbnail(model_key: str, digest: str, patch: int | None, _scene: Scene) -> bytes:
    picture, grid = Image.fromarray(_scene.picture), _scene.trace.grid
    picture.thumbnail((_SIDE, _SIDE), reducing_gap=2.0)
    small = np.asarray(picture)
    return jpeg_bytes(small if patch is None else outline(small, grid.rows, grid.columns, grid.position(patch)))
