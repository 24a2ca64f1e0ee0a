"""The knobs of the residual path as a filter, and the filtered signal they give."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from vitviz.labs import residual_filter
from vitviz.labs.residual_filter import GRAPHS, MOST_BLOCKS, MOST_SIZE, FilteredSignal, eigenvalues
from vitviz.ui.choices.depth import DEPTH_ALPHA, DEPTH_BLOCKS, DEPTH_GRAPH, DEPTH_HIGH, DEPTH_NODES, LARGEST_ALPHA
from vitviz.ui.furniture import lesson
from vitviz.ui.reader import link
from vitviz.ui.text import _, gap


@st.cache_data(max_entries=64, show_spinner=False)
def signal(graph: str, size: int, alpha: float, blocks: int, high: float) -> FilteredSignal:
    """Return the signal on its way through the blocks."""
    return residual_filter.run(graph, size, alpha=alpha, blocks=blocks, high_share=high)


def graphs() -> dict[str, str]:
    """Return the names of the graphs."""
    return {"path": _("Path"), "cycle": _("Ring"), "grid": _("Grid")}


def choose() -> dict[str, Any]:
    """Draw the knobs and return their values as arguments of ``signal``; nodes are brought into the graph's range."""
    graph = link.get(DEPTH_GRAPH)
    nodes = min(link.get(DEPTH_NODES), MOST_SIZE[graph])
    if nodes < link.get(DEPTH_NODES):
        link.put(DEPTH_NODES.at(nodes))
        st.warning(
            _("A {graph} has at most {nodes} nodes a side here; that many are shown.").format(
                graph=graphs()[graph].lower(), nodes=nodes
            ),
            icon=":material/info:",
        )
    strength, length = st.columns(2, gap="medium", vertical_alignment="bottom")
    strength.slider(
        _("Strength α"),
        0.0,
        LARGEST_ALPHA,
        step=0.005,
        format="%.3f",
        help=_("How much of the Laplacian a block takes away. Try values beyond 2/λ_max."),
        **link.widget(DEPTH_ALPHA),
    )
    length.slider(_("Blocks ℓ"), 1, MOST_BLOCKS, **link.widget(DEPTH_BLOCKS))
    columns, names = lesson.more().columns(3, gap="medium", vertical_alignment="bottom"), graphs()
    columns[0].segmented_control(
        _("Graph"), list(GRAPHS), format_func=lambda kind: names[kind], required=True, **link.widget(DEPTH_GRAPH)
    )
    columns[1].slider(_("Nodes a side"), 3, MOST_SIZE[graph], **link.widget(DEPTH_NODES))
    columns[2].slider(
        _("High frequency"),
        0.0,
        1.0,
        step=0.05,
        help=_("Height of the fast wave; the slow one has the height 1."),
        **link.widget(DEPTH_HIGH),
    )
    return {
        "graph": graph,
        "size": nodes,
        "alpha": link.get(DEPTH_ALPHA),
        "blocks": link.get(DEPTH_BLOCKS),
        "high": link.get(DEPTH_HIGH),
    }


def verdict(filtered: FilteredSignal, blocks: int) -> None:
    """Draw in words what the blocks do at this strength."""
    size = max(abs(filtered.signals[-1]))
    borders = _("λ_max = {high:.3f}, so 1/λ_max = {first:.3f} and 2/λ_max = {second:.3f}.").format(
        high=filtered.high, first=1 / filtered.high, second=2 / filtered.high
    )
    words = {
        "identity": _("**α = 0**: the branch adds nothing; every block hands on what it gets."),
        "low-pass": _(
            "**Low-pass**: 0 < α ≤ 1/λ_max. The mean stays, every wave shrinks and none changes its sign; the fast "
            "ones shrink most."
        ),
        "sign flips": _(
            "**Sign flips**: 1/λ_max < α ≤ 2/λ_max. The highest frequencies change their sign with every block; "
            "nothing "
            "grows, but the highest are no longer those that vanish first."
        ),
        "divergence": _(
            "**Divergence**: α > 2/λ_max. The high frequencies change their sign and grow with every block."
        ),
    }[filtered.regime]
    if filtered.stopped:
        words += gap() + _(
            "After block {block} of {blocks} the signal passed 1,000 (it is {size:,.0f}); it is not followed further."
        ).format(block=len(filtered.signals) - 1, blocks=blocks, size=size)
    show = st.warning if filtered.regime == "divergence" else st.success
    show(words + gap() + borders, icon=":material/graphic_eq:")


def spectrum(knobs: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the eigenvalues of the chosen graph, each once."""
    return np.unique(eigenvalues(knobs["graph"], knobs["size"]).round(9))
