"""The usual way to attention maps, as most libraries do it: fused attention off, a hook on every attn_drop, maps kept.

Written anew from the description of the method (hooks on ``attn_drop`` as in the well-known rollout scripts, and
timm's AttentionExtract with ``method="hook"``), because those scripts record nothing while fused attention is on.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def unfused(module: nn.Module) -> nn.Module:
    """Return a copy of a model with fused attention off, so that every map is computed and can be hooked."""
    twin = copy.deepcopy(module)
    for part in twin.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    return twin


def stored_maps(twin: nn.Module, batch: Tensor) -> list[Tensor]:
    """Return the attention of every layer of an unfused model, (1, heads, query, key) each, all kept in memory."""
    maps: list[Tensor] = []
    hooks = [
        part.register_forward_hook(lambda _module, inputs, _output: maps.append(inputs[0]))
        for name, part in twin.named_modules()
        if name.endswith("attn_drop")
    ]
    try:
        with torch.no_grad():
            twin(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return maps


def full_rollout(maps: list[Tensor], residual: float = 0.5) -> Tensor:
    """Return the rollout by whole matrices: (query, key)."""
    total = torch.eye(maps[0].shape[-1])
    for layer in maps:
        step = (1 - residual) * layer[0].mean(0) + residual * torch.eye(layer.shape[-1])
        total = (step / step.sum(-1, keepdim=True)) @ total
    return total


def unfused_gradient_rollout(twin: nn.Module, batch: Tensor, target: int) -> Tensor:
    """Return the first row of R ← R + Ā R over all layers of an unfused model, (1, patch): Chefer et al. 2021.

    Written out as the published code does it: every map is kept in the graph, one backward pass fills its gradient,
    and whole matrices are multiplied. The model has a class token and no other special token.
    """
    maps: list[Tensor] = []
    hooks = [
        part.register_forward_hook(lambda _module, inputs, _output: maps.append(inputs[0]))
        for name, part in twin.named_modules()
        if name.endswith("attn_drop")
    ]
    try:
        logit = twin(batch.clone().requires_grad_())[0, target]
        slopes = torch.autograd.grad(logit, maps)
    finally:
        for hook in hooks:
            hook.remove()
    total = torch.eye(maps[0].shape[-1])
    for attention, slope in zip(maps, slopes, strict=True):
        relevance = (slope * attention)[0].detach().clamp(min=0).mean(0)  # (query, key)
        total = total + relevance @ total
    return total[:1, 1:]
