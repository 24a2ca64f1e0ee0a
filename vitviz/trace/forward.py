"""A model's forward pass in its parts: the input, the features, the head, and the answers without a record."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vitviz.argument import checked
from vitviz.batches import fitting
from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.own_forward import answers_of
from vitviz.capture.tap import AttentionTap
from vitviz.models.inputs import Pictures, batch_of
from vitviz.models.vit import ViT


@checked
def predict(vit: ViT, batch: Pictures, *, edit: Edit = NO_EDIT) -> Tensor:
    """Return the logits (image, class) of a batch of inputs, or the embeddings (image, channel) without a classifier.

    They are float32 on the CPU. ``batch`` is (image, 3, height, width), normalised, or one or many pictures as
    ``trace`` takes them. Nothing is recorded; ``edit`` applies to every image. Where memory does not suffice for all at
    once, they are run in smaller batches, and a ShortMemoryWarning tells.
    Raises GridError for a batch of another shape, ImageError, OptionError for an edit that does not fit the model.

    >>> vitviz.predict(vit, trace.pixels[None]).shape  # (picture, class)
    torch.Size([1, 200])
    """
    inputs = batch_of(vit, batch)
    edit.check(layers=vit.layers, heads=vit.heads, grid=vit.grid)
    with vit.lock, torch.no_grad():
        shell = vit.shell  # checked before the tap, which would follow every step of the check
        similar, kept = not vit.has_classifier, kept_tokens(vit, edit)

        def run(part: Tensor) -> Tensor:
            answers = answers_of(shell, vit.as_input(part), kept=kept, embedding=similar, logits=not similar)
            answer = answers.embedding if similar else answers.logits
            assert answer is not None  # it was asked for
            return as_result(answer)

        with AttentionTap(edit, record=False):
            return torch.cat(fitting(run, inputs))


def as_result(tensor: Tensor) -> Tensor:
    """Return numbers as results are: float32 on the CPU, wherever and in whatever precision they were computed.

    Those of a module in float64 stay in float64.
    """
    return at_least_float32(tensor.detach().cpu())


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return numbers in float32 where they are less precise, so that what is made of them is not."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def rounding(dtype: torch.dtype, least: float) -> float:
    """Return the relative difference that two ways to the same number may have in a precision, at least ``least``."""
    return max(least, 4 * torch.finfo(dtype).eps)


def head(vit: ViT, tokens: Tensor, *, pre_logits: bool) -> Tensor:
    """Return what the head makes of the features: logits (image, class), or the embeddings (image, channel)."""
    shell: Any = vit.observed.proven  # ``vit.shell`` checked it when the pass began
    output: Tensor = shell.forward_head(tokens, pre_logits=pre_logits)
    return at_least_float32(output)


def lens_features(vit: ViT, stream: Tensor) -> Tensor:
    """Return the features that the model would have if a residual stream (image, token, channel) were its last."""
    norm: Any = getattr(vit.observed.proven, "norm", None)
    tokens: Tensor = stream if norm is None else norm(stream)
    return tokens


def without_masked(tokens: Tensor, vit: ViT, edit: Edit) -> Tensor:
    """Leave masked patches out of the pooling too, so that they are gone and not merely unseen."""
    kept = kept_tokens(vit, edit)
    return tokens if kept is None else tokens[:, kept]  # (image, kept token, channel)


def kept_tokens(vit: ViT, edit: Edit) -> Tensor | None:
    """Return which tokens the pooling counts, (token,) of bool, or None for all."""
    gone = [token for token in edit.mask_tokens if token >= len(vit.grid.prefix)]
    if not gone:
        return None
    keep = torch.ones(vit.grid.tokens, dtype=torch.bool, device=vit.device)
    keep[gone] = False
    return keep
