"""A signal after every block as a film: detail that fades, or grows until nothing else is left."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.image_files import png_bytes
from vitviz.figures.palettes import levels
from vitviz.labs.residual_filter import FilteredSignal
from vitviz.numbers import scientific
from vitviz.ui.components.film import film
from vitviz.ui.components.film_view import FilmPanel, FilmView
from vitviz.ui.text import _

_WIDE = 10
"""Times its height that a signal along a line is wide."""


def draw(filtered: FilteredSignal, size: int) -> None:
    """Draw the film of the signal, played and scrubbed in the browser."""
    film(view(filtered, size), key="depth_film")
    st.caption(_("Each frame on its own colours, from minus to plus its largest value: what the signal looks like."))


def view(filtered: FilteredSignal, size: int) -> FilmView:
    """Return the film, a frame a block; ``size`` is the number of nodes, or of a side of the grid."""
    shown = [_laid_out(values, filtered.graph, size) for values in filtered.signals]
    tops = [float(abs(values).max()) or 1.0 for values in shown]
    painted = np.stack([levels(values, -top, top) for values, top in zip(shown, tops, strict=True)])
    title = _("The signal, block after block")
    height, width = painted.shape[1:]
    return FilmView(
        name=title,
        photo=png_bytes(np.full((height, width, 3), 255, np.uint8)),
        size=(height, width),
        panels=(
            FilmPanel(
                title=title,
                levels=painted,
                captions=tuple(_("largest value {value}").format(value=scientific(top)) for top in tops),
            ),
        ),
        frames=tuple(
            _("before") if at == 0 else _("after block {block}").format(block=at) for at in range(len(painted))
        ),
        ends=(_("minus"), _("plus")),
        palette="RdBu",
        opacity=1.0,
    )


def _laid_out(values: NDArray[np.float64], graph: str, size: int) -> NDArray[np.float64]:
    return values.reshape(size, size) if graph == "grid" else np.repeat(values[None], max(1, size // _WIDE), axis=0)
