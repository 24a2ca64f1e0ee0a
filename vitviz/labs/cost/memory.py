"""Memory: what training must hold for the backward pass, with stored, recomputed and fused attention."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from vitviz.errors import OptionError, check_choice
from vitviz.labs.blocks import build_blocks
from vitviz.labs.cost.compute import MOST_WEIGHTS, block_macs, block_weights
from vitviz.labs.cost.vit_shape import ViTShape
from vitviz.models.vit import ViT
from vitviz.progress import Progress, report
from vitviz.record import Record, Result

KINDS = ("eager", "checkpointed", "fused")
"""Attention maps stored; recomputed from Q and K in the backward pass; never written to memory as a whole."""
NUMBER_BYTES = 4
"""Bytes of a float32."""
MOST_MAP_BYTES = 400_000_000
"""Largest attention maps of a measurement: a dashboard is shared."""
MOST_PASS_MACS = 5e10
"""Largest forward pass of a measurement of blocks: fifteen of them, with the passes back, take about a minute."""


@dataclass(frozen=True)
class AttentionStorage(Result):
    """Numbers to store for the attention of all layers, by formula."""

    maps: int
    """T·M·L²: every attention matrix."""
    queries_and_keys: int
    """2·T·L·D: what the matrices can be computed from again."""

    @property
    def ratio(self) -> float:
        """L/(2d): how many times more the matrices take."""
        return self.maps / self.queries_and_keys


def attention_storage(shape: ViTShape) -> AttentionStorage:
    """Return what stored attention takes, in numbers (times 4 for bytes in float32), for one picture."""
    return AttentionStorage(shape.depth * shape.heads * shape.tokens**2, 2 * shape.depth * shape.tokens * shape.width)


def recompute_ratio(shape: ViTShape) -> float:
    """Return the cost of a training step with recomputed attention over one without, in MACs.

    A backward pass costs two forward passes; recomputing adds the attention operation, 2L²D a block, once more.
    """
    attention = 2 * shape.tokens**2 * shape.width
    block = (4 + 2 * shape.mlp_ratio) * shape.tokens * shape.width**2 + attention
    return 1 + attention / (3 * block)


class AttentionKind(TorchFunctionMode):
    """Within this context, this thread's fused attention calls are computed in another of KINDS, alike in result."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = check_choice("Kind of attention", kind, KINDS)

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Compute attention in the chosen kind, everything else as it is."""
        if function is not functional.scaled_dot_product_attention or self._kind == "fused":
            return function(*args, **(kwargs or {}))
        if self._kind == "eager":
            return _eager(*args, **(kwargs or {}))
        return checkpoint(_eager, *args, use_reentrant=False, **(kwargs or {}))


def _eager(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(QKᵀ/√d)·V with the matrix written out."""
    if dropout_p or is_causal or enable_gqa:
        raise OptionError(
            "Attention with dropout {dropout_p}, causal {is_causal} or shared keys {enable_gqa} cannot "
            "be written out here; wanted plain global attention. Put the model into eval mode.",
            dropout_p=dropout_p,
            is_causal=is_causal,
            enable_gqa=enable_gqa,
        )
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    scores = (query @ key.mT) * scale  # (batch, heads, query, key)
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, float("-inf"))
    elif attn_mask is not None:
        scores = scores + attn_mask
    mixed: Tensor = scores.softmax(-1) @ value
    return mixed


class HeldBytes(saved_tensors_hooks):
    """Within this context, autograd's saved tensors are counted: each piece of memory once, given ones not at all."""

    def __init__(self, given: Sequence[Tensor] = ()) -> None:
        self._given = {tensor.untyped_storage().data_ptr() for tensor in given}
        self._held: dict[int, int] = {}
        super().__init__(self._pack, lambda kept: kept)

    def __enter__(self) -> HeldBytes:  # type: ignore[override]
        super().__enter__()
        return self

    @property
    def total(self) -> int:
        """Bytes that are held for the backward pass."""
        return sum(self._held.values())

    def _pack(self, tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in self._given:
            self._held[memory.data_ptr()] = memory.nbytes()
        return tensor


@dataclass(frozen=True)
class StepCost(Record):
    """A forward and a backward pass with one kind of attention."""

    kind: str
    """One of KINDS."""
    held: int
    """Bytes held between the passes; weights and the input are not counted."""
    forward: float
    """Seconds of the forward pass, the fastest of the repetitions."""
    step: float
    """Seconds of both passes, the fastest of the repetitions."""
    gradient_error: float
    """Largest difference of a gradient to that of eager attention, over the largest gradient."""
    peak: int | None = None
    """Most bytes that the device held during the passes, weights included; on CUDA only, elsewhere None."""


@dataclass(frozen=True)
class MemoryComparison(Result):
    """The same passes with each kind of attention."""

    costs: tuple[StepCost, ...]
    """One for each of KINDS, in that order."""
    map_bytes: int
    """Bytes of all attention maps, T·M·L² numbers."""

    def cost(self, kind: str) -> StepCost:
        """Return the passes with one kind."""
        return self.costs[KINDS.index(check_choice("Kind of attention", kind, KINDS))]

    @property
    def recompute_ratio(self) -> float:
        """Seconds of a step with recomputed attention over those with stored attention."""
        return self.cost("checkpointed").step / self.cost("eager").step


def compare_blocks(
    *,
    tokens: int,
    width: int,
    heads: int,
    depth: int = 1,
    repetitions: int = 3,
    seed: int = 0,
    progress: Progress | None = None,
) -> MemoryComparison:
    """Measure the passes of Pre-LN blocks of random weights on random tokens with each kind of attention.

    ``progress`` is called with (done, total) and stops the work with StoppedError by returning False.
    Raises OptionError for maps above 400 MB, more than 100 million weights or passes above 50 GMACs.
    """
    maps = NUMBER_BYTES * depth * heads * tokens**2
    _check_size(maps, depth * block_weights(width), depth * block_macs(tokens, width).total)
    blocks = nn.Sequential(*build_blocks("pre", depth=depth, width=width, heads=heads, seed=seed))
    x = torch.randn(1, tokens, width, generator=torch.Generator().manual_seed(seed))
    return _compare(blocks, x, maps, repetitions, progress)


def compare_model(
    vit: ViT, pixels: Tensor, *, repetitions: int = 3, progress: Progress | None = None
) -> MemoryComparison:
    """Measure the passes of a loaded model on one picture, (3, height, width), with each kind of attention.

    The gradients are those of all weights, of a fixed random mixture of the features. The model is not changed.
    ``progress`` is called with (done, total) and stops the work with StoppedError by returning False.
    Raises OptionError for maps above 400 MB or more than 100 million weights.
    """
    maps = NUMBER_BYTES * sum(vit.heads) * vit.grid.tokens**2
    _check_size(maps, sum(parameter.numel() for parameter in vit.module.parameters()))
    features = _Features(vit.working_copy())
    return _compare(features, vit.as_input(pixels[None]), maps, repetitions, progress)


class _Features(nn.Module):
    """A model up to its features."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.model.forward_features(pixels)
        return features


def _check_size(map_bytes: int, weights: float, macs: float = 0) -> None:
    if map_bytes > MOST_MAP_BYTES or weights > MOST_WEIGHTS or macs > MOST_PASS_MACS:
        raise OptionError(
            "The attention maps would take {map_bytes:,.0f} MB, there are {weights:,.0f} million "
            "weights, and a forward pass takes {macs:,.0f} GMACs; measured are at most "
            "{most_maps:.0f} MB, {most_weights:.0f} million and {most_macs:.0f} GMACs. "
            "Choose fewer tokens, heads or blocks or a smaller width; the formula needs no measurement.",
            map_bytes=map_bytes / 1e6,
            weights=weights / 1e6,
            macs=macs / 1e9,
            most_maps=MOST_MAP_BYTES / 1e6,
            most_weights=MOST_WEIGHTS / 1e6,
            most_macs=MOST_PASS_MACS / 1e9,
        )


def _compare(module: nn.Module, x: Tensor, maps: int, repetitions: int, progress: Progress | None) -> MemoryComparison:
    weights = {name: parameter.detach().requires_grad_(True) for name, parameter in module.named_parameters()}
    total = repetitions * len(KINDS)
    held: dict[str, tuple[int, int | None]] = {}
    seconds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    errors: dict[str, float] = {}
    reference: list[Tensor] = []
    for done in range(total):  # the kinds take turns, so that a busy moment hits all alike
        report(progress, done, total)
        kind = KINDS[done % len(KINDS)]
        held[kind], times, gradients = _passes(module, weights, x, kind)
        seconds[kind].append(times)
        reference = reference or gradients
        errors.setdefault(kind, _difference(gradients, reference))
    report(progress, total, total)
    costs = (
        StepCost(
            kind,
            held[kind][0],
            min(forward for forward, _step in seconds[kind]),
            min(step for _forward, step in seconds[kind]),
            errors[kind],
            held[kind][1],
        )
        for kind in KINDS
    )
    return MemoryComparison(tuple(costs), maps)


def _passes(
    module: nn.Module, weights: dict[str, Tensor], x: Tensor, kind: str
) -> tuple[tuple[int, int | None], tuple[float, float], list[Tensor]]:
    """Return the bytes (held, peak), the seconds (forward, in all) and the gradients of all weights."""
    counter = HeldBytes([*weights.values(), x])
    cuda = x.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(x.device)
    with torch.inference_mode(False), torch.enable_grad():
        start = _now(x)
        with AttentionKind(kind), counter:
            features = functional_call(module, weights, (x,))
        middle = _now(x)
        mixture = torch.randn(features.shape, generator=torch.Generator().manual_seed(0), dtype=features.dtype)
        gradients = torch.autograd.grad(
            features, list(weights.values()), mixture.to(features.device), allow_unused=True
        )
        end = _now(x)
    peak = torch.cuda.max_memory_allocated(x.device) if cuda else None
    return (
        (counter.total, peak),
        (middle - start, end - start),
        [gradient for gradient in gradients if gradient is not None],
    )


def _now(x: Tensor) -> float:
    """Return the time in seconds when all work on the tensor's device is done."""
    if x.device.type == "cuda":
        torch.cuda.synchronize(x.device)
    return time.perf_counter()


def _difference(gradients: list[Tensor], reference: list[Tensor]) -> float:
    pairs = list(zip(gradients, reference, strict=True))
    largest = max(float(gradient.abs().max()) for gradient in reference)
    return max(float((gradient - wanted).abs().max()) for gradient, wanted in pairs) / largest
