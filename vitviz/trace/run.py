"""trace: one forward pass of one image through a model, recorded."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.tap import AttentionCall, AttentionTap
from vitviz.errors import CaptureError
from vitviz.models.inputs import Picture, Pictures, batch_of, input_of
from vitviz.models.vit import ViT
from vitviz.trace.target import Target, resolve_target
from vitviz.trace.trace import Trace

__all__ = ["Picture", "predict", "trace"]


def trace(
    vit: ViT, image: Picture, *, target: int | Target | None = None, gradients: bool | None = None, edit: Edit = NO_EDIT
) -> Trace:
    """Run one image through a model once and keep what is needed to compute any of its attention.

    ``image`` is anything that ``vitviz.open_photo`` takes (a path, bytes, a file, a PIL picture, a NumPy array, a
    Photo), pixels as a uint8 tensor, or the model's input, a normalised tensor of shape (3, height, width).
    ``target`` is a class (or a Target); with it, one backward pass is run too. ``gradients=True`` without a target
    explains the top-1 class, or the own embedding of a model without a classifier.
    ``edit`` changes attention on the way. The model itself is not touched, and nothing stays behind.

    Raises ImageError, GridError for a tensor that is no input, OptionError, or CaptureError if the pass recorded
    something that is not attention or the module was changed.

    >>> vitviz.trace(vit, "photo.jpg").attention(5).shape  # (heads, query, key)
    torch.Size([6, 257, 257])
    >>> vitviz.trace(vit, "photo.jpg", target=7).attention_gradient(5).shape
    torch.Size([6, 257, 257])
    """
    pixels = input_of(vit, image)
    edit.check(layers=vit.layers, heads=vit.heads, grid=vit.grid)
    backward = target is not None if gradients is None else gradients
    with vit.lock:
        start = time.perf_counter()
        tap = AttentionTap(edit, keep_outputs=backward)
        with torch.inference_mode(False), torch.set_grad_enabled(backward):
            batch = _like_weights(vit, pixels[None].clone()).requires_grad_(backward)
            logits, embedding = _forward(vit, batch, tap, edit)
            aim = resolve_target(vit, target, logits) if backward else None
            calls = _by_layer(tap, vit.layers)
            slopes = _output_gradients(aim, logits, embedding, calls) if aim is not None else ()
        seconds = time.perf_counter() - start
    _check(vit, tap, embedding)
    return Trace(
        model=vit.name,
        grid=vit.grid,
        pixels=pixels.detach(),
        logits=None if logits is None else logits.detach(),
        embedding=_owned(embedding.detach()),
        target=aim,
        edit=edit,
        seconds=seconds,
        calls=tuple(tuple(_compact(call) for call in layer) for layer in calls),
        pool_calls=tuple(_compact(call) for call in tap.calls if call.layer is None),
        streams=tuple(tap.streams[layer].detach()[0] for layer in range(-1, vit.layers)),
        output_gradients=slopes,
    )


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
    with vit.lock, torch.no_grad(), AttentionTap(edit, record=False):
        shell = vit.shell
        features = _without_masked(_features(shell, _like_weights(vit, inputs)), vit, edit)
        return _head(shell, features, pre_logits=not vit.has_classifier)


def _like_weights(vit: ViT, batch: Tensor) -> Tensor:
    return batch.to(vit.device, next(vit.module.parameters()).dtype)


def _forward(vit: ViT, batch: Tensor, tap: AttentionTap, edit: Edit) -> tuple[Tensor | None, Tensor]:
    shell = vit.shell
    with tap:
        features = _without_masked(_features(shell, batch), vit, edit)
        logits = _head(shell, features, pre_logits=False) if vit.has_classifier else None
        if logits is None:
            return None, _head(shell, features, pre_logits=True)[0]
    with AttentionTap(record=False):  # the classifier's input again: an attention pooling is recorded once only
        embedding = _head(shell, features, pre_logits=True)
    return logits[0], embedding[0]


def _features(shell: Any, batch: Tensor) -> Tensor:
    features = shell.forward_features(batch)
    if not isinstance(features, Tensor):
        raise CaptureError(
            f"The model's features are a {type(features).__name__}; wanted one tensor of tokens. It cannot be traced."
        )
    return features


def _head(shell: Any, features: Tensor, *, pre_logits: bool) -> Tensor:
    output: Tensor = shell.forward_head(features, pre_logits=pre_logits)
    return output


def _without_masked(features: Tensor, vit: ViT, edit: Edit) -> Tensor:
    """Leave masked patches out of the pooling too, so that they are gone and not merely unseen."""
    gone = [token for token in edit.mask_tokens if token >= len(vit.grid.prefix)]
    if not gone:
        return features
    keep = torch.ones(features.shape[1], dtype=torch.bool, device=features.device)
    keep[gone] = False
    return features[:, keep]  # (batch, kept token, channel)


def _by_layer(tap: AttentionTap, layers: int) -> list[list[AttentionCall]]:
    return [[call for call in tap.calls if call.layer == layer] for layer in range(layers)]


def _output_gradients(
    aim: Target, logits: Tensor | None, embedding: Tensor, calls: list[list[AttentionCall]]
) -> tuple[tuple[Tensor, ...], ...]:
    outputs = [call.output for layer in calls for call in layer if call.output is not None]
    slopes = iter(torch.autograd.grad(aim.score(logits, embedding), outputs, allow_unused=True))
    found: list[tuple[Tensor, ...]] = []
    for layer in calls:
        each = [(call, next(slopes)) for call in layer]
        # a part that the answer does not depend on has gradient zero, for instance the last block of a masked branch
        found.append(tuple(torch.zeros_like(c.queries[0]) if g is None else g[0].detach() for c, g in each))
    return tuple(found)


def _compact(call: AttentionCall) -> AttentionCall:
    """Detach a call and copy what would keep a larger tensor alive than it needs."""
    queries, keys, values = (tensor.detach() for tensor in (call.queries, call.keys, call.values))
    shared = queries.untyped_storage().data_ptr() == values.untyped_storage().data_ptr()
    if not shared:  # values would keep the packed queries and keys of before their norm or rotation alive
        queries, keys, values = (_owned(tensor) for tensor in (queries, keys, values))
    bias = None if call.bias is None else call.bias.detach()
    return replace(call, queries=queries, keys=keys, values=values, bias=bias, output=None)


def _owned(tensor: Tensor) -> Tensor:
    whole = tensor.untyped_storage().nbytes()
    return (
        tensor
        if whole == tensor.numel() * tensor.element_size()
        else tensor.clone(memory_format=torch.contiguous_format)
    )


def _check(vit: ViT, tap: AttentionTap, embedding: Tensor) -> None:
    heads = tuple(sum(call.queries.shape[1] for call in layer) for layer in _by_layer(tap, vit.layers))
    if heads != vit.heads or sorted(tap.streams) != list(range(-1, vit.layers)):
        raise CaptureError(
            f"The attention of {heads} heads in the layers of {vit.name} was recorded; wanted {vit.heads}. "
            "The module was changed after it was wrapped: wrap it again with ViT.from_module."
        )
    if not torch.isfinite(embedding).all():
        raise CaptureError(
            f"The features of {vit.name} are NaN or infinite for this picture; wanted finite numbers. "
            "Check the weights and the preprocessing."
        )
