"""Scores of many changed versions of one picture: in batches, with patches taken out, stoppable, within memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from vitviz.batches import fitting
from vitviz.capture.own_forward import answers_of
from vitviz.capture.tap import AttentionTap
from vitviz.errors import CaptureError, GridError, OptionError
from vitviz.models.vit import ViT
from vitviz.progress import Progress, report
from vitviz.trace.forward import at_least_float32
from vitviz.trace.target import Target, reads_embedding

SoFar = Callable[[Callable[[], Tensor]], None]
"""Called after every batch but the last with what gives the results of the items that are done: (item, …)."""


def score_batch(
    vit: ViT, batch: Tensor, target: Target, *, kept: Tensor | None = None, probability: bool = False
) -> Tensor:
    """Return the target's score for every input of a batch: (image,), differentiable where gradients are on.

    ``batch`` is (image, 3, height, width), normalised. ``kept`` (image, patch) says with False which patches are
    taken out of an image: no token attends to them and no pooling counts them. ``probability`` turns the score of a
    class into its probability; scores of other targets stay as they are.

    Raises GridError for tensors of other shapes and for an image of which no patch is kept.
    """
    if batch.ndim != 4 or tuple(batch.shape[1:]) != (vit.channels, *vit.image_size):
        raise GridError(
            "The batch has shape {shape}; wanted (image, {channels}, {height}, {width}), normalised. "
            "Stack what vit.preprocess returns.",
            shape=tuple(batch.shape),
            channels=vit.channels,
            height=vit.image_size[0],
            width=vit.image_size[1],
        )
    tokens = None if kept is None else _kept_tokens(vit, kept, len(batch))
    similar = reads_embedding(vit, target)
    dropped = tokens is not None and drops_exactly(vit) and bool((tokens.sum(1) == tokens[0].sum()).all())
    tap = _DropTap(tokens) if tokens is not None and dropped else _RemovalTap(tokens)
    with vit.lock:
        shell: Any = vit.shell  # checked before the tap, which would follow every step of the check
        with tap:
            answer = _answers(shell, vit.as_input(batch), None if dropped else tokens, similar)
    return read_scores(vit, answer, target, probability=probability)


def read_scores(vit: ViT, answer: Tensor, target: Target, *, probability: bool = False) -> Tensor:
    """Return the target's score of logits, or of embeddings for a similarity, (image, number): (image,).

    Raises CaptureError for answers that are no finite numbers.
    """
    similar, answer = reads_embedding(vit, target), at_least_float32(answer)
    if not torch.isfinite(answer).all():
        raise CaptureError(
            "The answers of {name} are NaN or infinite for a changed picture; wanted finite "
            "numbers. Check the weights.",
            name=vit.name,
        )
    if probability and type(target) is Target and target.class_index is not None:
        return vit.probabilities(answer)[:, target.class_index]
    return target.of_answer(answer, similar=similar)


def scores(
    vit: ViT,
    pictures: Iterable[Tensor] | Iterable[tuple[Tensor, Tensor | None]],
    target: Target,
    *,
    batch_size: int = 16,
    probability: bool = False,
    progress: Progress | None = None,
    total: int = 0,
    so_far: SoFar | None = None,
) -> Tensor:
    """Return the score of each of a stream of inputs, (image,) on the CPU, computed in batches without gradients.

    Each of ``pictures`` is an input (3, height, width), or a pair of it and the patches kept, (patch,) or None.
    Where the memory does not suffice, batches are halved until they fit.
    Raises OptionError for a batch size below 1, StoppedError if ``progress`` says so.
    """

    def run(entries: list[Any]) -> Tensor:
        pairs = [entry if isinstance(entry, tuple) else (entry, None) for entry in entries]
        masks = [kept for _, kept in pairs if kept is not None]
        batch = torch.stack([pixels for pixels, _ in pairs])
        kept = torch.stack(masks) if masks else None
        return score_batch(vit, batch, target, kept=kept, probability=probability)

    return in_batches(vit, run, pictures, batch_size=batch_size, progress=progress, total=total, so_far=so_far)


def in_batches(
    vit: ViT,
    run: Callable[[list[Any]], Tensor],
    items: Iterable[Any],
    *,
    batch_size: int,
    progress: Progress | None = None,
    total: int = 0,
    so_far: SoFar | None = None,
) -> Tensor:
    """Return what ``run`` makes of a stream of items, (item, …) on the CPU, in batches and without gradients.

    Other work with the model goes first between two batches. Where the memory does not suffice, batches are halved
    until they fit. ``so_far`` is given the results of the first items after every batch.
    Raises OptionError for a batch size below 1, StoppedError if ``progress`` says so.
    """
    if batch_size < 1:
        raise OptionError(
            "batch_size is {batch_size}; wanted at least 1. 16 is right for most machines.",
            batch_size=batch_size,
        )
    answers: list[Tensor] = []
    done, size, stream = 0, batch_size, iter(items)

    def first() -> Tensor:
        return torch.cat(answers)

    with torch.no_grad(), vit.lock.long_work(lambda: report(progress, done, total)):
        while group := list(itertools.islice(stream, size)):
            parts = fitting(lambda part: run(part).float().cpu(), group)
            answers += parts
            done += len(group)
            size = size if len(parts) == 1 else max(map(len, parts))  # the next need not fail first
            report(progress, done, total)
            if so_far is not None and done < total:
                so_far(first)
    return torch.cat(answers) if answers else torch.empty(0)


def _kept_tokens(vit: ViT, kept: Tensor, images: int) -> Tensor | None:
    """Return which tokens take part, (image, token); None if all do."""
    if tuple(kept.shape) != (images, vit.grid.patches) or kept.dtype != torch.bool:
        raise GridError(
            "kept has shape {shape} and type {dtype}; wanted ({images}, {patches}) of bool: one row an "
            "image, one entry a patch.",
            shape=tuple(kept.shape),
            dtype=kept.dtype,
            images=images,
            patches=vit.grid.patches,
        )
    if not kept.any(1).all():
        raise GridError(
            "Every patch of a picture is taken out, so nothing of it is left; wanted at least one patch. Keep one."
        )
    if kept.all():
        return None
    prefix = kept.new_ones(images, len(vit.grid.prefix))
    return torch.cat([prefix, kept], 1).to(vit.device)


class _RemovalTap(AttentionTap):
    """Hides tokens as keys, other ones in every image of a batch; without any, it only keeps attention fused."""

    def __init__(self, tokens: Tensor | None) -> None:
        super().__init__(record=False)
        self._tokens = tokens

    def _with_masked_tokens(self, attn_mask: Tensor | None, key: Tensor) -> Tensor | None:
        if self._tokens is None:
            return attn_mask
        keep = self._tokens[:, None, None, :]  # (image, 1, 1, key)
        if attn_mask is None:
            return keep
        if attn_mask.dtype == torch.bool:
            return attn_mask & keep
        return attn_mask.masked_fill(~keep, float("-inf"))


class _DropTap(AttentionTap):
    """Takes tokens out before the first block, as many of every image of a batch; keeps attention fused."""

    def __init__(self, tokens: Tensor) -> None:
        super().__init__(record=False)
        self._tokens = tokens

    def enter_block(self, layer: int, stream: Tensor) -> Tensor | None:
        """Return the tokens that stay, (image, token, channel), at the first block."""
        super().enter_block(layer, stream)
        return stream[self._tokens].unflatten(0, (len(stream), -1)) if layer == 0 else None


def drops_exactly(vit: ViT) -> bool:
    """Return whether a hidden token may as well be dropped: no block and no pooling of the model counts its tokens.

    timm's plain classes give their blocks nothing but the tokens, to which positions were added before.
    """
    shell: Any = vit.shell
    plain = f"{type(shell).__module__}.{type(shell).__name__}" in _PLAIN
    return plain and getattr(shell, "attn_pool", None) is None


_PLAIN = ("timm.models.vision_transformer.VisionTransformer", "timm.models.deit.VisionTransformerDistilled")


def _answers(shell: Any, batch: Tensor, tokens: Tensor | None, similar: bool) -> Tensor:
    """Return logits or embeddings, (image, number); images with other tokens kept are pooled one by one."""
    if tokens is None:
        answers = answers_of(shell, batch, embedding=similar, logits=not similar)
        answer = answers.embedding if similar else answers.logits
        assert answer is not None  # it was asked for
        return answer
    features = shell.forward_features(batch)
    parts = [
        shell.forward_head(image[keep][None], pre_logits=similar) for image, keep in zip(features, tokens, strict=True)
    ]
    return torch.cat(parts)
