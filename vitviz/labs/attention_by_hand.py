"""Multi-head self-attention with every number between the tokens and the output (Vaswani et al. 2017, section 3.2).

    Q = XW_Q    K = XW_K    V = XW_V    S = QKᵀ    A = softmax(S / √d)    O = AV
    Y = [O₁, …, O_M] W_O    with M heads of d = D / M channels

For tokens few enough to be read by eye, and for one row of a loaded model: the same steps on its own tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from vitviz.errors import OptionError, check_index
from vitviz.labs.temperature import attend
from vitviz.models.parts import block_parts
from vitviz.models.vit import ViT
from vitviz.record import Record, Result
from vitviz.trace import Trace

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeadWeights(Record):
    """The three matrices of a head, each (D, d)."""

    query: Matrix
    key: Matrix
    value: Matrix


@dataclass(frozen=True, eq=False)
class HeadSteps(Result):
    """One head, step by step."""

    tokens: Matrix
    """X: (token, D)."""
    weights: HeadWeights
    queries: Matrix
    """Q = XW_Q: (token, d)."""
    keys: Matrix
    """K = XW_K: (token, d)."""
    values: Matrix
    """V = XW_V: (token, d)."""
    scores: Matrix
    """S = QKᵀ: (query, key)."""
    scaled: Matrix
    """S / √d: (query, key)."""
    attention: Matrix
    """A: (query, key), the softmax of every row; rows sum to 1."""
    output: Matrix
    """O = AV: (token, d)."""


@dataclass(frozen=True, eq=False)
class SeveralHeads(Record):
    """M heads side by side, joined and projected."""

    heads: tuple[HeadSteps, ...]
    joined: Matrix
    """[O₁, …, O_M]: (token, M·d)."""
    projection: Matrix
    """W_O: (M·d, D)."""
    output: Matrix
    """Y: (token, D)."""


def head(tokens: ArrayLike, query_weights: ArrayLike, key_weights: ArrayLike, value_weights: ArrayLike) -> HeadSteps:
    """Return every number of one head over tokens (token, D), with weights (D, d) and no biases.

    Raises OptionError for shapes that do not fit, no tokens, or numbers that are not finite.

    >>> from vitviz.labs.attention_by_hand import head
    >>> head([[1.0, 0.0], [0.0, 1.0]], [[0.0], [0.0]], [[1.0], [1.0]], [[2.0], [4.0]]).output[:, 0].tolist()
    [3.0, 3.0]
    """
    x = _matrix("Tokens", tokens)
    weights = HeadWeights(
        query=_weights("Query", query_weights, x),
        key=_weights("Key", key_weights, x),
        value=_weights("Value", value_weights, x),
    )
    if weights.query.shape[1] != weights.key.shape[1]:
        raise OptionError(
            f"Queries of {weights.query.shape[1]} and keys of {weights.key.shape[1]} channels have no dot product; "
            "wanted the same number. Give both weight matrices the same number of columns."
        )
    queries, keys, values = x @ weights.query, x @ weights.key, x @ weights.value  # (token, d) each
    scores = queries @ keys.T  # (query, key)
    scaled = scores / math.sqrt(queries.shape[1])
    attention = attend(scaled, 1.0)
    return HeadSteps(x, weights, queries, keys, values, scores, scaled, attention, attention @ values)


def heads(tokens: ArrayLike, weights: Sequence[HeadWeights], projection: ArrayLike) -> SeveralHeads:
    """Return every number of M heads over the same tokens, and of their joining and projection (M·d, D).

    Raises OptionError for no heads, shapes that do not fit, or numbers that are not finite.
    """
    if not weights:
        raise OptionError("There are no heads; wanted one or more. Give the weights of a head.")
    steps = tuple(head(tokens, part.query, part.key, part.value) for part in weights)
    joined = np.concatenate([step.output for step in steps], axis=1)  # (token, M·d)
    matrix = _matrix("Projection", projection)
    if len(matrix) != joined.shape[1]:
        raise OptionError(
            f"The projection has {len(matrix)} rows, and the joined heads {joined.shape[1]} channels; wanted as many "
            "rows as channels. Give W_O one row for every channel of every head."
        )
    return SeveralHeads(steps, joined, matrix, joined @ matrix)


def _matrix(name: str, values: ArrayLike) -> Matrix:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
        raise OptionError(
            f"{name} of shape {matrix.shape} are no table of finite numbers; wanted rows and columns. Fill empty cells."
        )
    return matrix


def _weights(name: str, values: ArrayLike, tokens: Matrix) -> Matrix:
    matrix = _matrix(f"{name} weights", values)
    if len(matrix) != tokens.shape[1]:
        raise OptionError(
            f"{name} weights have {len(matrix)} rows, and tokens {tokens.shape[1]} channels; wanted as many rows as "
            "channels. Give the matrix one row a channel."
        )
    return matrix


@dataclass(frozen=True, eq=False)
class HeadRow(Record):
    """One token of one head of a loaded model, step by step, computed in float64 from the trace's tensors."""

    token: int
    """Index of the query token."""
    entering: Matrix | None
    """(D,): what enters the attention, LN(z); None where Q, K and V are not made by one matrix of the model."""
    query_weights: Matrix | None
    """(D, d): W_Q of the head; None as ``entering``."""
    query_bias: Matrix | None
    """(d,): what is added to the query; None as ``entering``."""
    query: Matrix
    """(d,)."""
    keys: Matrix
    """(token, d)."""
    values: Matrix
    """(token, d)."""
    scores: Matrix
    """(token,): dot products of the query with every key."""
    factor: float
    """What scores are multiplied by, 1/√d in the plain Transformer."""
    bias: Matrix
    """(token,): what is added to the scaled scores, relative positions for instance; zeros in the plain ViT."""
    attention: Matrix
    """(token,): sums to 1."""
    output: Matrix
    """(d,): the values, weighted."""
    gap: float
    """Largest difference between this attention and the model's own."""


def head_row(vit: ViT, trace: Trace, *, layer: int, head: int, token: int | str) -> HeadRow:
    """Return the steps of one token through one head of a loaded model.

    Raises OptionError for a layer, head or token that does not exist.

    >>> from vitviz.labs.attention_by_hand import head_row
    >>> row = head_row(vit, trace, layer=5, head=1, token="class")
    >>> row.attention.shape, row.gap < 1e-5
    ((257,), True)
    """
    check_index("Layer", layer, trace.layers)
    check_index("Head", head, trace.heads(layer))
    place = trace.token(token)
    query = _numbers(trace.queries(layer)[head, place])  # (d,)
    keys, values = _numbers(trace.keys(layer)[head]), _numbers(trace.values(layer)[head])  # (token, d)
    scores, factor = keys @ query, trace.scale(layer)
    bias = np.zeros(len(scores))
    if trace.has_bias(layer):
        bias = _numbers(trace.attention_scores(layer)[head, place]) - factor * scores
    attention = attend(factor * scores + bias, 1.0)
    gap = float(np.abs(attention - _numbers(trace.attention_row(layer, place)[head])).max())
    entering, weights, added = _query_parts(vit, trace, layer, head, place, query)
    return HeadRow(
        place, entering, weights, added, query, keys, values, scores, factor, bias, attention, attention @ values, gap
    )


def _numbers(tensor: Tensor) -> Matrix:
    return tensor.detach().double().cpu().numpy()


_Parts = tuple[Matrix | None, Matrix | None, Matrix | None]


def _query_parts(vit: ViT, trace: Trace, layer: int, head: int, token: int, query: Matrix) -> _Parts:
    """Return LN(z) of the token, W_Q and its bias, if they give the query that the softmax saw; else nothing."""
    blocks: Any = vit.shell.blocks
    parts = block_parts(list(blocks.children())[layer])
    joint: Any = getattr(parts.attention, "qkv", None)
    if not isinstance(joint, nn.Linear) or parts.norm1 is None:
        return None, None, None
    with vit.lock, torch.no_grad():
        entering = _numbers(parts.norm1(vit.as_input(trace.residual(layer - 1)[token])))  # (D,)
    width = len(query)
    rows = slice(head * width, (head + 1) * width)
    weights = _numbers(joint.weight)[rows].T  # (D, d)
    bias = np.zeros(width) if joint.bias is None else _numbers(joint.bias)[rows]
    if entering.shape[0] != weights.shape[0] or not np.allclose(entering @ weights + bias, query, atol=1e-3, rtol=1e-3):
        return None, None, None  # normalised or rotated queries, or another order of the matrix
    return entering, weights, bias
