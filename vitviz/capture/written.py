"""Attention that is written out by hand: followed from the product of queries and keys to that with the values.

Research code (DINO, MAE, the first timm) computes ``softmax(q @ k.mT * scale) @ v`` step by step. The softmax is the
user's own and stays where it is; what it was computed from is followed through the few operations that stand there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vitviz.errors import UnsupportedModelError
from vitviz.record import Record

_PRODUCTS = {"matmul", "__matmul__", "bmm"}
_SHAPES = {"view", "reshape", "unflatten", "flatten"}
_FACTORS = {"mul", "mul_", "__mul__", "__rmul__", "__imul__", "multiply"}
_DIVISORS = {"div", "div_", "__truediv__", "__itruediv__", "true_divide", "divide"}
_SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__"}
_DIFFERENCES = {"sub", "sub_", "__sub__", "__isub__", "subtract"}
_FILLS = {"masked_fill", "masked_fill_"}
_SAME = {"to", "type", "type_as", "float", "half", "bfloat16", "double", "contiguous", "clone", "dropout", "dropout_"}
SOFTMAXES = {"softmax", "special_softmax"}
NAMES = (
    _PRODUCTS
    | _FACTORS
    | _DIVISORS
    | _SUMS
    | _DIFFERENCES
    | _FILLS
    | _SAME
    | SOFTMAXES
    | _SHAPES
    | {"einsum", "baddbmm"}
)


@dataclass(frozen=True, eq=False)
class Scores(Record):
    """What attention scores were computed from: scores = queries · keysᵀ · scale + bias."""

    queries: Tensor
    """(batch, heads, query, head_dim)."""
    keys: Tensor
    """(batch, heads, key, head_dim)."""
    scale: float = 1.0
    bias: Tensor | None = None
    """Whatever was added, any shape that broadcasts to (batch, heads, query, key)."""

    def times(self, factor: Tensor | float) -> Scores | None:
        """Return the scores multiplied by a number, or by one for each head; None for a factor of another shape."""
        bias = None if self.bias is None else self.bias * factor
        if not isinstance(factor, Tensor):
            return replace(self, scale=self.scale * float(factor), bias=bias)
        if factor.ndim and (factor.ndim < 2 or tuple(factor.shape[-2:]) != (1, 1)) and factor.numel() != 1:
            return None
        return replace(self, queries=self.queries * factor, bias=bias)

    def plus(self, term: Any) -> Scores:
        """Return the scores with something added to them."""
        if not isinstance(term, Tensor):
            return self  # the softmax does not see a number that is added to all
        return replace(self, bias=term if self.bias is None else self.bias + term)

    def filled(self, mask: Tensor, value: Any) -> Scores:
        """Return the scores with a value in place of those where the mask is true."""
        bias = self.queries.new_zeros(()) if self.bias is None else self.bias
        shape = torch.broadcast_shapes(mask.shape, bias.shape)
        return replace(self, bias=bias.expand(shape).masked_fill(mask, float(value)))

    def softmax(self) -> Tensor:
        """Return the attention that the scores stand for, (batch, heads, query, key)."""
        scores = self.queries @ self.keys.mT * self.scale
        if self.bias is not None:
            scores = scores + self.bias
        return scores.softmax(-1)


def causal_mask(queries: Tensor, keys: Tensor) -> Tensor:
    """Return which keys each query may attend to, (query, key), where none sees what comes after it."""
    return torch.ones(queries.shape[-2], keys.shape[-2], dtype=torch.bool, device=queries.device).tril()


def unfolded(tensor: Tensor, images: int | None) -> Tensor | None:
    """Return (image · head, token, channel) as (image, head, token, channel), heads counted first; None if it is not.

    What has that form already is returned as it is. Heads may have any number, one too.
    """
    if tensor.ndim == 4:
        return tensor
    return tensor.unflatten(0, (images, -1)) if tensor.ndim == 3 and images and len(tensor) % images == 0 else None


@dataclass(frozen=True, eq=False)
class Step(Record):
    """What an operation makes."""

    scores: Scores
    are_shares: bool = False
    """Whether it is the softmax of the scores."""


_Followed = tuple[Tensor, int | None, Scores]
"""A tensor, kept so that no id is used twice, how often it was written to, and what it was computed from."""


def _followed(tensor: Tensor, scores: Scores) -> _Followed:
    return tensor, _writes(tensor), scores


def _known(entry: _Followed | None) -> Scores | None:
    """Return what a tensor was computed from, unless somebody wrote into it since."""
    return entry[2] if entry is not None and _writes(entry[0]) == entry[1] else None


def _writes(tensor: Tensor) -> int | None:
    return None if tensor.is_inference() else tensor._version


class Written:
    """Follows the scores and the shares of attention written out by hand through one pass."""

    def __init__(self, images: int | None = None) -> None:
        self.images = images
        """Pictures in the batch, while a block runs: heads may lie in the batch beside them."""
        self._scores: dict[int, _Followed] = {}
        self._shares: dict[int, _Followed] = {}

    def scores_of(self, tensor: Any) -> Scores | None:
        """Return what a tensor of scores was computed from, if it is known."""
        return _known(self._scores.get(id(tensor)))

    def shares_of(self, tensor: Any) -> Scores | None:
        """Return what a tensor of attention was computed from, if it is one."""
        return _known(self._shares.get(id(tensor)))

    def note_shares(self, tensor: Tensor, scores: Scores) -> None:
        """Note that a tensor is the softmax of some scores."""
        self._scores.clear()
        self._shares[id(tensor)] = _followed(tensor, scores)

    @property
    def pending(self) -> bool:
        """Whether there is a softmax that no values were multiplied with."""
        return bool(self._shares)

    def forget(self) -> None:
        """Let go of everything: an attention was completed, or a block ended."""
        self._scores.clear()
        self._shares.clear()

    def before(self, name: str, args: tuple[Any, ...], kwargs: Any) -> Step | None:
        """Return what the result of an operation will be made of, if it is scores or shares.

        It is asked before the operation runs, for one in place writes over what it was given.
        """
        first = args[0] if args else kwargs.get("input")
        if name in _PRODUCTS and len(args) == 2 and args[0].ndim == args[1].ndim and args[0].ndim in (3, 4):
            queries, keys = (unfolded(tensor, self.images) for tensor in (args[0], args[1].mT))
            return None if queries is None or keys is None else Step(Scores(queries, keys))
        if name == "baddbmm":
            return self._product_and_sum(args, kwargs)
        if name == "einsum":
            operands = einsum_operands(args)
            scores = None if operands is None else _einsum_scores(*operands)
            return None if scores is None else Step(scores)
        if name in _SAME | _SHAPES and (shares := self.shares_of(first)) is not None:
            return Step(shares, are_shares=True)
        scores = self._changed(name, args, kwargs) if self._scores else None
        return None if scores is None else Step(scores)

    def after(self, step: Step | None, result: Any) -> None:
        """Note the result of an operation, unless it is no (image, head, query, key) any more."""
        if step is None or not isinstance(result, Tensor):
            return
        images, heads, queries, _ = step.scores.queries.shape
        if (result.ndim == 4 and len(result) == images and result.shape[-2] == queries) or (
            result.ndim == 3 and tuple(result.shape[:2]) == (images * heads, queries)
        ):
            (self._shares if step.are_shares else self._scores)[id(result)] = _followed(result, step.scores)

    def _product_and_sum(self, args: tuple[Any, ...], kwargs: Any) -> Step | None:
        """Return what torch.baddbmm makes of a bias and two tensors: alpha · queries · keysᵀ + beta · bias."""
        if len(args) != 3:
            return None
        alpha, beta = kwargs.get("alpha", 1), kwargs.get("beta", 1)
        parts = [unfolded(tensor, self.images) for tensor in (args[1], args[2].mT, args[0])]
        queries, keys, bias = parts
        if queries is None or keys is None or (beta and bias is None):
            return None
        return Step(Scores(queries, keys, float(alpha), bias * beta if beta and bias is not None else None))

    def _changed(self, name: str, args: tuple[Any, ...], kwargs: Any) -> Scores | None:
        """Return what scores became by an operation on them, or None if they are no scores any more."""
        first, *others = args if args else (kwargs.get("input"),)
        second = others[0] if others else kwargs.get("other", kwargs.get("mask"))
        scores = self.scores_of(first)
        if scores is None and name in _FACTORS | _SUMS and self.scores_of(second) is not None:
            scores, second = self.scores_of(second), first
        if scores is None:
            return None
        if name in _SAME | _SHAPES:
            return scores
        if isinstance(second, Tensor) and second.ndim == 3 and first.ndim == 3:  # heads lie in the batch
            second = second[None] if len(second) == 1 else unfolded(second, self.images)
            if second is None:
                return None
        if name in _FACTORS:
            return scores.times(second)
        if name in _DIVISORS and second is not None and not kwargs.get("rounding_mode"):
            return scores.times(1 / second)
        if name in _SUMS:
            alpha = kwargs.get("alpha", 1)
            return scores.plus(second if alpha == 1 else second * alpha)
        if name in _DIFFERENCES and "alpha" not in kwargs:
            return scores.plus(-second if isinstance(second, Tensor) else second)
        if name in _FILLS:
            return scores.filled(second, others[1] if len(others) > 1 else kwargs["value"])
        return None


def softmax_dimension(args: tuple[Any, ...], kwargs: Any) -> Any:
    """Return the dimension that a call of any softmax sums over."""
    return args[1] if len(args) > 1 else kwargs.get("dim")


def product_with_values(
    name: str, args: tuple[Any, ...], images: int | None = None
) -> tuple[Tensor, Callable[[Tensor], Tensor]] | None:
    """Return the values (batch, heads, key, head_dim) that attention is multiplied with, or None for another product.

    The function beside it brings the product, (batch, heads, query, head_dim), into the order that was asked for.
    """
    if name in _PRODUCTS:
        unfolded_values = unfolded(args[1], images) if len(args) == 2 and args[0].ndim == args[1].ndim else None
        if unfolded_values is None:
            return None
        return unfolded_values, (lambda output: output) if args[1].ndim == 4 else (lambda output: output.flatten(0, 1))
    operands = einsum_operands(args) if name == "einsum" else None
    if operands is None:
        return None
    (shares, values, result), _, given = operands
    places = [shares[0], shares[1], shares[3], *(set(values) - set(shares))]
    wanted = [shares[0], shares[1], shares[2], places[-1]]
    if len(places) != 4 or sorted(values) != sorted(places) or sorted(result) != sorted(wanted):
        return None
    order = [wanted.index(letter) for letter in result]
    return given.permute([values.index(letter) for letter in places]), lambda output: output.permute(order)


def einsum_operands(args: tuple[Any, ...]) -> tuple[tuple[str, str, str], Tensor, Tensor] | None:
    """Return the letters and the operands of an einsum of two tensors of four dimensions, or None for another."""
    operands = args[1:] if len(args) != 2 or isinstance(args[1], Tensor) else args[1]
    if not isinstance(args[0], str) or len(operands) != 2 or "->" not in args[0]:
        return None
    left, result = args[0].replace(" ", "").split("->")
    letters = left.split(",")
    if len(letters) != 2 or any(len(set(text)) != 4 or len(text) != 4 for text in (*letters, result)):
        return None
    return (letters[0], letters[1], result), operands[0], operands[1]


def _einsum_scores(letters: tuple[str, str, str], first: Tensor, second: Tensor) -> Scores | None:
    """Return the queries and keys of a product such as "bhid,bhjd->bhij" or "bihd,bjhd->bhij"."""
    queries, keys, result = letters
    summed = (set(queries) & set(keys)) - set(result)
    if len(summed) != 1 or result[2] not in queries or result[3] not in keys or result[2] in keys:
        return None
    orders = [[*result[:2], letter, *summed] for letter in (result[2], result[3])]
    if sorted(queries) != sorted(orders[0]) or sorted(keys) != sorted(orders[1]):
        return None
    given = zip((first, second), (queries, keys), orders, strict=True)
    ordered = [tensor.permute([names.index(letter) for letter in order]) for tensor, names, order in given]
    return Scores(ordered[0], ordered[1])


def unreadable(place: str, reason: str) -> UnsupportedModelError:
    """Return the refusal of attention that is written out in a way that cannot be followed."""
    return UnsupportedModelError(
        "The model computes attention by hand {place}, and {reason}; wanted softmax(q @ k.mT * "
        "scale + bias) @ v, or torch's scaled_dot_product_attention. This model cannot be read "
        "truthfully.",
        place=place,
        reason=reason,
    )
