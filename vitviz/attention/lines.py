"""head_lines: one token's row or column of the attention of every head in the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitviz.attention.view import DIRECTIONS
from vitviz.errors import check_choice
from vitviz.trace import Trace


def head_lines(trace: Trace, token: int | str, *, direction: str = "attends_to") -> NDArray[np.float32]:
    """Return where a token looks in every head, or who looks at it, as shares in [0, 1]: (layers, heads, token).

    ``token`` is a token index or the name of a special token; ``direction`` "attends_to" gives rows of the attention,
    "attended_by" columns. NaN for the heads that a layer has fewer than another.
    Raises OptionError for an unknown token or direction.
    """
    check_choice("Direction", direction, DIRECTIONS)
    line = trace.attention_row if direction == "attends_to" else trace.attention_column
    most = max(trace.heads(layer) for layer in range(trace.layers))
    shares = np.full((trace.layers, most, trace.grid.tokens), np.nan, np.float32)
    for layer in range(trace.layers):
        shares[layer, : trace.heads(layer)] = line(layer, token).cpu().numpy()
    return shares
