"""A picture tower written as OpenAI's CLIP is: its names, its order of operations, its QuickGELU."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.layouts.case import Answer, drawn, prefixed, save

WIDTH, LAYERS, PATCH, SIZE, EMBEDDING = 256, 10, 16, 224, 512


class QuickGELU(nn.Module):
    """x · σ(1.702 x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation."""
        return x * torch.sigmoid(1.702 * x)


class Mlp(nn.Module):
    """Two layers with an activation between."""

    def __init__(self, quick: bool) -> None:
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.act = QuickGELU() if quick else nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the answer."""
        return self.c_proj(self.act(self.c_fc(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention and MLP."""

    def __init__(self, quick: bool) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, WIDTH // 64, batch_first=True)
        self.ln_1, self.ln_2, self.mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH), Mlp(quick)

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual stream after it."""
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """The blocks."""

    def __init__(self, quick: bool) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(Block(quick) for _ in range(LAYERS)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual stream after them."""
        return self.resblocks(x)  # type: ignore[no-any-return]


class Tower(nn.Module):
    """The picture tower."""

    def __init__(self, quick: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        self.positional_embedding = nn.Parameter(torch.zeros((SIZE // PATCH) ** 2 + 1, WIDTH))
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = Transformer(quick)
        self.proj = nn.Parameter(torch.zeros(WIDTH, EMBEDDING))

    def forward(self, x: Tensor) -> Tensor:
        """Return the embedding: (image, embedding)."""
        x = self.conv1(x).flatten(2).transpose(1, 2)  # (image, patch, channel)
        token = self.class_embedding.expand(len(x), 1, -1)
        x = self.ln_pre(torch.cat([token, x], 1) + self.positional_embedding)
        return self.ln_post(self.transformer(x)[:, 0]) @ self.proj  # type: ignore[no-any-return]


class Clip(nn.Module):
    """The tower among what a whole CLIP has beside it."""

    def __init__(self, visual: Tower) -> None:
        super().__init__()
        self.visual = visual
        self.logit_scale = nn.Parameter(torch.ones([]))
        for name, value in (("input_resolution", SIZE), ("context_length", 77), ("vocab_size", 49408)):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, x: Tensor) -> Tensor:
        """Return the embedding of pictures."""
        return self.visual(x)  # type: ignore[no-any-return]


def writer(*, quick: bool, scripted: bool) -> Callable[[Path], Answer]:
    """Return what writes a CLIP: as a TorchScript archive, or as a state dict with texts' tensors beside it."""

    def write(path: Path) -> Answer:
        tower = drawn(Tower(quick))
        if scripted:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # of tracing, which is out of date: CLIP's own archives are of this kind
                torch.jit.save(torch.jit.trace(Clip(tower).eval(), torch.zeros(1, 3, SIZE, SIZE)), path)
        else:
            text = {"transformer.resblocks.0.ln_1.weight": torch.ones(8), "text_projection": torch.ones(8, 8)}
            save(path, prefixed(tower.state_dict(), "visual.") | text)
        return lambda batch: tower(batch)  # type: ignore[no-any-return]

    return write
