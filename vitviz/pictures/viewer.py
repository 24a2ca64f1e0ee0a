"""The dashboard's attention viewer in a notebook's cell: the same canvas component, with all that it needs inside."""

from __future__ import annotations

from html import escape
from typing import Any

from vitviz.attention.view import default_query
from vitviz.errors import OptionError, check_index
from vitviz.figures.image_files import jpeg_bytes
from vitviz.trace.trace import Trace

_HEIGHT = 760
# The cell grows to what it holds; where the page forbids it, the frame scrolls.
_FIT = "this.style.height=this.contentDocument.documentElement.scrollHeight+'px'"


def viewer_page(
    trace: Trace,
    *,
    layer: int | None = None,
    query: str | int | None = None,
    head: int | str = "mean",
    direction: str = "attends_to",
    scale: str = "map",
    hide_special: bool = True,
    opacity: float = 0.6,
    palette: str = "viridis",
    interpolate: bool = False,
    title: str = "",
) -> str:
    """Return the viewer of one layer as a page that needs nothing else; the options are the viewer's own.

    Raises OptionError for an option outside its range, and for a trace without its picture.
    """
    from vitviz.ui.components.attention_view import AttentionView
    from vitviz.ui.components.standalone import standalone_html

    layer = trace.layers - 1 if layer is None else check_index("Layer", layer, trace.layers)
    if trace.picture is None:
        raise OptionError("The trace does not hold its picture; wanted one that vitviz.trace made. Trace it again.")
    view = AttentionView(
        photo=jpeg_bytes(trace.picture),
        grid=trace.grid,
        layer=layer,
        layers=trace.layers,
        query=first_query(trace) if query is None else str(query),
        head=head,  # type: ignore[arg-type]
        direction=direction,  # type: ignore[arg-type]
        scale=scale,  # type: ignore[arg-type]
        hide_special=hide_special,
        opacity=opacity,
        palette=palette,
        interpolate=interpolate,
        model_maximum=largest(trace) if scale == "model" else None,
        **scores(trace, layer),
    )
    return standalone_html(view, title=title or f"{trace.model}: attention of layer {layer}", caption="")


def scores(trace: Trace, layer: int) -> dict[str, Any]:
    """Return what the viewer computes attention from: queries and keys or, where a bias is added, the maps."""
    if trace.has_bias(layer):
        return {"maps": trace.attention(layer).cpu().numpy()}
    queries = trace.queries(layer).float() * trace.scale(layer)
    return {"queries": queries.cpu().numpy(), "keys": trace.keys(layer).float().cpu().numpy()}


def first_query(trace: Trace) -> str:
    """Return the token that is shown first: the class token, or the middle patch of a model without one."""
    grid = trace.grid
    query = default_query(grid)
    return query if query in grid.prefix else str(grid.rows // 2 * grid.columns + grid.columns // 2)


def largest(trace: Trace) -> float:
    """Return the largest weight of any head of any layer."""
    return max(float(attention.max()) for attention in trace.attentions())


def framed(page: str, *, title: str) -> str:
    """Return a page as a frame in a notebook's cell, apart from the notebook's own style and names."""
    return (
        f'<iframe title="{escape(title)}" style="width:100%;height:{_HEIGHT}px;border:0" onload="{_FIT}" '
        f'srcdoc="{escape(page)}"></iframe>'
    )
