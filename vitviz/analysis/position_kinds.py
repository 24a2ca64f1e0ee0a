"""Which position encodings a model has, read from what it really adds to tokens, queries, keys and scores.

A model may have several: EVA-02 adds learned vectors and rotates. Nothing is taken from a name: what is added to the
tokens is the difference of two passes, the rotation is what the blocks are handed, and the bias is what the attention
operation gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from vitviz.analysis.sine_cosine import sine_cosine_kind
from vitviz.capture.own_forward import body_of
from vitviz.capture.tap import AttentionTap, watch_blocks
from vitviz.grid import PatchGrid
from vitviz.models.parts import norm_before, position_tables, rotation_in, without_rotation
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace.forward import as_result

LEARNED, SINE_COSINE_1D, SINE_COSINE_2D = "learned", "sine-cosine-1d", "sine-cosine-2d"
ROTARY, RELATIVE = "rotary", "relative"


@dataclass(frozen=True, eq=False)
class Positions(Record):
    """The position encodings of a model for its patch grid, as far as it has them."""

    added: Tensor | None
    """(patch, channel) what is added to the patch tokens; None if nothing is."""
    added_kind: str | None
    """"learned", "sine-cosine-1d" or "sine-cosine-2d"."""
    rotary: tuple[Tensor, ...] | None
    """A layer each: (heads or 1, patch, 2·head_dim), the sines and then the cosines of the angles; None if none."""
    relative: tuple[Tensor, ...] | None
    """A layer each: (heads, patch, patch), what is added to the attention scores; None if nothing is."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The encodings that the model has; empty for a model without positions."""
        kinds = [self.added_kind] if self.added_kind else []
        kinds += [ROTARY] if self.rotary else []
        return (*kinds, *([RELATIVE] if self.relative else []))


def positions_of(vit: ViT) -> Positions:
    """Return the position encodings of a model; two forward passes on a black picture."""
    given, rotary, relative = _observe(vit, vit.working_copy())
    blank = vit.working_copy()
    remove_added(blank, vit.grid)
    added = (given - _observe(vit, blank)[0])[len(vit.grid.prefix) :]  # (patch, channel)
    if not added.any():
        return Positions(None, None, rotary, relative)
    kind = sine_cosine_kind(added, vit.grid.rows, vit.grid.columns) or LEARNED
    return Positions(added, kind, rotary, relative)


def remove_added(shell: nn.Module, grid: PatchGrid) -> None:
    """Set the position vectors of the patches of a private shell to zero; those of prefix tokens are no places."""
    for table in position_tables(body_of(shell), grid):
        table.clear()


@contextmanager
def without_positions(vit: ViT) -> Iterator[Any]:
    """Yield a shell that adds no positions, rotates nothing and, inside the context, has no bias in its scores.

    The position vectors of prefix tokens stay: they are the same wherever the patches lie.
    """
    shell = vit.working_copy()
    remove_added(shell, vit.grid)
    for block in shell.blocks.children():
        block.register_forward_pre_hook(_unrotated, with_kwargs=True)
    with _NoBias():
        yield shell


def _unrotated(block: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return args, without_rotation(kwargs)


class _NoBias(TorchFunctionMode):
    """Drops what is added to the attention scores of this thread; masks stay."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        bias = kwargs.get("attn_mask")
        if function is functional.scaled_dot_product_attention and bias is not None:
            kwargs["attn_mask"] = bias if bias.dtype == torch.bool else None
        return function(*args, **kwargs)


def _observe(vit: ViT, shell: Any) -> tuple[Tensor, tuple[Tensor, ...] | None, tuple[Tensor, ...] | None]:
    """Return what enters the first block, before a norm; the rotation and the bias of every layer."""
    ropes: dict[int, Tensor] = {}
    norm = norm_before(body_of(shell))
    if norm is not None:
        norm.put(nn.Identity())  # a norm would mix what is added with what is there
    watch_blocks(shell.blocks.children())
    for layer, block in enumerate(shell.blocks.children()):
        block.register_forward_pre_hook(_keeper(ropes, layer), with_kwargs=True)
    precise = torch.promote_types(vit.dtype, torch.float32)  # a difference of two passes in half precision is rounding
    black = torch.zeros(1, vit.channels, *vit.image_size, device=vit.device, dtype=precise)
    if precise != vit.dtype:
        _convert(shell, precise)
    with torch.no_grad(), AttentionTap() as tap:
        shell.forward_features(black)
    relative = [_bias(vit, tap, layer) for layer in range(vit.layers)]
    rotary = [_angles(vit, ropes[layer]) for layer in sorted(ropes)]
    whole = tuple(bias for bias in relative if bias is not None)
    return as_result(tap.streams[-1])[0], tuple(rotary) or None, whole or None


def _convert(shell: nn.Module, dtype: torch.dtype) -> None:
    """Convert the numbers of a private shell; ``to`` would convert those of the module that it shares them with."""
    for part in shell.modules():
        for name, weight in part._parameters.items():
            if weight is not None and weight.is_floating_point():
                part._parameters[name] = nn.Parameter(weight.detach().to(dtype), requires_grad=False)
        for name, buffer in part._buffers.items():
            if buffer is not None and buffer.is_floating_point():
                part._buffers[name] = buffer.to(dtype)


def _keeper(ropes: dict[int, Tensor], layer: int) -> Callable[..., None]:
    def keep(block: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        rope = rotation_in(kwargs)
        if rope is not None:
            ropes[layer] = rope.detach()

    return keep


def _angles(vit: ViT, rope: Tensor) -> Tensor:
    whole = as_result(rope).reshape(-1, *rope.shape[-2:])  # (heads or 1, place, 2·head_dim)
    return whole[:, -vit.grid.patches :]


def _bias(vit: ViT, tap: AttentionTap, layer: int) -> Tensor | None:
    parts = []
    for call in tap.calls:
        if call.layer == layer and call.bias is not None and call.bias.dtype != torch.bool:
            shape = (1, call.queries.shape[1], call.queries.shape[-2], call.keys.shape[-2])
            prefix = len(vit.grid.prefix)
            parts.append(as_result(call.bias).expand(shape)[0, :, prefix:, prefix:])
    return torch.cat(parts) if parts else None  # (heads, patch, patch)
