"""The Positions page: how alike a model makes two places, and how well a place can be read."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.analysis.positions import PositionSimilarity, ReadOut
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.image_files import png_bytes
from vitviz.figures.mosaic import mosaic_sheet
from vitviz.figures.scale import Scale
from vitviz.grid import PatchGrid
from vitviz.pictures import encodings
from vitviz.ui.choices.positions import ENCODING
from vitviz.ui.choices.shared import PATCH
from vitviz.ui.components.place_picker import place_picker, widest
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.panel import bare_map
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene, pinned_patch
from vitviz.ui.text import _, first_clause, plain

_MOST_MAPS = 900


def _kinds() -> dict[str, str]:
    """Return what each kind of encoding is, in the reader's language."""
    return {
        "learned": _("**Learned**: every place has a vector of its own, found in training."),
        "sine-cosine-1d": _(
            "**Sine–cosine over the patch number**: fixed waves along the sequence (Vaswani et al. 2017)."
        ),
        "sine-cosine-2d": _("**Sine–cosine over row and column**: fixed waves, half for each axis."),
        "rotary": _(
            "**Rotary**: queries and keys are rotated by their place, so only the offset of two patches counts "
            "(Su et al. 2021)."
        ),
        "relative": _("**Relative bias**: a learned number for each offset is added to the attention scores."),
        "none": _("**None**: the model is not told where its patches are."),
    }


def in_words(kind: str, *, random: bool) -> str:
    """Return what a kind of encoding is; of random weights nothing was found in training."""
    if random and kind == "learned":
        return _("**Learned**: every place has a vector of its own. Here they are random: nothing was trained.")
    if random and kind == "relative":
        return _(
            "**Relative bias**: a number for each offset is added to the attention scores. Here they are drawn at "
            "random, or zero as training begins: nothing was trained."
        )
    return _kinds()[kind]


def _units() -> dict[str, str]:
    """Return what the numbers are, for the kinds whose numbers are no cosines of added vectors."""
    return {
        "rotary": _("Rotary kernel: mean cosine of the angle differences"),
        "relative": _("Bias added to the attention scores, mean of layers and heads"),
    }


def measured(scene: Scene) -> tuple[PositionSimilarity, ReadOut | None]:
    """Return the similarity of the chosen encoding and the linear read-out; one that the model has not is told."""
    first = cache.positions(scene.model_key, "", scene.vit)
    kinds_here, asked = first[0].kinds, link.get(ENCODING)
    if not asked or asked == first[0].kind:
        return first
    if asked not in kinds_here:
        st.warning(
            plain(_("This model has no encoding “{asked}”; its own is shown.").format(asked=asked)),
            icon=":material/info:",
        )
        link.put(ENCODING.at(""))
        return first
    return cache.positions(scene.model_key, asked, scene.vit)


def unit(similarity: PositionSimilarity) -> str:
    """Return what the numbers of a similarity are, in the reader's language."""
    return _units().get(similarity.kind, _("Cosine similarity of the position vectors"))


def head(similarity: PositionSimilarity, *, random: bool) -> None:
    """Draw the kind of encoding in words, the choice among several, or why there is nothing to draw."""
    if len(similarity.kinds) > 1:
        _choose_kind(similarity)
    st.markdown(in_words(similarity.kind, random=random))
    if similarity.values is None:
        st.info(plain(_("Not applicable. {reason}").format(reason=similarity.reason)))


def _choose_kind(similarity: PositionSimilarity) -> None:
    names = {
        "learned": _("learned"),
        "sine-cosine-1d": _("sine–cosine, 1-D"),
        "sine-cosine-2d": _("sine–cosine, 2-D"),
        "rotary": _("rotary"),
        "relative": _("relative bias"),
    }
    key = "position_encoding"
    st.segmented_control(
        _("This model has several encodings"),
        list(similarity.kinds),
        format_func=names.__getitem__,
        required=True,
        key=key,
        on_change=link.tie(key, similarity.kind, lambda kind: link.put(ENCODING.at(kind))),
    )


def maps(scene: Scene, similarity: PositionSimilarity, read_out: ReadOut | None) -> None:
    """Draw the mosaic, the chosen map at large, the read-out and the profiles."""
    if similarity.values is None:
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        _mosaic(scene, similarity)
    with right:
        _large(scene, similarity)
        _read_out(similarity, read_out)
    _profiles(similarity)


def scale(similarity: PositionSimilarity) -> Scale:
    """Return the colours: about zero, up to the largest value between two different places."""
    values = np.asarray(similarity.values, np.float64)
    if len(values) > 1:
        values = values[~np.eye(len(values), dtype=bool)]
    top = float(np.abs(values).max()) or 1.0
    return Scale(-top, top, signed=True)


def step(scene: Scene) -> int:
    """Return the stride of the mosaic: 1, or more where the grid has too many places to tell apart."""
    grid, stride = scene.vit.grid, 1
    while -(-grid.rows // stride) * -(-grid.columns // stride) > _MOST_MAPS:
        stride += 1
    return stride


def _mosaic(scene: Scene, similarity: PositionSimilarity) -> None:
    grid, stride = similarity.grid, step(scene)
    shown = similarity.mosaic()[::stride, ::stride]
    places = PatchGrid(shown.shape[0], shown.shape[1], grid.patch_size)
    row, column = grid.position(pinned_patch(scene))
    on_mosaic = row % stride == column % stride == 0

    def pick(place: int) -> None:
        down, across = places.position(place)
        link.put(PATCH.at(str(down * stride * grid.columns + across * stride)))

    sheet = mosaic_sheet(shown, scale=scale(similarity))
    place_picker(
        png_bytes(sheet),
        places,
        key="mosaic",
        chosen=row // stride * places.columns + column // stride if on_mosaic else None,
        label=_("{count} maps, one for each place of the grid").format(count=places.patches),
        on_pick=pick,
    )
    st.html(f'<div style="{widest(sheet.width / sheet.height)}">{colour_bar(scale(similarity))}</div>')
    st.caption(
        _(
            "One small map for each of the {rows} × {columns} places: how alike this place and all others are. "
            "{unit}. A place's likeness to itself is left out of the colour scale."
        ).format(rows=grid.rows, columns=grid.columns, unit=unit(similarity))
    )
    if stride > 1:
        st.caption(_("Of {stride} rows and columns one is shown.").format(stride=stride))


def _large(scene: Scene, similarity: PositionSimilarity) -> None:
    grid = similarity.grid
    chosen = st.session_state["position_patch"] = pinned_patch(scene)
    st.selectbox(
        _("Place"),
        range(grid.patches),
        format_func=lambda number: _("row {row}, column {column}").format(
            row=number // grid.columns + 1, column=number % grid.columns + 1
        ),
        key="position_patch",
        on_change=lambda: link.put(PATCH.at(str(st.session_state["position_patch"]))),
        help=_("The patch that is pinned on the other pages; the middle one if none is."),
    )
    bare_map(
        similarity.map(chosen),
        scale=scale(similarity),
        label=unit(similarity),
        cell=grid.position(chosen),
        alt=_("How alike the chosen place and all others are"),
    )


def _read_out(similarity: PositionSimilarity, read_out: ReadOut | None) -> None:
    if read_out is None:
        reason = (
            _("a relative bias belongs to pairs of places, and no place has a vector of its own.")
            if similarity.vectors is None
            else _("it needs ten places or more to fit on.")
        )
        st.caption(_("Linear read-out: not applicable, {reason}").format(reason=reason))
        return
    row, column = st.columns(2)
    explained = _(
        "Share of the variance that a linear read-out explains on places that it was not fitted on. "
        "1 is perfect, 0 no better than guessing the middle."
    )
    row.metric(_("Row, R²"), _number(read_out.row), help=explained)
    column.metric(_("Column, R²"), _number(read_out.column), help=explained)


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _profiles(similarity: PositionSimilarity) -> None:
    figure = encodings.profile(similarity, unit=first_clause(unit(similarity)), say=_).figure()
    chart(figure, key="profiles")
    st.caption(
        _(
            "The mean over all pairs of places at a distance in rows or in columns. It falls where near places are "
            "more alike than far ones."
        )
    )
