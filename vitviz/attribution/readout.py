"""Which tokens a model's answer is read from: the end of every path that attention takes."""

from __future__ import annotations

import torch
from torch import Tensor

from vitviz.models.vit import ViT
from vitviz.trace.trace import Trace

CLASSES = ("class", "distillation")


def reads_class_token(vit: ViT) -> bool:
    """Return whether the answer is read from a class token, and not from an average of the patches."""
    pool = getattr(vit.shell, "global_pool", "token")
    return "class" in vit.grid.prefix and pool in ("token", None)


def no_class_token(vit: ViT) -> str | None:
    """Return why a method about the class token cannot serve a model, or None if it can."""
    if "class" not in vit.grid.prefix:
        return f"{vit.name} has no class token"
    if not reads_class_token(vit):
        return f"{vit.name} has a class token but answers from the average of its patches"
    return None


def readout(vit: ViT, trace: Trace) -> Tensor:
    """Return how much each token of the last layer enters the answer: (token,), sums to 1.

    1 for the class token (½ each for a class and a distillation token); the mean of the heads' shares where attention
    pools; 1/P for each of P patches that are averaged.
    """
    weights = torch.zeros(trace.grid.tokens)
    prefix = len(trace.grid.prefix)
    if trace.pool_calls:
        shares = trace.pool_attention().mean((0, 1)).cpu()  # (key,)
        weights[-len(shares) :] = shares  # some pools leave the prefix tokens out
    elif reads_class_token(vit):
        read = [name for name in CLASSES if name in trace.grid.prefix]
        weights[[trace.grid.token(name) for name in read]] = 1 / len(read)
    else:
        weights[prefix:] = 1 / trace.grid.patches
    return weights.to(trace.residual(-1).device)
