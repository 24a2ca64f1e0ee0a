"""The wall of the Heads page: what every head of every layer looks at from one query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attention.lines import head_lines
from vitviz.attention.statistics import HeadStatistics
from vitviz.trace import Trace
from vitviz.ui.choices.heads import BESIDE, MOST_BESIDE, WALL_SCALE
from vitviz.ui.choices.shared import DIRECTION, OPACITY, PALETTE, PATCH, pairs_of
from vitviz.ui.components.atlas_view import colour_limits, least_span
from vitviz.ui.components.attention_view import Direction
from vitviz.ui.components.head_wall import head_wall
from vitviz.ui.components.wall_view import HeadEffect, WallView
from vitviz.ui.explore.heads import overview
from vitviz.ui.explore.heads.overview import Head
from vitviz.ui.furniture import viewer
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.head_statistics import names


def draw(scene: Scene, table: HeadStatistics, statistic: str) -> WallView:
    """Draw the wall with the statistic as the colour of the frames, and return it."""
    shown = view(scene, table, statistic)
    head_wall(
        shown,
        key="wall",
        on_pin=_put,
        on_off=overview.set_ablated,
        on_open=overview.pick,
        on_query=lambda name: link.put(PATCH.at(name)),
        on_scale=lambda scale: link.put(WALL_SCALE.at(scale)),
        on_direction=lambda direction: link.put(DIRECTION.at(direction)),
    )
    return shown


def view(scene: Scene, table: HeadStatistics, statistic: str) -> WallView:
    """Return the wall of the scene's query; heads that are switched off change those after them."""
    title, unit, _definition = names()[statistic]
    values = table.table(statistic)
    return WallView(
        photo=viewer.photo_file(scene),
        grid=scene.trace.grid,
        maps=maps(scene.trace, scene.query, link.get(DIRECTION)),
        statistic=values,
        limits=colour_limits(values, least_span(statistic, max(scene.trace.grid.patch_size))),
        label=title,
        unit=unit,
        query=scene.query,
        direction=link.get(DIRECTION),
        selected=(scene.layer, scene.chosen_head if isinstance(scene.chosen_head, int) else 0),
        pinned=tuple(beside(scene)),
        off=tuple(overview.ablated()),
        effect=_effect(scene),
        scale=link.get(WALL_SCALE),
        palette=link.get(PALETTE),
        opacity=link.get(OPACITY),
    )


def maps(trace: Trace, query: str, direction: Direction = "attends_to") -> NDArray[np.float32]:
    """Return where each head looks from a token, or who looks at it: (layers, heads, rows, columns).

    NaN for heads that a layer has fewer than another.
    """
    lines, grid = head_lines(trace, trace.grid.token(query), direction=direction), trace.grid
    return lines[..., len(grid.prefix) :].reshape(*lines.shape[:2], grid.rows, grid.columns)


def beside(scene: Scene) -> list[Head]:
    """Return the heads that stand side by side; what this model does not have is told and left out."""
    asked = pairs_of(link.get(BESIDE))
    heads = [(layer, head) for layer, head in asked if layer < scene.vit.layers and head < scene.vit.heads[layer]]
    heads = list(dict.fromkeys(heads))[-MOST_BESIDE:]
    if heads != asked:
        st.warning(
            _("At most {most} heads of this model stand side by side; the others are left out.").format(
                most=MOST_BESIDE
            )
        )
        _put(heads)
    return heads


def _put(heads: Sequence[Head]) -> None:
    link.put(BESIDE.at("-".join(f"{layer}.{head}" for layer, head in heads)))


def _effect(scene: Scene) -> HeadEffect | None:
    """Return what the heads that are off change, or None if all are on."""
    off = overview.ablated()
    if not off:
        return None
    sentence = _("{heads} off: the embedding keeps a cosine of {cosine:.3f} to the unchanged model's.").format(
        heads=", ".join(f"L{layer}·H{head}" for layer, head in off[:4]) + (" …" if len(off) > 4 else ""),
        cosine=overview.cosine(scene),
    )
    answers = overview.answers(scene, 3)
    if answers is None:
        return HeadEffect(sentence=sentence)
    names, before, after = answers
    return HeadEffect(sentence=sentence, answers=tuple(zip(names, map(float, before), map(float, after), strict=True)))
