"""From the tokens after the last norm to the embedding, as each model of transformers does it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

READS: dict[str, tuple[str, ...]] = {
    "class": ("class",),
    "both tokens": ("class", "distillation"),
    "patches": ("patches",),
    "class and patches": ("class", "patches"),
    "attention": (),
}
"""Which tokens a way of pooling reads; attention pooling says so itself."""


def pooled(pool: str, tokens: Tensor, prefix: int) -> Tensor:
    """Return the embedding (image, channel) that a way of pooling makes of tokens (image, token, channel)."""
    if pool == "class":
        return tokens[:, 0]
    if pool == "both tokens":
        return (tokens[:, 0] + tokens[:, 1]) / 2
    patches = tokens[:, prefix:].mean(1)
    return torch.cat([tokens[:, 0], patches], 1) if pool == "class and patches" else patches


def attention_pooled(head: Any, tokens: Tensor) -> Tensor:
    """Return what SigLIP's pooling head makes of tokens (image, token, channel): (image, channel).

    Its own code calls ``nn.MultiheadAttention``, which attends out of sight; here the same weights go through the
    operation that the tap stands on, so that its map is read as that of timm's attention pooling is.
    """
    attention = head.attention
    heads = attention.num_heads
    weights = attention.in_proj_weight.chunk(3)
    biases = (None,) * 3 if attention.in_proj_bias is None else attention.in_proj_bias.chunk(3)
    probe = head.probe.expand(len(tokens), -1, -1)  # (image, 1, channel)
    query, key, value = (
        functional.linear(source, weight, bias).unflatten(-1, (heads, -1)).transpose(1, 2)
        for source, weight, bias in zip((probe, tokens, tokens), weights, biases, strict=True)
    )  # (image, head, 1 or token, head_dim)
    read = functional.scaled_dot_product_attention(query, key, value)
    mixed = attention.out_proj(read.transpose(1, 2).flatten(2))  # (image, 1, channel)
    result: Tensor = (mixed + head.mlp(head.layernorm(mixed)))[:, 0]
    return result
