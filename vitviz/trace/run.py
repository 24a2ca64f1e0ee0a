"""trace: one forward pass of one image through a model, recorded, and the gradients of one target."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vitviz.argument import checked
from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.graph import gradients_of, refusal
from vitviz.capture.own_forward import OwnForward, answers_of
from vitviz.capture.tap import AttentionCall, AttentionTap
from vitviz.clause import Clause
from vitviz.errors import CaptureError, UnsupportedModelError
from vitviz.models.inputs import Picture, input_of
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace.along import MEANS, RELEVANCES, MapTap
from vitviz.trace.default import SHARE, VANISHES, gradient_share, target_of
from vitviz.trace.forward import (
    as_result,
    at_least_float32,
    head,
    kept_tokens,
    lens_features,
    predict,
    rounding,
    without_masked,
)
from vitviz.trace.layer_rows import row_gradients, rows_read
from vitviz.trace.target import Target, reads_embedding
from vitviz.trace.trace import Gradients, LayerSlopes, Trace


@checked
def trace(
    vit: ViT,
    image: Picture,
    *,
    target: int | str | Target | None = None,
    gradients: bool | None = None,
    layer_scores: bool = False,
    edit: Edit = NO_EDIT,
) -> Trace:
    """Run one image through a model once and keep what is needed to compute any of its attention.

    ``image`` is anything that ``vitviz.open_photo`` takes (a path, bytes, a file, a PIL picture, a NumPy array, a
    Photo), pixels as a uint8 tensor, or the model's input, a normalised tensor of shape (3, height, width).
    ``target`` is a class, by number or name, or a Target; with it, one backward pass is run too.
    ``gradients=True`` without a target explains the top-1 class or, without a classifier, what sets the image apart
    from its mean colour (``vitviz.trace.default.apart_from_mean_colour``). ``layer_scores`` keeps the gradients of
    the target as every layer would answer it too, which LeGrad reads (``Trace.layer_gradient``).
    ``edit`` changes attention on the way. The model itself is not touched, and nothing stays behind.

    Raises ImageError, GridError for a tensor that is no input, OptionError, CaptureError if the pass recorded
    something that is not attention or the module was changed, or UnsupportedModelError, with what works instead, if
    gradients are wanted of a model that cannot give them.

    >>> vitviz.trace(vit, "photo.jpg").attention(5).shape  # (heads, query, key)
    torch.Size([6, 257, 257])
    >>> vitviz.trace(vit, "photo.jpg", target=7).attention_gradient(5).shape
    torch.Size([6, 257, 257])
    """
    backward = target is not None if gradients is None else gradients
    return passes(vit, image, target=target, backward=backward, layer_scores=layer_scores, edit=edit)


def passes(
    vit: ViT,
    image: Picture,
    *,
    target: int | str | Target | None,
    backward: bool,
    layer_scores: bool = False,
    edit: Edit = NO_EDIT,
    along: str | None = None,
) -> Trace:
    """Return the trace of one image; ``along`` has its maps summed up on the way (``vitviz.trace.along``).

    The gradients of a pass that sums up ``RELEVANCES`` go down to the first attention and no further, and are kept
    only in its summaries, but where attention pools. A pass that sums up ``MEANS`` keeps neither the calls nor the
    streams of its blocks.
    """
    pixels = input_of(vit, image)
    edit.check(layers=vit.layers, heads=vit.heads, grid=vit.grid)
    wanted = backward or layer_scores
    with vit.lock:
        start = time.perf_counter()
        tap = AttentionTap(edit, keep_outputs=wanted) if along is None else MapTap(along)
        with torch.inference_mode(False), torch.set_grad_enabled(wanted):
            batch = vit.as_input(pixels[None].clone()).requires_grad_(wanted)
            run = _forward(vit, batch, tap, edit)
            if isinstance(tap, MapTap) and not _all_came_by(vit, tap):  # some attention is written out by hand
                return passes(vit, image, target=target, backward=backward, layer_scores=layer_scores, edit=edit)
            _check(vit, run)
            resolved = target_of(vit, target, pixels, run.logits, run.embedding, edit) if wanted else None
            layered = (
                _layer_gradients(vit, run, resolved, edit, keep=backward)
                if resolved is not None and layer_scores
                else ()
            )
            short = isinstance(tap, MapTap) and not run.pool_calls
            if resolved is not None and backward and short:
                _down_to_first_map(vit, run, resolved)
            slopes = _gradients(vit, run, resolved, edit) if resolved is not None and backward and not short else None
        seconds = time.perf_counter() - start
    vanishing = backward and resolved is not None and _share_that_arrives(vit, tap, resolved, edit) < SHARE
    return Trace(
        model=vit.name,
        grid=vit.grid,
        pixels=as_result(pixels),
        logits=None if run.logits is None else as_result(run.logits),
        embedding=_owned(as_result(run.embedding)),
        target=resolved,
        edit=edit,
        seconds=seconds,
        calls=tuple(tuple(_compact(call) for call in layer) for layer in run.calls),
        pool_calls=tuple(_compact(call) for call in run.pool_calls),
        streams=tuple(as_result(tap.streams[layer])[0] for layer in sorted(tap.streams)),
        gradients=slopes,
        layer_gradients=layered,
        means=_summaries(vit, run, edit) if along == MEANS else (),
        relevances=_summaries(vit, run, edit) if along == RELEVANCES else (),
        notes=(VANISHES,) if vanishing else (),
        picture=vit.picture(pixels),
        multi_label=vit.multi_label,
        device=str(vit.device),
    )


@dataclass(frozen=True, eq=False)
class _Run(Record):
    """One forward pass, with its graph where gradients are on."""

    tap: AttentionTap
    batch: Tensor
    """(1, 3, height, width)."""
    logits: Tensor | None
    embedding: Tensor
    calls: list[list[AttentionCall]]
    """By layer."""
    pool_calls: list[AttentionCall]
    """Of the attention pooling on the way to the embedding."""
    logit_pool_calls: list[AttentionCall]
    """The same on the way to the logits, where the head was run a second time."""


def _forward(vit: ViT, batch: Tensor, tap: AttentionTap, edit: Edit) -> _Run:
    shell = vit.shell  # checked before the tap, which would follow every step of the check
    with tap:
        answers = answers_of(shell, batch, kept=kept_tokens(vit, edit), logits=vit.has_classifier)
    if torch.is_grad_enabled() and answers.tokens.is_inference():
        raise refusal(Clause("its forward runs under torch.inference_mode"))
    layers = [[call for call in tap.calls if call.layer == layer] for layer in range(vit.layers)]
    last = max((index for index, call in enumerate(tap.calls) if call.layer is not None), default=-1)
    pools = tap.calls[last + 1 :]
    # a timm model's head is run twice, for the embedding and for the logits
    middle = len(pools) // 2 if vit.has_classifier and not isinstance(shell, OwnForward) else len(pools)
    assert answers.embedding is not None  # it was asked for
    logits = at_least_float32(answers.logits)[0] if vit.has_classifier and answers.logits is not None else None
    embedding = at_least_float32(answers.embedding)[0]
    return _Run(tap, batch, logits, embedding, layers, pools[:middle], pools[middle:] or pools)


def _gradients(vit: ViT, run: _Run, target: Target, edit: Edit) -> Gradients:
    """Return the gradients of the target's score by one backward pass."""
    calls = [call for layer in run.calls for call in layer]
    streams = [run.tap.streams[layer] for layer in range(-1, vit.layers)]
    pools = run.pool_calls if reads_embedding(vit, target) else run.logit_pool_calls
    outputs = [_output(call) for call in (*calls, *pools)]
    score = target.score(run.logits, run.embedding)
    slopes = iter(gradients_of(score, [run.batch, *streams, *outputs]))
    pixels = next(slopes)
    if pixels is None:
        raise refusal(Clause("no path leads from its answer back to the picture"))
    return Gradients(
        pixels=as_result(pixels)[0].float(),
        streams=tuple(_or_zeros(next(slopes), stream)[0] for stream in streams),
        outputs=tuple(_layer_slopes(vit, run, layer, slopes, edit) for layer in range(vit.layers)),
        pools=tuple(_or_zeros(next(slopes), _output(call))[0] for call in pools),
    )


def _down_to_first_map(vit: ViT, run: _Run, target: Target) -> None:
    """Run one backward pass of the target's score, from which the tap sums up; it ends at the first block's maps."""
    assert isinstance(run.tap, MapTap)
    run.tap.ends_there = bool(run.tap.first)
    gradients_of(target.score(run.logits, run.embedding), run.tap.first or [run.batch])


def _summaries(vit: ViT, run: _Run, edit: Edit) -> tuple[Tensor, ...]:
    """Return what the tap summed up of each layer, (query, key); zero only if the answer does not depend on it."""
    assert isinstance(run.tap, MapTap)
    summaries: list[Tensor] = []
    for layer in range(vit.layers):
        summary = run.tap.summary(layer)
        if summary is None and _matters(vit, run, layer, edit):
            raise _unreached(layer)
        summaries.append(torch.zeros(vit.grid.tokens, vit.grid.tokens) if summary is None else as_result(summary))
    return tuple(summaries)


def _unreached(layer: int) -> UnsupportedModelError:
    return refusal(
        Clause("the answer depends on the attention of block {layer}, but no gradient reaches it", layer=layer)
    )


def _output(call: AttentionCall) -> Tensor:
    assert call.output is not None  # the tap kept it
    return call.output


def _or_zeros(slope: Tensor | None, of: Tensor) -> Tensor:
    return as_result(torch.zeros_like(of) if slope is None else slope)


def _layer_slopes(vit: ViT, run: _Run, layer: int, slopes: Iterator[Tensor | None], edit: Edit) -> tuple[Tensor, ...]:
    """Return the gradients at the outputs of a layer's attention; zero only if the answer does not depend on them."""
    calls = run.calls[layer]
    layer_slopes = [next(slopes) for _ in calls]
    if all(slope is None for slope in layer_slopes) and _matters(vit, run, layer, edit):
        raise _unreached(layer)
    return tuple(_or_zeros(slope, call.queries)[0] for slope, call in zip(layer_slopes, calls, strict=True))


def _matters(vit: ViT, run: _Run, layer: int, edit: Edit) -> bool:
    """Return whether the answer changes when all heads of a layer are silenced."""
    heads = [*edit.ablate_heads, *((layer, number) for number in range(vit.heads[layer]))]
    silenced = Edit(temperature=dict(edit.temperature), ablate_heads=heads, mask_tokens=edit.mask_tokens)
    answer = run.embedding if run.logits is None else run.logits
    return not torch.equal(predict(vit, run.batch, edit=silenced)[0], as_result(answer))


def _layer_gradients(vit: ViT, run: _Run, target: Target, edit: Edit, *, keep: bool) -> tuple[LayerSlopes, ...]:
    """Return, for each layer, the gradient of the target as the layer answers it, where that answer attends.

    The layer's answer is what the last norm and the head make of its residual stream. The gradient is taken at the
    outputs of its attention, (heads, query, head_dim), or at the map of the attention pooling, (heads, query, key).
    """
    similar = reads_embedding(vit, target)
    layers: list[LayerSlopes] = []
    for layer in range(vit.layers):
        stream = run.tap.streams[layer]
        leaf = stream.detach().requires_grad_()
        pool = AttentionTap(keep_outputs=True)
        with pool:
            tokens = without_masked(lens_features(vit, leaf), vit, edit)
            score = target.of_answer(head(vit, tokens, pre_logits=similar)[0], similar=similar)
        if layer == vit.layers - 1:
            _check_lens(vit, target.score(run.logits, run.embedding), score)
        if pool.calls:  # its values are of this layer alone
            slopes = gradients_of(score, [_output(call) for call in pool.calls])
            parts = [_or_zeros(slope, _output(call))[0] for slope, call in zip(slopes, pool.calls, strict=True)]
            values = [as_result(call.values)[0].float() for call in pool.calls]
            maps = [part.float() @ value.mT for part, value in zip(parts, values, strict=True)]
            layers.append(LayerSlopes(tuple(maps)))
        else:
            (slope,) = gradients_of(score, [leaf])
            slope = torch.zeros_like(stream) if slope is None else slope.detach()
            layers.append(_behind_attention(vit, run, layer, slope, edit, keep=keep))
    return tuple(layers)


def _behind_attention(vit: ViT, run: _Run, layer: int, slope: Tensor, edit: Edit, *, keep: bool) -> LayerSlopes:
    """Return the gradients at the attention outputs of a layer, given that at the residual stream after it."""
    calls, rows = run.calls[layer], None if edit else rows_read(slope)
    if rows is not None:
        before, after = run.tap.streams[layer - 1], run.tap.streams[layer]
        block = list(vit.observed.proven.blocks.children())[layer]  # type: ignore[union-attr]
        parts = row_gradients(block, before, after, calls, slope, rows)
        if parts is not None:
            return LayerSlopes(tuple(as_result(part) for part in parts), rows.cpu())
    outputs = [_output(call) for call in calls]
    slopes = gradients_of((run.tap.streams[layer] * slope).sum(), outputs, retain_graph=keep)
    return LayerSlopes(tuple(_or_zeros(part, output)[0] for part, output in zip(slopes, outputs, strict=True)))


def _check_lens(vit: ViT, expected: Tensor, score: Tensor) -> None:
    expected, score = expected.detach(), score.detach()
    near = rounding(vit.dtype, 1e-3)
    if not torch.allclose(score, expected, rtol=near, atol=0.1 * near * float(1 + expected.abs())):
        raise UnsupportedModelError(
            "{name} reads its answer in another way than from its last norm and head; got a score "
            "of {score:.4g}, wanted {expected:.4g}. Choose another method than legrad.",
            name=vit.name,
            score=float(score),
            expected=float(expected),
        )


def _compact(call: AttentionCall) -> AttentionCall:
    """Return a call as a result, with copies of what would keep a larger tensor alive than it needs."""
    queries, keys, values = (as_result(tensor) for tensor in (call.queries, call.keys, call.values))
    shared = queries.untyped_storage().data_ptr() == values.untyped_storage().data_ptr()
    if not shared:  # values would keep the packed queries and keys of before their norm or rotation alive
        queries, keys, values = (_owned(tensor) for tensor in (queries, keys, values))
    bias = None if call.bias is None else call.bias.cpu() if call.bias.dtype == torch.bool else as_result(call.bias)
    return replace(call, queries=queries, keys=keys, values=values, bias=bias, output=None)


def _owned(tensor: Tensor) -> Tensor:
    whole = tensor.untyped_storage().nbytes()
    return (
        tensor
        if whole == tensor.numel() * tensor.element_size()
        else tensor.clone(memory_format=torch.contiguous_format)
    )


def _all_came_by(vit: ViT, tap: MapTap) -> bool:
    return tuple(tap.heads(layer) for layer in range(vit.layers)) == vit.heads


def _share_that_arrives(vit: ViT, tap: AttentionTap, target: Target, edit: Edit) -> float:
    return gradient_share(vit, tap.streams[vit.layers - 1].detach()[0], target, edit)


def _check(vit: ViT, run: _Run) -> None:
    if not isinstance(run.tap, MapTap) or run.tap.keeps_blocks:
        _check_record(vit, run)
    if not torch.isfinite(run.embedding).all():
        raise CaptureError(
            "The features of {name} are NaN or infinite for this picture; wanted finite numbers. "
            "Check the weights and the preprocessing.",
            name=vit.name,
        )


def _check_record(vit: ViT, run: _Run) -> None:
    heads = tuple(sum(call.queries.shape[1] for call in layer) for layer in run.calls)
    if heads != vit.heads or sorted(run.tap.streams) != list(range(-1, vit.layers)):
        raise CaptureError(
            "The attention of {heads} heads in the layers of {name} was recorded; wanted "
            "{other_heads}. The module was changed after it was wrapped: wrap it again with "
            "ViT.from_module.",
            heads=heads,
            name=vit.name,
            other_heads=vit.heads,
        )
