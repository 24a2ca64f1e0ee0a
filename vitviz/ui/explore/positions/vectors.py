"""The position vectors on the Positions page: their principal components, and what another grid makes of them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.analysis.interpolation import USERS, InterpolatedPositions
from vitviz.analysis.positions import PositionSimilarity, position_components
from vitviz.errors import VitvizError
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.scale import Scale
from vitviz.grid import PatchGrid
from vitviz.numbers import percent
from vitviz.ui.choices.positions import NEW_GRID
from vitviz.ui.furniture.panel import bare_map
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import MOST_TOKENS, Scene, pinned_patch
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard

_COMPONENTS = 6


def components(similarity: PositionSimilarity) -> None:
    """Draw the first principal components of the position vectors as maps."""
    st.subheader(_("Which patterns are the positions made of?"), anchor=False)
    if similarity.vectors is None:
        reason = similarity.reason or _("a relative bias belongs to pairs of places, not to one.")
        _not_applicable(reason)
        return
    parts = position_components(similarity, count=min(_COMPONENTS, *similarity.vectors.shape))
    largest = np.abs(parts.maps).max((1, 2), keepdims=True)
    shown = parts.maps / np.maximum(largest, np.finfo(np.float32).tiny)
    labels = [
        _("{place}: {share}").format(place=place + 1, share=percent(float(share)))
        for place, share in enumerate(parts.shares)
    ]
    scale = Scale(-1, 1, signed=True)
    for column, label, values in zip(st.columns(len(labels), gap="small"), labels, shown, strict=True):
        with column:
            bare_map(
                values, scale=scale, label=label, bar=False, alt=_("Principal component {label}").format(label=label)
            )
    st.html(colour_bar(scale))
    st.caption(
        _(
            "Each place's coordinate on the first principal components of the position vectors, with the component's "
            "share of their variance; colours from minus to plus its largest. Slow waves along rows and columns say "
            "that the encoding knows the plane. The sign of a component is free."
        )
    )


def new_grid(scene: Scene) -> PatchGrid:
    """Return the grid that the positions are brought to: the reader's choice of rows, else half as many."""
    own, rows = scene.vit.grid, link.get(NEW_GRID)
    rows = rows or max(1, own.rows // 2)
    most = _most_rows(own)
    if rows > most:
        st.warning(
            _("A grid of {rows} rows is too large to show; {most} rows are shown.").format(rows=rows, most=most),
            icon=":material/info:",
        )
        link.put(NEW_GRID.at(most))
        rows = most
    columns = max(1, round(rows * own.columns / own.rows))
    return PatchGrid(rows, columns, own.patch_size, own.prefix)


def _most_rows(own: PatchGrid) -> int:
    return max(2, int((MOST_TOKENS * own.rows / own.columns) ** 0.5))


def interpolation(scene: Scene) -> InterpolatedPositions | None:
    """Draw the similarity of one place before and after interpolation to another grid, both ways."""
    st.subheader(_("What happens on another grid?"), anchor=False)
    try:
        grid = new_grid(scene)
        positions = cache.interpolated(scene.model_key, grid.rows, grid.columns, scene.vit)
    except VitvizError as error:
        _not_applicable(in_dashboard(error))
        return None
    _rows(scene, grid)
    place = pinned_patch(scene)
    _three(positions, place)
    st.caption(
        _(
            "Likeness of the chosen place to all others, before and after its position vectors were interpolated. The "
            "two ways differ by {difference} of the vectors' size. A model whose weights were resized in one way and "
            "that is run in the other reads slightly wrong positions."
        ).format(difference=percent(positions.difference))
    )
    return positions


def _rows(scene: Scene, grid: PatchGrid) -> None:
    key = "position_rows"
    most = min(_most_rows(scene.vit.grid), max(3 * scene.vit.grid.rows, grid.rows))
    st.slider(
        _("Rows of the new grid"),
        1,
        max(2, most),
        key=key,
        on_change=link.tie(key, grid.rows, lambda rows: link.put(NEW_GRID.at(rows))),
        help=_("Columns follow in proportion. The model's own grid has {rows} × {columns}.").format(
            rows=scene.vit.grid.rows, columns=scene.vit.grid.columns
        ),
    )


def _three(positions: InterpolatedPositions, place: int) -> None:
    """Draw one map of the own grid and two of the new one, with one colour scale."""
    there = moved_place(positions, place)
    maps = [
        (_("own grid, {rows} × {columns}"), positions.before, positions.similarity_before[place], place),
        *((_users()[way], positions.after, positions.similarity_after[way][there], there) for way in (True, False)),
    ]
    top = max(float(np.abs(np.delete(row, at)).max(initial=0)) for _n, _g, row, at in maps) or 1.0
    scale = Scale(-top, top, signed=True)
    columns = st.container(key="alike_grids").columns(3, gap="medium")
    for column, (title, grid, row, at) in zip(columns, maps, strict=True):
        named = title.format(rows=grid.rows, columns=grid.columns)
        with column:
            bare_map(grid.to_map(row), scale=scale, cell=grid.position(at), alt=named.replace("**", ""))
            st.caption(f"{named}, {grid.rows} × {grid.columns}" if grid is positions.after else named)


def moved_place(positions: InterpolatedPositions, place: int) -> int:
    """Return the place of the new grid that lies where a place of the old one was."""
    row, column = positions.before.position(place)
    down = int((row + 0.5) * positions.after.rows / positions.before.rows)
    across = int((column + 0.5) * positions.after.columns / positions.before.columns)
    return down * positions.after.columns + across


def _users() -> dict[bool, str]:
    """Return who interpolates how, in the reader's language: what USERS says."""
    assert set(USERS) == {True, False}
    return {
        True: _("**bicubic with antialiasing**: timm, and DINOv2 with registers"),
        False: _("**bicubic without antialiasing**: DeiT, DINO, and DINOv2 without registers"),
    }


def _not_applicable(reason: str) -> None:
    st.info(_("Not applicable. {reason}").format(reason=plain(reason)))
