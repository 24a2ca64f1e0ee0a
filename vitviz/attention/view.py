"""MapView: one row or column of attention as the map that is shown, with every number that belongs beside it.

The pages, the exports and the command line all come through here, so that the same choice is the same map everywhere.

A query is named by a text: a patch number ("17"), a special token ("class", "register 2"), "mean" for the mean over
all patches, or "pool" for the learned query of a model that pools by attention.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.argument import checked
from vitviz.attention.rollout import fuse_heads
from vitviz.clause import Clause
from vitviz.errors import GridError, OptionError, check_choice, check_index, suggest
from vitviz.grid import PatchGrid
from vitviz.record import Result
from vitviz.trace.trace import Trace

MEAN, MAX, POOL = "mean", "max", "pool"
DIRECTIONS = ("attends_to", "attended_by")
"""Where the query looks (a row of the attention), or who looks at it (a column)."""

Shares = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MapView(Result):
    """One map over the patches of a picture. Values are shares of attention in [0, 1]."""

    values: NDArray[np.float32]
    """The share of every patch: (rows, columns)."""
    special: Mapping[str, float]
    """The share of every special token by name, whether or not they are hidden; empty if none takes part."""
    label: str
    """What is shown, in words: "layer 11, mean of 3 heads: where the class token looks"."""
    query: str
    """"mean", "pool", a special token's name or a patch number."""
    direction: str
    """"attends_to" or "attended_by"."""
    cell: tuple[int, int] | None
    """Row and column of the query where it is a patch, else None."""
    hide_special: bool
    """Whether the special tokens are left out of ``minimum`` and ``maximum``."""
    minimum: float
    """The smallest value of those that the colours span."""
    maximum: float
    """The largest value of those that the colours span."""
    uniform: float
    """1/N: the share of each of the N tokens if attention were spread evenly."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """What the model saw, (height, width, 3), to lie under the map; None where it is not known."""

    @property
    def top_of_scale(self) -> float:
        """The value of the last colour, always positive; the first is 0, so that a flat map looks flat."""
        return self.maximum if self.maximum > 0 else 1.0

    @property
    def special_share(self) -> float:
        """The part of the map's total that lies on special tokens, in [0, 1]."""
        special = float(sum(self.special.values()))
        total = special + float(self.values.sum(dtype=np.float64))
        return special / total if total else 0.0

    @property
    def strongest(self) -> tuple[int, float]:
        """The patch with the largest share, and that share."""
        patch = int(self.values.argmax())
        return patch, float(self.values.flat[patch])

    def describe(self) -> dict[str, Any]:
        """Return the numbers beside the map as plain values, for a JSON file."""
        patch, share = self.strongest
        return {
            "label": self.label,
            "query": self.query,
            "direction": self.direction,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "uniform": self.uniform,
            "special": dict(self.special),
            "special_share": self.special_share,
            "strongest": {"patch": patch, "share": share},
        }


def default_query(grid: PatchGrid) -> str:
    """Return the query that is shown first: the class token if the model has one, else the mean over all patches."""
    return "class" if "class" in grid.prefix else MEAN


def query_names(trace: Trace) -> tuple[str, ...]:
    """Return the queries of a trace that are not patches: its special tokens, "mean", and "pool" if it has one."""
    return (*trace.grid.prefix, MEAN, *((POOL,) if trace.pool_calls else ()))


def check_query(grid: PatchGrid, query: str | int) -> str:
    """Return the query as the text that names it; raises OptionError unless it is a token of the grid or "mean"."""
    text = str(query)
    if text == MEAN or text in grid.prefix:
        return text
    if text.isdecimal() and text.isascii() and int(text) < grid.patches:
        return str(int(text))
    named = (*grid.prefix, MEAN)
    raise OptionError(
        "There is no query {query}; wanted a patch number from 0 to {last} or one of {listed}.{hint}",
        query=repr(query),
        last=grid.patches - 1,
        listed=", ".join(repr(name) for name in named),
        hint=suggest(text, named),
    )


def check_head(head: int | str, heads: int) -> int | str:
    """Return the head; raises OptionError unless it is "mean", "max" or the number of one of ``heads`` heads."""
    if isinstance(head, str):
        if head not in (MEAN, MAX):
            raise OptionError(
                "Head {head} is unknown; wanted 'mean', 'max' or a number from 0 to {last}.",
                head=repr(head),
                last=heads - 1,
            )
        return head
    return check_index("Head", head, heads)


@checked
def attention_view(
    trace: Trace,
    *,
    layer: int | None = None,
    head: int | str = MEAN,
    query: str | int | None = None,
    direction: str = "attends_to",
    hide_special: bool = True,
) -> MapView:
    """Return one map of a layer's attention.

    ``layer`` None is the last one. ``head`` is a head's number, or "mean" or "max" over the heads, taken before any
    mean over patches. ``query`` None is ``default_query``; a number is a patch. ``direction`` "attends_to" shows where
    the query looks, "attended_by" who looks at it and how much. ``hide_special`` leaves the special tokens out of the
    range of the colours; their shares are reported either way. With the query "pool" there is no layer and no column.

    Raises OptionError for what the trace does not have.
    """
    check_choice("Direction", direction, DIRECTIONS)
    if query == POOL:
        return _pool_view(trace, head, direction, hide_special)
    layer = trace.layers - 1 if layer is None else check_index("Layer", layer, trace.layers)
    head = check_head(head, trace.heads(layer))
    query = check_query(trace.grid, default_query(trace.grid) if query is None else query)
    if query != MEAN and direction == "attends_to":
        shares = _fused(trace.attention_row(layer, trace.grid.token(query)), head)  # (key,)
    else:
        shares = select_line(_fused(trace.attention(layer), head), trace.grid, query, direction)  # (token,)
    heads, looks = _head_words(head, trace.heads(layer)), query_words(trace.grid, query, direction)
    label = Clause("layer {layer}, {heads}: {looks}", layer=layer, heads=heads, looks=looks)
    return view_of(shares, trace, query, direction, hide_special, label)


def _fused(attention: Tensor, head: int | str) -> Tensor:
    """(heads, …) → (…): one head, or the mean or maximum of all."""
    return attention[head] if isinstance(head, int) else fuse_heads(attention, head)


def select_line(matrix: Tensor, grid: PatchGrid, query: str, direction: str) -> Tensor:
    """Return a row, a column or the mean of those of all patches: (query, key) → (token,)."""
    if tuple(matrix.shape) != (grid.tokens, grid.tokens):
        raise GridError(
            "The matrix has shape {shape}; wanted ({tokens}, {tokens}), one row and column a "
            "token. Take it from the same trace.",
            shape=tuple(matrix.shape),
            tokens=grid.tokens,
        )
    lines = matrix if direction == "attends_to" else matrix.mT  # (chosen token, other token)
    return lines[len(grid.prefix) :].mean(0) if query == MEAN else lines[grid.token(query)]


def view_of(shares: Tensor, trace: Trace, query: str, direction: str, hide_special: bool, label: str) -> MapView:
    """Return the view of the shares of all tokens, (token,), with the number of 1/N beside it."""
    attended = trace.grid.tokens - len(trace.edit.mask_tokens)  # nobody can attend to a masked token
    return _laid_out(_numbers(shares), trace, query, direction, hide_special, label, uniform=1 / attended)


def _laid_out(
    shares: Shares, trace: Trace, query: str, direction: str, hide_special: bool, label: str, *, uniform: float
) -> MapView:
    """Return the view of the shares of all tokens, or of the patches alone."""
    grid = trace.grid
    special = len(shares) - grid.patches
    spanned = shares[special:] if hide_special else shares
    return MapView(
        values=grid.to_map(shares).copy(),
        special={name: float(share) for name, share in zip(grid.prefix, shares[:special], strict=False)},
        label=label,
        query=query,
        direction=direction,
        cell=grid.position(int(query)) if query.isdecimal() else None,
        hide_special=hide_special,
        minimum=float(spanned.min()),
        maximum=float(spanned.max()),
        uniform=uniform,
        picture=trace.picture,
    )


def _pool_view(trace: Trace, head: int | str, direction: str, hide_special: bool) -> MapView:
    attention = trace.pool_attention()  # (heads, query, key)
    heads = attention.shape[0]
    head = check_head(head, heads)
    if direction != "attends_to":
        raise OptionError(
            "Nothing attends to the learned query of the pooling, so 'pool' has no 'attended_by'; wanted 'attends_to'. "
            "Choose that direction or another query."
        )
    shares = _numbers(_fused(attention, head).mean(0))  # (key,); one learned query as a rule
    label = Clause("attention pooling, {heads}: where the learned query looks", heads=_head_words(head, heads))
    everywhere = _with_masked(shares, trace)
    return _laid_out(everywhere, trace, POOL, direction, hide_special, label, uniform=1 / len(shares))


def _with_masked(shares: Shares, trace: Trace) -> Shares:
    """Return the pooling's shares with zeros for the masked patches, which never reach it.

    The pooling reads the special tokens and the patches, or the patches alone.
    """
    grid = trace.grid
    masked = [token - len(grid.prefix) for token in trace.edit.mask_tokens if token >= len(grid.prefix)]
    special = len(shares) - (grid.patches - len(masked))
    if special not in (0, len(grid.prefix)):
        raise GridError(
            "The attention pooling reads {count} tokens; wanted {patches} patches, with or without "
            "the {other_count} special tokens. Show a token's attention in a layer instead.",
            count=len(shares),
            patches=grid.patches,
            other_count=len(grid.prefix),
        )
    there = np.ones(special + grid.patches, dtype=np.bool_)
    there[[special + patch for patch in masked]] = False
    everywhere = np.zeros(there.shape, dtype=np.float32)
    everywhere[there] = shares
    return everywhere


def _numbers(shares: Tensor) -> Shares:
    numbers: Shares = shares.detach().to("cpu", torch.float32).numpy()
    return numbers


def _head_words(head: int | str, heads: int) -> Clause:
    if isinstance(head, int):
        return Clause("head {head}", head=head)
    if head == MAX:
        return Clause("maximum of {heads} heads", heads=heads) if heads > 1 else Clause("maximum of 1 head")
    return Clause("mean of {heads} heads", heads=heads) if heads > 1 else Clause("mean of 1 head")


def query_words(grid: PatchGrid, query: str, direction: str) -> Clause:
    """Return a query and a direction in words: "where the class token looks"."""
    to = direction == "attends_to"
    if query == MEAN:
        return Clause("where the patches look on average") if to else Clause("who looks at the average patch")
    name = _token_words(query) if query in grid.prefix else _patch_words(grid, int(query))
    return Clause("where {name} looks", name=name) if to else Clause("who looks at {name}", name=name)


def _token_words(name: str) -> Clause:
    kind, _space, number = name.partition(" ")
    if kind == "register" and number:
        return Clause("the register {number} token", number=int(number))
    return Clause("the class token") if kind == "class" else Clause("the {kind} token", kind=name)


def _patch_words(grid: PatchGrid, patch: int) -> Clause:
    row, column = grid.position(patch)  # people count from 1
    return Clause("patch {patch} (row {row}, column {column})", patch=patch, row=row + 1, column=column + 1)
