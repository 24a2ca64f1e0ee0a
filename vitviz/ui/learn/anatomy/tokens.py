"""Anatomy, the steps before the first block: cut, flatten, project, add places."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from vitviz.analysis.tokens import token_colours
from vitviz.figures.anatomy import filters, strip
from vitviz.figures.overlay import outline, overlay
from vitviz.figures.paint import paint_map
from vitviz.figures.scale import Scale
from vitviz.figures.see_through import see_through
from vitviz.labs.anatomy import Embedding, principal_filters
from vitviz.numbers import Signed, percent, scientific
from vitviz.ui.choices.shared import PATCH
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene, pinned_patch
from vitviz.ui.text import _
from vitviz.ui.words.labels import token_name

_FILTERS, _COMPONENTS = 28, 28


def _choose_patch(scene: Scene) -> int:
    """Draw the sliders of row and column and return the patch."""
    grid = scene.vit.grid
    row, column = grid.position(pinned_patch(scene))
    st.session_state["anatomy_row"], st.session_state["anatomy_column"] = row + 1, column + 1

    def keep() -> None:
        place = (st.session_state["anatomy_row"] - 1) * grid.columns
        link.put(PATCH.at(str(place + st.session_state["anatomy_column"] - 1)))

    st.number_input(_("Row"), 1, grid.rows, step=1, key="anatomy_row", on_change=keep)
    st.number_input(_("Column"), 1, grid.columns, step=1, key="anatomy_column", on_change=keep)
    return pinned_patch(scene)


def _photo(scene: Scene, patch: int) -> NDArray[np.uint8]:
    grid = scene.vit.grid
    blank = np.zeros((grid.rows, grid.columns), np.float32)
    return overlay(scene.picture, blank, scale=Scale(0, 1), opacity=0, grid_lines=True, query=grid.position(patch))


def _patch_picture(scene: Scene, patch: int) -> NDArray[np.uint8]:
    """Return the pixels of a patch as the model gets them, enlarged."""
    left, top, right, bottom = scene.vit.grid.box(patch)
    pixels = scene.vit.picture(scene.original.pixels)[top:bottom, left:right]
    side = max(1, 224 // max(pixels.shape[:2]))
    large: NDArray[np.uint8] = pixels.repeat(side, 0).repeat(side, 1)
    return large


def cut(scene: Scene, embedding: Embedding) -> None:
    """Draw the photo cut into patches, with one of them at large."""
    photo, right = st.columns([3, 2], gap="large")
    with right:
        patch = _choose_patch(scene)
        height, width = scene.vit.grid.patch_size
        st.image(
            _patch_picture(scene, patch),
            output_format="PNG",
            width=224,
            alt=_("Patch {patch}, enlarged").format(patch=patch),
        )
        st.caption(
            _("Patch {patch}: {height} × {width} pixels in three colours, as the model gets them.").format(
                patch=patch, height=height, width=width
            )
        )
    grid = scene.vit.grid
    with photo, st.container(key="whole", gap="small"):
        st.image(
            _photo(scene, patch),
            output_format="JPEG",
            width="stretch",
            alt=_("The photo, cut into {rows} × {columns} patches").format(rows=grid.rows, columns=grid.columns),
        )
        st.markdown(
            _(
                "{height} × {width} pixels in patches of {down} × {across}: **N = {rows} × {columns} = {patches}**."
            ).format(
                height=scene.vit.image_size[0],
                width=scene.vit.image_size[1],
                down=grid.patch_size[0],
                across=grid.patch_size[1],
                rows=grid.rows,
                columns=grid.columns,
                patches=embedding.patches.shape[0],
            )
        )


def flatten(scene: Scene, embedding: Embedding) -> None:
    """Draw one patch and the vector that it becomes."""
    left, line = st.columns([1, 3], gap="large")
    with left:
        patch = _choose_patch(scene)
        st.image(_patch_picture(scene, patch), output_format="PNG", width=200, alt=_("The patch"))
    vector = embedding.flat[patch].numpy()
    with line:
        st.image(
            strip(vector, rows=3, cell=4, height=36),
            output_format="PNG",
            width="stretch",
            alt=_("The patch as one row of numbers"),
        )
        st.caption(
            _(
                "The same patch as **one vector of {length} numbers**, one line a colour (red, green, blue), each line "
                "the rows of the patch one after the other. Red cells are above the data set's mean, blue below: the "
                "values run from {low:.2f} to {high:.2f}. That two cells were neighbours is nowhere written any more."
            ).format(length=len(vector), low=Signed(vector.min()), high=Signed(vector.max()))
        )


def project(scene: Scene, embedding: Embedding) -> None:
    """Draw the matrix E as pictures, and what it makes of one patch."""
    if embedding.tokens is None:
        st.info(_("The patch embedding of this model does not return one vector a patch."))
        return
    left, line = st.columns([1, 3], gap="large")
    with left:
        patch = _choose_patch(scene)
        st.image(_patch_picture(scene, patch), output_format="PNG", width=200, alt=_("The patch"))
    with line:
        token = embedding.tokens[patch].cpu().numpy()
        st.image(
            strip(token, rows=3, cell=5, height=30),
            output_format="PNG",
            width="stretch",
            alt=_("The token of the patch"),
        )
        st.caption(_("The patch as **one token of {width} channels**: its vector times E.").format(width=len(token)))
        _filters(scene, embedding)


def _small_pictures(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(see_through(lambda ground: Image.fromarray(filters(weights, ground=ground))))


def _filters(scene: Scene, embedding: Embedding) -> None:
    if embedding.projection is None:
        st.info(_("The patch embedding of this model is more than one matrix, so it has no filters to show."))
        return
    height, width = scene.vit.grid.patch_size
    components, shares = principal_filters(embedding.projection, _COMPONENTS)
    st.image(
        _small_pictures(components.numpy().reshape(-1, 3, height, width)),
        output_format="PNG",
        width="stretch",
        alt=_("The principal components of E as small pictures"),
    )
    st.caption(
        _(
            "The {count} principal components of E's columns, {share} of what they differ in: waves and edges, "
            "where the model was trained. A single channel mixes many of them and looks like noise:"
        ).format(count=len(components), share=percent(float(shares.sum())))
    )
    weights = embedding.projection.numpy().reshape(-1, 3, height, width)
    strongest = np.argsort(-(weights**2).sum((1, 2, 3)))[:_FILTERS]
    st.image(
        _small_pictures(weights[strongest]),
        output_format="PNG",
        width="stretch",
        alt=_("The columns of E as small pictures"),
    )
    st.caption(
        _(
            "The {shown} largest columns of E, each drawn as a patch: the channel is large where a patch looks like "
            "it. E has {pixels} × {channels} numbers. Flattened patches times E and the model's own patch embedding "
            "differ by at most {gap}."
        ).format(
            shown=len(strongest),
            pixels=embedding.projection.shape[1],
            channels=embedding.projection.shape[0],
            gap=scientific(embedding.projection_gap or 0.0, 1),
        )
    )


def places(scene: Scene, embedding: Embedding) -> None:
    """Draw the tokens before and after the positions are added."""
    grid, prefix = scene.vit.grid, scene.vit.grid.prefix
    before, added, after, words = st.columns([2, 2, 2, 3], gap="medium")
    if embedding.tokens is not None:
        _map(before, scene, embedding.tokens.norm(dim=-1).cpu().numpy(), _("norm of the patch tokens"))
    if embedding.positions is not None:
        _positions(added, scene, embedding.positions)
    if grid.patches >= 4:
        with after:
            st.image(
                _colours(scene, -1),
                output_format="PNG",
                width="stretch",
                alt=_("Tokens in the colours of their principal components"),
            )
            st.caption(_("z₀, the first three principal components as colours"))
    with words:
        if embedding.positions is not None:
            share = float(embedding.positions.norm(dim=-1).mean())
            st.markdown(
                _("Every patch token gets the vector of its place. Mean norm of the places: **{norm:.2f}**.").format(
                    norm=share
                )
            )
            if embedding.tokens is not None:
                st.markdown(
                    _("Mean norm of the patch tokens before: **{norm:.2f}**.").format(
                        norm=float(embedding.tokens.norm(dim=-1).mean())
                    )
                )
        else:
            st.markdown(_("This model adds no vectors of places to its tokens."))
        if "class" in prefix:
            st.markdown(
                _(
                    "In front stands the **class token, [CLS]**: no patch, but one learned vector, the same for every "
                    "photo. It has nothing to say of its own, so it can gather what the answer needs; most heads "
                    "read it at the end."
                )
            )
        others = [f"**{token_name(name)}**" for name in prefix if name != "class"]
        if others:
            st.markdown(_("Other tokens that are no patches: {names}.").format(names=", ".join(others)))
        st.markdown(
            _("z₀ has **{tokens} tokens of {width} channels**.").format(
                tokens=embedding.start.shape[0], width=embedding.start.shape[1]
            )
        )


def _positions(place: DeltaGenerator, scene: Scene, positions: Tensor) -> None:
    """Draw the vectors that are added: how alike that of the chosen patch is to all others, and its own numbers."""
    patch = pinned_patch(scene)
    centred = positions - positions.mean(0)
    alike = torch.cosine_similarity(centred, centred[patch : patch + 1]).cpu().numpy()
    grid = scene.vit.grid
    side = max(1, 448 // max(grid.rows, grid.columns))
    painted = paint_map(
        grid.to_map(alike),
        Scale(-1.0, 1.0),
        height=grid.rows * side,
        width=grid.columns * side,
        palette="RdBu",
    )
    row, column = grid.position(patch)
    told = _("E_pos: how alike the vector of row {row}, column {column} is to that of every other place").format(
        row=row + 1, column=column + 1
    )
    place.image(
        outline(painted, grid.rows, grid.columns, (row, column)), output_format="PNG", width="stretch", alt=told
    )
    place.caption(told)
    numbers = strip(positions[patch].cpu().numpy(), rows=8, cell=5, height=12)
    place.image(numbers, output_format="PNG", width="stretch", alt=_("The vector that is added to this patch"))
    place.caption(_("its {width} numbers, added to the patch token").format(width=positions.shape[1]))


def _map(place: object, scene: Scene, values: NDArray[np.float32], title: str) -> None:
    map_ = scene.vit.grid.to_map(values)
    with place:  # type: ignore[attr-defined]
        st.image(
            overlay(scene.picture, map_, scale=Scale(0, float(map_.max()) or 1.0), opacity=0.75),
            output_format="JPEG",
            width="stretch",
            alt=title,
        )
        st.caption(
            _("{title}: {low:.2f} to {high:.2f}").format(title=title, low=Signed(map_.min()), high=Signed(map_.max()))
        )


def _colours(scene: Scene, layer: int) -> NDArray[np.uint8]:
    """Return the patch tokens after a layer in the colours of their principal components, enlarged."""
    colours = token_colours(scene.original, layer=layer).colours[0]
    side = max(1, 448 // max(colours.shape[:2]))
    painted = (colours * 255).round().astype(np.uint8)
    large: NDArray[np.uint8] = painted.repeat(side, 0).repeat(side, 1)
    return large


def coloured(scene: Scene, layer: int) -> NDArray[np.uint8] | None:
    """Return the colours of the tokens after a layer; None for a grid too small for components."""
    return _colours(scene, layer) if scene.vit.grid.patches >= 4 else None
