"""QuickPass: many pictures that differ from one another in whole patches, without computing twice what they share.

Two savings, both exact up to rounding. The embedding is one convolution of the patch's size: a changed patch changes
its own token alone, so the picture and its replacement are embedded once and tokens are chosen. And where the answer is
read from the class token, the last block computes that token alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vitviz.analysis.scoring import read_scores, reads_embedding, score_batch
from vitviz.capture.shell import shell_of
from vitviz.capture.tap import AttentionTap
from vitviz.models.vit import ViT
from vitviz.trace.target import Target

_TIMM = "timm.models.vision_transformer"


class QuickPass:
    """The answers of a model to one picture with patches replaced by those of another."""

    def __init__(self, vit: ViT, pixels: Tensor, behind: Tensor, target: Target) -> None:
        """Embed both pictures; use ``of``, which knows whether that is exact."""
        self._vit, self._target = vit, target
        shell: Any = _reading_shell(vit.shell)
        self._shell, self._convolution = shell, shell.patch_embed.proj
        weight = self._convolution.weight
        both = torch.stack([pixels, behind]).to(weight.device, weight.dtype)
        with torch.no_grad():
            embedded = self._convolution(both)  # (2, channel, rows, columns)
        self._own, self._behind = embedded.permute(0, 2, 3, 1).contiguous().flatten(1, 2)
        self._pixels = both[:1]

    @classmethod
    def of(cls, vit: ViT, pixels: Tensor, behind: Tensor, target: Target) -> QuickPass | None:
        """Return the quick pass of a model, or None where it is not exact; tried on the picture itself."""
        if not embeds_by_patch(vit):
            return None
        found = cls(vit, pixels, behind, target)
        none = torch.zeros(vit.grid.patches, dtype=torch.bool)
        with torch.no_grad():
            expected = score_batch(vit, pixels[None], target)
            score = found.scores([none])
        close = torch.allclose(score, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
        return found if close else None

    def scores(self, gone: list[Tensor]) -> Tensor:
        """Return the target's score for each choice of replaced patches, each (patch,) of bool."""
        choice = torch.stack(gone).to(self._own.device)[..., None]  # (image, patch, 1)
        tokens = torch.where(choice, self._behind, self._own)  # (image, patch, channel)
        grid = self._vit.grid
        embedded = tokens.unflatten(1, (grid.rows, grid.columns)).permute(0, 3, 1, 2)
        pixels = self._pixels.expand(len(gone), -1, -1, -1)
        similar = reads_embedding(self._vit, self._target)
        with self._vit.lock, _EmbeddingTap(self._convolution.weight, embedded):
            features = self._shell.forward_features(pixels)
            answer = self._shell.forward_head(features, pre_logits=similar)
        return read_scores(self._vit, answer, self._target)


def embeds_by_patch(vit: ViT) -> bool:
    """Return whether a model's embedding is one convolution of the patch's size, so that patches do not mix in it."""
    convolution = getattr(getattr(vit.shell, "patch_embed", None), "proj", None)
    return (
        isinstance(convolution, nn.Conv2d)
        and tuple(convolution.kernel_size) == tuple(convolution.stride) == vit.grid.patch_size
        and convolution.padding in (0, (0, 0))
        and tuple(convolution.dilation) == (1, 1)
        and vit.grid.image_size == vit.image_size
    )


class _EmbeddingTap(AttentionTap):
    """Hands the embedding's tokens to the pass in the place of the convolution; keeps attention fused."""

    def __init__(self, weight: Tensor, embedded: Tensor) -> None:
        super().__init__(record=False)
        self._weight, self._embedded = weight, embedded

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Any = None,
    ) -> Any:
        if function is functional.conv2d and len(args) > 1 and args[1] is self._weight:
            return self._embedded
        return super().__torch_function__(function, types, args, kwargs)


def _reading_shell(shell: nn.Module) -> Any:
    """Return a shell whose last block computes what the head reads, where that is the class token alone."""
    copy: Any = shell_of(shell)
    plain = (
        f"{type(copy).__module__}.{type(copy).__name__}" == f"{_TIMM}.VisionTransformer"
        and copy.global_pool == "token"
        and getattr(copy, "attn_pool", None) is None
        and copy.cls_token is not None
    )
    if plain and _is_plain(copy.blocks[-1]):
        copy.blocks[-1] = _ClassTokenBlock(copy.blocks[-1])
    return copy


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
