"""The sizes on the Cost page: a loaded or usual model, and what the reader changes of it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.labs.cost.vit_shape import PRESETS, ViTShape, shape_of
from vitviz.ui.choices.choice import Choice
from vitviz.ui.choices.cost import (
    COST_DEPTH,
    COST_HEADS,
    COST_MODEL,
    COST_PATCH,
    COST_SIZE,
    COST_WIDTH,
    LOADED,
    RANGES,
    SIZES,
)
from vitviz.ui.furniture import lesson
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap
from vitviz.ui.words.labels import model_name


def base(scene: Scene) -> ViTShape:
    """Return the sizes of the chosen model before any change."""
    chosen = link.get(COST_MODEL)
    return shape_of(scene.vit) if chosen == LOADED else PRESETS[chosen]


def current(scene: Scene) -> ViTShape:
    """Return the sizes that are shown; a patch larger than the picture is told and made as large as the picture."""
    shape = base(scene)
    if side := link.get(COST_SIZE):
        shape = replace(shape, image_size=(side, side), patch_size=_fitting(shape, side))
    if patch := link.get(COST_PATCH):
        fits = min(patch, *shape.image_size)
        if fits < patch:
            link.put(COST_PATCH.at(fits))
            st.warning(
                _("No patch of {patch} pixels fits into the picture; it is shown with {fits}.").format(
                    patch=patch, fits=fits
                ),
                icon=":material/info:",
            )
        shape = replace(shape, patch_size=(fits, fits))
    return replace(
        shape,
        width=link.get(COST_WIDTH) or shape.width,
        depth=link.get(COST_DEPTH) or shape.depth,
        heads=link.get(COST_HEADS) or shape.heads,
    )


def _fitting(shape: ViTShape, side: int) -> tuple[int, int]:
    return min(shape.patch_size[0], side), min(shape.patch_size[1], side)


def choose(scene: Scene, shape: ViTShape) -> None:
    """Draw the list of models and one number for each size."""
    first, second = st.columns([2, 1], gap="medium", vertical_alignment="bottom")
    names = {LOADED: _("the loaded one: {name}").format(name=model_name(scene.vit))}
    key = "choice_cost_model"

    def take(name: str) -> None:
        link.put(COST_MODEL.at(name), *(size.at(0) for size in SIZES))

    first.selectbox(
        _("Model"),
        [LOADED, *PRESETS],
        format_func=lambda name: names.get(name, name),
        key=key,
        on_change=link.tie(key, link.get(COST_MODEL), take),
        help=_("Choosing a model sets all sizes; change any of them afterwards."),
    )
    sizes = {
        COST_SIZE: (_("Image (px)"), max(shape.image_size), 16),
        COST_PATCH: (_("Patch (px)"), max(shape.patch_size), 2),
        COST_WIDTH: (_("Width D"), shape.width, 64),
        COST_DEPTH: (_("Layers T"), shape.depth, 1),
        COST_HEADS: (_("Heads M"), shape.heads, 1),
    }
    others = lesson.more().columns(len(sizes) - 1, gap="small", vertical_alignment="bottom")
    for column, (size, (label, value, step)) in zip((second, *others), sizes.items(), strict=True):
        _number(column, size, label, value, step)
    _notes(scene, shape)


def _number(column: DeltaGenerator, size: Choice[int], label: str, value: int, step: int) -> None:
    key, (low, high) = f"choice_{size.name}", RANGES[size.name]
    chosen = link.tie(key, min(max(value, low), high), lambda number: link.put(size.at(number)))
    column.number_input(label, low, high, step=step, key=key, on_change=chosen)


def _notes(scene: Scene, shape: ViTShape) -> None:
    rows, columns = shape.grid
    words = _(
        "Patches: {rows} × {columns}; tokens before them (class, registers): {prefix}. Tokens: **L = {tokens:,}**."
    ).format(rows=rows, columns=columns, prefix=shape.prefix, tokens=shape.tokens)
    if any(shape.cut_off):
        words += gap() + _(
            "The last {rows} rows and {columns} columns of pixels fill no patch and are cut off."
        ).format(rows=shape.cut_off[0], columns=shape.cut_off[1])
    if shape.width % shape.heads:
        words += gap() + _("{heads} heads do not divide {width} channels: no such model can be built.").format(
            heads=shape.heads, width=shape.width
        )
    if shape.patches == 1:
        words += gap() + _("One patch: there is nothing for attention to compare.")
    if shape != base(scene):
        words += gap() + _("Changed from the chosen model; choose it again to go back.")
    st.caption(words)


def size_lines(shape: ViTShape) -> str:
    """Return the Python that makes these sizes."""
    return (
        f"shape = ViTShape({shape.image_size}, {shape.patch_size}, {shape.width}, {shape.depth}, {shape.heads}, "
        f"prefix={shape.prefix}, mlp_ratio={shape.mlp_ratio:g}, classes={shape.classes})"
    )


def told(shape: ViTShape) -> dict[str, object]:
    """Return the sizes as plain values."""
    return {**vars(shape), "tokens": shape.tokens, "model": link.get(COST_MODEL)}
