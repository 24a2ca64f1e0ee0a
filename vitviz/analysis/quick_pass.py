"""QuickPass: many pictures that differ from one another in whole patches, without computing twice what they share.

Three savings, all exact up to rounding. The embedding is one convolution of the patch's size: a changed patch changes
its own token alone, so the picture and its replacement are embedded once and tokens are chosen. In timm's plain ViT the
same holds for the query, key and value of the first block. And where the answer is read from the class token, the last
block computes that token alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vitviz.analysis.replacement import paint_mask
from vitviz.analysis.scoring import read_scores, score_batch
from vitviz.capture.own_forward import OwnForward
from vitviz.capture.shell import shell_of
from vitviz.capture.tap import AttentionTap
from vitviz.models.parts import Slot, patch_projection
from vitviz.models.vit import ViT
from vitviz.trace.forward import rounding
from vitviz.trace.target import Target, reads_embedding

_TIMM = "timm.models.vision_transformer"


class QuickPass:
    """The answers of a model to one picture with patches replaced by those of another."""

    def __init__(self, vit: ViT, pixels: Tensor, behind: Tensor, target: Target) -> None:
        """Compute once what the pictures share; use ``of``, which knows whether that is exact."""
        self._vit, self._target = vit, target
        shell: Any = reading_shell(vit.shell)
        self._shell = shell
        both = vit.as_input(torch.stack([pixels, behind]))
        self.channels: int = _projection(shell).part.weight.shape[0]
        """Numbers of a token."""
        self._pixels = both[:1]
        with torch.no_grad(), vit.lock:
            self._layers = _share(shell, both)

    @classmethod
    def of(cls, vit: ViT, pixels: Tensor, behind: Tensor, target: Target) -> QuickPass | None:
        """Return the quick pass of a model, or None where it is not exact; tried with every other patch."""
        if not embeds_by_patch(vit):
            return None
        quick = cls(vit, pixels, behind, target)
        half = torch.arange(vit.grid.patches) % 2 == 1
        mixed = torch.where(paint_mask(vit.grid, vit.image_size, half.to(pixels.device)), behind, pixels)
        with torch.no_grad():
            expected = score_batch(vit, mixed[None], target)
            score = quick.scores([half])
        return quick if alike(score, expected, vit.dtype) else None

    def scores(self, gone: list[Tensor]) -> Tensor:
        """Return the target's score for each choice of replaced patches, each (patch,) of bool."""
        choice = torch.stack(gone).to(self._pixels.device)  # (image, patch)
        with self._vit.lock:
            for layer in self._layers:
                layer.choice = choice
            features = self._shell.forward_features(self._pixels.expand(len(gone), -1, -1, -1))
            answer = self._shell.forward_head(features, pre_logits=reads_embedding(self._vit, self._target))
        return read_scores(self._vit, answer, self._target)


def alike(scores: Tensor, expected: Tensor, dtype: torch.dtype) -> bool:
    """Return whether scores, computed in some precision, are as expected up to its rounding."""
    near = rounding(dtype, 1e-4)
    return torch.allclose(scores, expected, rtol=near, atol=near * float(expected.abs().max()))


def embeds_by_patch(vit: ViT) -> bool:
    """Return whether a model's embedding is one convolution of the patch's size, so that patches do not mix in it."""
    if isinstance(vit.shell, OwnForward):
        return False  # what its forward does around the embedding is not known
    slot = patch_projection(vit.shell)
    convolution = None if slot is None else slot.part
    return (
        isinstance(convolution, nn.Conv2d)
        and tuple(convolution.kernel_size) == tuple(convolution.stride) == vit.grid.patch_size
        and convolution.padding in (0, (0, 0), "valid")
        and tuple(convolution.dilation) == (1, 1)
        and vit.grid.image_size == vit.image_size
    )


def class_token_scores(vit: ViT, target: Target) -> Callable[[Tensor], Tensor] | None:
    """Return what gives the scores of batches as ``score_batch`` does, with the last block for the class token alone.

    They are differentiable where gradients are on. None where the answer is read from more than that token; whether the
    scores are exact, the caller has to compare.
    """
    shell = reading_shell(vit.shell)
    if not isinstance(list(shell.blocks.children())[-1], _ClassTokenBlock):
        return None

    def scores(batch: Tensor) -> Tensor:
        with vit.lock:
            vit.shell  # noqa: B018 - raises if the module was changed since
            with AttentionTap(record=False):
                features = shell.forward_features(vit.as_input(batch))
                answer = shell.forward_head(features, pre_logits=reads_embedding(vit, target))
        return read_scores(vit, answer, target)

    return scores


class _Chosen(nn.Module):
    """A layer that treats every patch by itself: computed for both pictures once, then chosen patch by patch."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.choice: Tensor | None = None
        """Which patches are the other picture's, (image, patch)."""
        self._both: Tensor | None = None

    @property
    def weight(self) -> Tensor:
        """The layer's own, which the code of some models asks for its type."""
        weight: Tensor = self.layer.weight  # type: ignore[assignment]
        return weight

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output: of both pictures as long as nothing is chosen, then of each choice."""
        if self.choice is None or self._both is None:
            output: Tensor = self.layer(x)
            self._both = output
            return output
        own, behind = self._both[:1], self._both[1:]
        choice = self.choice
        if own.ndim == 4:  # (image, channel, row, column)
            return torch.where(choice.view(-1, 1, *own.shape[-2:]), behind, own)
        prefix = choice.new_zeros(len(choice), own.shape[1] - choice.shape[1])
        tokens = torch.cat([prefix, choice], 1)[..., None]
        return torch.where(tokens, behind, own)  # (image, token, channel)


def _projection(shell: nn.Module) -> Slot:
    slot = patch_projection(shell)
    assert slot is not None  # embeds_by_patch asked for it
    return slot


def _share(shell: Any, both: Tensor) -> list[_Chosen]:
    """Put a choice in the place of every layer that can be shared, and run both pictures up to the last one."""
    slot = _projection(shell)
    embedding = _Chosen(slot.part)
    slot.put(embedding)
    if not (_is_plain_vit(shell) and _is_plain(shell.blocks[0])):
        embedding(both)
        return [embedding]
    first = shell.blocks[0]
    projection = first.attn.qkv = _Chosen(first.attn.qkv)
    tokens = shell.norm_pre(shell._pos_embed(shell.patch_embed(both)))
    projection(first.norm1(tokens))
    return [embedding, projection]


def reading_shell(shell: nn.Module) -> Any:
    """Return a shell whose last block computes what the head reads, where that is the class token alone."""
    copy: Any = shell_of(shell)
    reads_class_token = (
        _is_plain_vit(copy)
        and copy.global_pool == "token"
        and getattr(copy, "attn_pool", None) is None
        and copy.cls_token is not None
    )
    if reads_class_token and _is_plain(copy.blocks[-1]):
        copy.blocks[-1] = _ClassTokenBlock(copy.blocks[-1])
    return copy


def _is_plain_vit(shell: Any) -> bool:
    return f"{type(shell).__module__}.{type(shell).__name__}" == f"{_TIMM}.VisionTransformer"


def _is_plain(block: Any) -> bool:
    return (
        f"{type(block).__module__}.{type(block).__name__}" == f"{_TIMM}.Block"
        and type(block.attn).__name__ == "Attention"
        and getattr(block.attn, "gate", None) is None
        and isinstance(getattr(block.attn, "qkv", None), nn.Linear)
    )


class _ClassTokenBlock(nn.Module):
    """timm's plain block for the first token as the only query: (image, token, channel) → (image, 1, channel)."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, *given: Any, **options: Any) -> Tensor:
        """Return the residual stream of the first token after the block."""
        block: Any = self.block
        first = x[:, :1]
        first = first + block.drop_path1(block.ls1(self._attend(block.attn, block.norm1(x))))
        result: Tensor = first + block.drop_path2(block.ls2(block.mlp(block.norm2(first))))
        return result

    def _attend(self, attention: Any, x: Tensor) -> Tensor:
        images, tokens, channels = x.shape
        weight, bias, heads = attention.qkv.weight, attention.qkv.bias, attention.num_heads
        inner = weight.shape[0] // 3
        parts = (None, None) if bias is None else (bias[:inner], bias[inner:])
        query = functional.linear(x[:, :1], weight[:inner], parts[0])
        both = functional.linear(x, weight[inner:], parts[1])
        query = query.reshape(images, 1, heads, -1).transpose(1, 2)  # (image, head, 1, head_dim)
        key, value = both.reshape(images, tokens, 2, heads, -1).permute(2, 0, 3, 1, 4)
        query, key = attention.q_norm(query), attention.k_norm(key)
        read = functional.scaled_dot_product_attention(query, key, value)
        read = read.transpose(1, 2).reshape(images, 1, -1)
        result: Tensor = attention.proj(getattr(attention, "norm", nn.Identity())(read))
        return result
