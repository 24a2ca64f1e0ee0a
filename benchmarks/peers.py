"""The usual way to attention maps, as most libraries do it: fused attention off, a hook on every attn_drop, maps kept.

Written anew from the description of the method (hooks on ``attn_drop`` as in the well-known rollout scripts, and
timm's AttentionExtract with ``method="hook"``), because those scripts record nothing while fused attention is on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from vitviz.models.torchvision_mend import mend_torchvision
from vitviz.models.vit import ViT


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


def unfused_legrad(twin: nn.Module, batch: Tensor, target: int) -> Tensor:
    """Return LeGrad's map of an unfused model, (1, patch): Bousselham et al. 2024, over all layers.

    Written out as the published code does it: every map is kept in the graph, and the gradient of each layer's score is
    taken with ``retain_graph`` and ``create_graph``. The model has a class token and no other special token.
    """
    maps: list[Tensor] = []
    streams: list[Tensor] = []
    hooks = [
        part.register_forward_hook(lambda _module, inputs, _output: maps.append(inputs[0]))
        for name, part in twin.named_modules()
        if name.endswith("attn_drop")
    ]
    blocks: nn.Module = twin.blocks  # type: ignore[assignment]
    hooks += [block.register_forward_hook(lambda _b, _i, output: streams.append(output)) for block in blocks.children()]
    try:
        twin(batch.clone().requires_grad_())
    finally:
        for hook in hooks:
            hook.remove()
    total = torch.zeros(1, maps[0].shape[-1] - 1)
    for attention, stream in zip(maps, streams, strict=True):
        score = twin.forward_head(twin.norm(stream))[0, target]  # type: ignore[operator]
        (slope,) = torch.autograd.grad(score, [attention], retain_graph=True, create_graph=True)
        total = total + slope.detach().clamp(min=0).mean((1, 2))[:, 1:]
    return total


def pytorch_grad_cam(vit: ViT, target: int, layer: int) -> Callable[[Tensor], Tensor]:
    """Return pytorch-grad-cam's GradCAM of the tokens that enter a block, from pixels to a map (row, column).

    Its own way for a ViT: a hook on the block before, gradients of all weights, patches reshaped to a picture. The map
    is taken before it is scaled and enlarged. Needs the package (`make training`).
    """
    mend_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    grid, module = vit.grid, copy.deepcopy(vit.module).requires_grad_(True)
    before: nn.Module = list(module.blocks.children())[layer - 1]  # type: ignore[union-attr]

    def to_picture(tokens: Tensor) -> Tensor:
        patches = tokens[:, len(grid.prefix) :].transpose(1, 2)  # (image, channel, patch)
        return patches.unflatten(2, (grid.rows, grid.columns))

    method = GradCAM(module, [before], reshape_transform=to_picture)

    def explain(pixels: Tensor) -> Tensor:
        chosen = [ClassifierOutputTarget(target)]
        method(pixels[None], chosen)
        kept = method.activations_and_grads
        tokens, slopes = (tensor[0].numpy() for tensor in (kept.activations, kept.gradients))
        raw = method.get_cam_image(pixels[None], before, chosen, tokens, slopes)[0]
        return torch.from_numpy(np.maximum(raw, 0))

    return explain
