"""The strip on top of every page: what is looked at, what the model answers, how long it took."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.overlay import outline
from vitviz.ui import photos
from vitviz.ui.scene import Scene, plain
from vitviz.ui.text import _


def draw(scene: Scene) -> None:
    """Draw the strip: thumbnail with the query patch, answers, tokens, milliseconds."""
    with st.container(key="strip"):
        picture, answers, facts = st.columns([1, 4, 3], vertical_alignment="center")
        picture.image(thumbnail(scene), width=96, output_format="PNG", alt=photos.title(scene.photo_name))
        answers.markdown(_answers(scene))
        facts.caption(_facts(scene))


def _answers(scene: Scene) -> str:
    top = scene.trace.top(5)
    if not top:
        return _("This model has no classifier: it gives an embedding of {channels} numbers.").format(
            channels=scene.trace.embedding.shape[-1]
        )
    first, *rest = [(plain(scene.vit.class_name(index)), share) for index, share in top]
    others = " · ".join(f"{name} {share:.0%}" for name, share in rest)
    return f"**{first[0]}** {first[1]:.0%}  \n<small>{others}</small>"


def _facts(scene: Scene) -> str:
    grid, trace = scene.trace.grid, scene.trace
    prefix = ", ".join(grid.prefix) if grid.prefix else _("none")
    return _(
        "{model} · {rows} × {columns} patches of {size} px · {tokens} tokens (special: {prefix}) · "
        "{layers} layers × {heads} heads · {milliseconds:.0f} ms · {megabytes:.0f} MB kept"
    ).format(
        model=plain(scene.vit.name),
        rows=grid.rows,
        columns=grid.columns,
        size=grid.patch_size[0],
        tokens=grid.tokens,
        prefix=prefix,
        layers=trace.layers,
        heads=max(scene.vit.heads),
        milliseconds=1000 * trace.seconds,
        megabytes=trace.nbytes / 1e6,
    )


def thumbnail(scene: Scene) -> NDArray[np.uint8]:
    """Return the picture that the model saw, with the query patch outlined where the query is a patch."""
    if not scene.query.isdecimal():
        return scene.picture
    grid = scene.trace.grid
    return outline(scene.picture, grid.rows, grid.columns, grid.position(int(scene.query)))
