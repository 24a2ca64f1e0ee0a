"""A model's forward pass in its parts: the input, the features, the head, and the answers without a record."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.tap import AttentionTap
from vitviz.errors import CaptureError
from vitviz.models.inputs import Pictures, batch_of
from vitviz.models.vit import ViT


def predict(vit: ViT, batch: Pictures, *, edit: Edit = NO_EDIT) -> Tensor:
    """Return the logits (image, class) of a batch of inputs, or the embeddings (image, channel) without a classifier.

    ``batch`` is (image, 3, height, width), normalised, or one or many pictures as ``trace`` takes them. Nothing is
    recorded; ``edit`` applies to every image.
    Raises GridError for a batch of another shape, ImageError, OptionError for an edit that does not fit the model.

    >>> vitviz.predict(vit, trace.pixels[None]).shape  # (picture, class)
    torch.Size([1, 200])
    """
    inputs = batch_of(vit, batch)
    edit.check(layers=vit.layers, heads=vit.heads, grid=vit.grid)
    with vit.lock, torch.no_grad():
        shell = vit.shell  # checked before the tap, which would follow every step of the check
        with AttentionTap(edit, record=False):
            tokens = without_masked(features(shell, like_weights(vit, inputs)), vit, edit)
            return head(vit, tokens, pre_logits=not vit.has_classifier)


def like_weights(vit: ViT, batch: Tensor) -> Tensor:
    """Return a batch on the device and in the precision of the weights."""
    return batch.to(vit.device, vit.dtype)


def features(shell: Any, batch: Tensor) -> Tensor:
    """Return the tokens after the last norm, (image, token, channel), of the shell that ``vit.shell`` has checked."""
    tokens = shell.forward_features(batch)
    if not isinstance(tokens, Tensor):
        raise CaptureError(
            f"The model's features are a {type(tokens).__name__}; wanted one tensor of tokens. It cannot be traced."
        )
    return tokens


def head(vit: ViT, tokens: Tensor, *, pre_logits: bool) -> Tensor:
    """Return what the head makes of the features: logits (image, class), or the embeddings (image, channel)."""
    shell: Any = vit.observed.proven  # ``vit.shell`` checked it when the pass began
    output: Tensor = shell.forward_head(tokens, pre_logits=pre_logits)
    return output


def lens_features(vit: ViT, stream: Tensor) -> Tensor:
    """Return the features that the model would have if a residual stream (image, token, channel) were its last."""
    norm: Any = getattr(vit.observed.proven, "norm", None)
    tokens: Tensor = stream if norm is None else norm(stream)
    return tokens


def without_masked(tokens: Tensor, vit: ViT, edit: Edit) -> Tensor:
    """Leave masked patches out of the pooling too, so that they are gone and not merely unseen."""
    gone = [token for token in edit.mask_tokens if token >= len(vit.grid.prefix)]
    if not gone:
        return tokens
    keep = torch.ones(tokens.shape[1], dtype=torch.bool, device=tokens.device)
    keep[gone] = False
    return tokens[:, keep]  # (image, kept token, channel)
