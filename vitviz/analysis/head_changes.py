"""Which heads attend otherwise: two models of one shape, such as before and after fine-tuning, on the same picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.trace import Trace


def head_changes(first: Trace, second: Trace) -> NDArray[np.float64]:
    """Return how far the attention of every head moved, (layer, head), from 0, the same, to 1, nowhere alike.

    It is the total variation ½ Σ |A − B| over the keys, averaged over the queries. Raises OptionError for two models
    whose layers, heads or tokens are not the same in number, or that are not of one grid.

    >>> from vitviz.analysis.head_changes import head_changes
    >>> float(head_changes(trace, trace).max())
    0.0
    """
    shapes = [
        (trace.grid.rows, trace.grid.columns, trace.grid.prefix, trace.layers, tuple(trace.attention(0).shape))
        for trace in (first, second)
    ]
    if shapes[0] != shapes[1]:
        raise OptionError(
            "{model} and {other} differ in layers, heads or tokens; wanted two models of one shape. "
            "Compare their maps instead.",
            model=first.model,
            other=second.model,
        )
    rows = []
    for layer in range(first.layers):
        before, after = first.attention(layer), second.attention(layer)  # (heads, query, key)
        if before.shape != after.shape:
            raise OptionError(
                "Layer {layer} of {model} and {other} differs in heads or tokens; wanted two models of "
                "one shape. Compare their maps instead.",
                layer=layer,
                model=first.model,
                other=second.model,
            )
        rows.append(((before - after).abs().sum(2) / 2).mean(1).double().numpy())  # (heads,)
    return np.stack(rows)
