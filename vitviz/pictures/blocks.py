"""What blocks do to a signal: filters, spectra, growth, and the vectors inside one block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import OptionError, check_index
from vitviz.figures.anatomy import filters, strip
from vitviz.figures.axes import Axis, layer_axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import LAYER, line_chart
from vitviz.figures.palettes import PINNED, VIT_BLUE, layer_ramp
from vitviz.figures.sheet import Panel
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE
from vitviz.labs.anatomy import BlockStep, Embedding
from vitviz.labs.attention_filter import AttentionGain, ResidualComparison
from vitviz.labs.residual_filter import FilteredSignal
from vitviz.labs.stream_growth import InitialSignal
from vitviz.pictures.drawing import Charts, Drawing, Maps, Say
from vitviz.pictures.encodings import about_zero

_LAYERS_SHOWN = 4
_HIGH = PINNED[3]
FLOOR, TOP = 1e-9, 1e12
"""Ends of what is drawn on the logarithmic axis of a growing signal."""
_ORDERS = {"pre": ("Pre-LN", VIT_BLUE), "post": ("Post-LN", PINNED[1]), "none": ("no LayerNorm", PINNED[3])}


def gains(result: AttentionGain, *, say: Say = str) -> Drawing:
    """Draw how much of each spatial frequency the attention of some layers lets through."""
    last = len(result.attention) - 1
    chosen = sorted({round(place) for place in np.linspace(0, last, _LAYERS_SHOWN)})
    alone = say("layer {layer}, attention alone")
    curves = [
        Curve(alone.format(layer=layer), result.frequency, result.attention[layer], tint, kind="line")
        for layer, tint in zip(chosen, layer_ramp(len(chosen)), strict=True)
    ]
    with_path = say("layer {layer}, half of it the residual path").format(layer=last)
    curves.append(Curve(with_path, result.frequency, result.residual[last], QUERY_ORANGE, "dash", "line"))
    x, y = Axis(say("Frequency: eigenvalue λ of the grid of patches")), Axis(say("Gain"), span=(0.0, 1.05))
    return Charts({"": line_chart(curves, x=x, y=y, height=380)})


def spectra(result: ResidualComparison, *, say: Say = str) -> Drawing:
    """Draw the finest detail of every layer in the model as it is and with its residual paths cut."""
    kept, cut = result.with_residual[:, -1], result.without_residual[:, -1]
    if not np.isfinite([kept, cut]).all():
        raise OptionError("The tokens of some layer have no mean to compare with, so there is no spectrum to draw.")
    layers = np.arange(len(kept)) - 1
    curves = [
        Curve(say("the model as it is"), layers, kept),
        Curve(say("its residual paths cut"), layers, cut, NEUTRAL, "dash"),
    ]
    x, y = layer_axis(say("Layer"), len(layers)), Axis(say("Log amplitude of the finest detail"))
    return Charts({"": line_chart(curves, x=x, y=y, hover=LAYER, height=380)})


def signals(result: FilteredSignal, *, say: Say = str) -> Drawing:
    """Draw a signal before and after the blocks, and what the first branch adds."""
    blocks = len(result.signals) - 1
    shown = {
        say("before"): result.signals[0],
        say("after block {block}").format(block=blocks): result.signals[-1],
        say("the branch alone, of the first block"): result.branch,
    }
    if result.graph == "grid":
        side = round(len(result.branch) ** 0.5)
        maps = {name: values.reshape(side, side) for name, values in shown.items()}
        return Maps([Panel(name, map=values, scale=about_zero(values)) for name, values in maps.items()])
    nodes = np.arange(1, len(result.branch) + 1)
    curves = [
        Curve(name, nodes, values, colour, kind="both")
        for (name, values), colour in zip(shown.items(), (NEUTRAL, VIT_BLUE, _HIGH), strict=True)
    ]
    return Charts({"": line_chart(curves, x=Axis(say("Node")), y=Axis(say("Value")), height=300)})


def growth(result: InitialSignal) -> Drawing:
    """Draw the length of a token after every block, on a logarithmic axis."""
    name, colour = _ORDERS[result.order]
    return Charts({"": by_block([(name, on_axis(result.stream), colour, "solid")], "Length of a token", legend=True)})


def by_block(
    curves: Sequence[tuple[str, NDArray[np.floating[Any]], str, str]],
    y_title: str,
    *,
    x_title: str = "Block ℓ",
    legend: bool | None = None,
) -> go.Figure:
    """Return curves (name, values, colour, dash) over the blocks, on a logarithmic axis."""
    return line_chart(
        [
            Curve(name, np.arange(len(y)), y, colour, dash, "line" if len(y) > 1 else "dots")
            for name, y, colour, dash in curves
        ],
        x=Axis(x_title),
        y=Axis(y_title, log=True, marks="powers"),
        legend=legend,
        height=380,
    )


def on_axis(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return values as far as the logarithmic axis goes; a line that grows beyond ends there, and is not drawn flat."""
    beyond = np.flatnonzero(values > TOP)
    shown: NDArray[np.floating[Any]] = np.maximum(values[: beyond[0] if len(beyond) else None], FLOOR)
    return shown


def embedding(result: Embedding, *, patch: int = 0) -> Drawing:
    """Draw one patch as a row of numbers, as a token, and the filters that make it."""
    chosen = check_index("Patch", patch, len(result.patches))
    panels = [_strip(f"patch {chosen} as one row of numbers", result.flat[chosen].numpy())]
    if result.tokens is not None:
        panels.append(_strip("the patch as one token", result.tokens[chosen].cpu().numpy()))
    if result.projection is not None and result.patches.shape[1] == 3:
        kernels = result.projection.detach().float().cpu().numpy().reshape(-1, *result.patches.shape[1:])
        panels.append(Panel("the filters: the rows of E", picture=Image.fromarray(filters(kernels))))
    return Maps(panels, columns=1)


def block(result: BlockStep, *, token: int = 0) -> Drawing:
    """Draw one token before, inside and after a block: red above zero, blue below, each on its own scale."""
    chosen = check_index("Token", token, len(result.before))
    steps = {
        "z: what enters": result.before,
        "z': after the attention branch": result.between,
        "z'': out": result.after,
    }
    panels = [
        _strip(name, vectors[chosen].detach().float().cpu().numpy())
        for name, vectors in steps.items()
        if vectors is not None
    ]
    return Maps(panels, f"Token {chosen} in block {result.layer}", columns=1)


def _strip(label: str, vector: NDArray[Any]) -> Panel:
    return Panel(label, picture=Image.fromarray(strip(vector, rows=3, cell=4, height=30)))


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    AttentionGain: gains,
    ResidualComparison: spectra,
    FilteredSignal: signals,
    InitialSignal: growth,
    Embedding: embedding,
    BlockStep: block,
}
