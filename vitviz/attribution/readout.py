"""Which tokens a model's answer is read from: the end of every path that attention takes."""

from __future__ import annotations

import torch
from torch import Tensor

from vitviz.capture.own_forward import PATCHES, OwnForward
from vitviz.models.hugging_face.adapter import HuggingFaceViT
from vitviz.models.vit import ViT
from vitviz.trace.trace import Trace

CLASSES = ("class", "distillation")


def reads_class_token(vit: ViT) -> bool:
    """Return whether the answer is read from a class token, and not from an average of the patches."""
    read = tokens_read(vit)
    return "class" in read and not (isinstance(vit.shell, OwnForward) and PATCHES in read)


def tokens_read(vit: ViT) -> tuple[str, ...]:
    """Return which tokens of the last layer the answer is read from: names of prefix tokens, and "patches".

    Where attention pools, its map says how much of each, and this nothing.
    """
    shell = vit.shell
    if isinstance(shell, OwnForward):
        return shell.reads or (PATCHES,)
    if isinstance(shell, HuggingFaceViT):
        return shell.reads
    if "class" in vit.grid.prefix and getattr(shell, "global_pool", "token") in ("token", None):
        return tuple(name for name in CLASSES if name in vit.grid.prefix)
    return (PATCHES,)


def no_class_token(vit: ViT) -> str | None:
    """Return why a method about the class token cannot serve a model, or None if it can."""
    if "class" not in vit.grid.prefix:
        return f"{vit.name} has no class token"
    if not reads_class_token(vit):
        also = isinstance(vit.shell, OwnForward) and "class" in vit.shell.reads
        answer_from = "its patches too" if also else "the average of its patches"
        return f"{vit.name} has a class token but answers from {answer_from}"
    return None


def readout(vit: ViT, trace: Trace) -> Tensor:
    """Return how much each token of the last layer enters the answer: (token,), sums to 1.

    1 for the class token (½ each for a class and a distillation token that are both read); the mean of the heads'
    shares where attention pools; 1/P for each of P patches that are averaged; ½ each where the class token and the
    average are read side by side.
    """
    weights = torch.zeros(trace.grid.tokens)
    prefix = len(trace.grid.prefix)
    if trace.pool_calls:
        shares = trace.pool_attention().mean((0, 1))  # (key,)
        weights[-len(shares) :] = shares  # some pools leave the prefix tokens out
    else:
        read = tokens_read(vit)
        for name in read:
            place = (
                slice(prefix, None) if name == PATCHES else slice(trace.grid.token(name), trace.grid.token(name) + 1)
            )
            weights[place] = 1 / len(weights[place]) / len(read)
    return weights
