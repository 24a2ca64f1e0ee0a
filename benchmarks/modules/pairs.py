"""ViTs in the style of vit-pytorch: layers are pairs of attention and MLP in lists, without a block around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.modules.kind import Kind, drawn

WIDTH, HEADS, HEAD, PATCH, SIZE, CLASSES = 32, 2, 24, 8, 32, 10


class Rearrange(nn.Module):
    """What einops' layer of that name does with this pattern, under the same attributes."""

    def __init__(self, patch: int) -> None:
        super().__init__()
        self.pattern = "b c (h p1) (w p2) -> b (h w) (p1 p2 c)"
        self.axes_lengths = {"p1": patch, "p2": patch}

    def forward(self, x: Tensor) -> Tensor:
        """Cut pictures into patches: (image, patch, pixel)."""
        patch = self.axes_lengths["p1"]
        images, channels, height, width = x.shape
        x = x.reshape(images, channels, height // patch, patch, width // patch, patch)
        return x.permute(0, 2, 4, 3, 5, 1).reshape(images, -1, patch * patch * channels)


class Attention(nn.Module):
    """Self-attention with its norm inside."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attend, self.dropout = nn.LayerNorm(WIDTH), nn.Softmax(dim=-1), nn.Dropout(0.0)
        self.to_qkv = nn.Linear(WIDTH, 3 * HEADS * HEAD, bias=False)
        self.to_out = nn.Sequential(nn.Linear(HEADS * HEAD, WIDTH), nn.Dropout(0.0))

    def forward(self, x: Tensor) -> Any:
        """Attend; (image, token, channel)."""
        x = self.norm(x)
        q, k, v = (part.unflatten(-1, (HEADS, HEAD)).transpose(1, 2) for part in self.to_qkv(x).chunk(3, dim=-1))
        attention = self.dropout(self.attend(torch.matmul(q, k.transpose(-1, -2)) * HEAD**-0.5))
        return self.to_out(torch.matmul(attention, v).transpose(1, 2).flatten(2))


class FeedForward(nn.Sequential):
    """The MLP with its norm inside."""

    def __init__(self) -> None:
        super().__init__(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 64), nn.GELU(), nn.Linear(64, WIDTH))


Loop = Callable[[Any, Tensor], Tensor]


def plain(self: Any, x: Tensor) -> Tensor:
    """Run the pairs as vit-pytorch does."""
    for attention, mlp in self.layers:
        x = attention(x) + x
        x = mlp(x) + x
    return self.norm(x)  # type: ignore[no-any-return]


def parallel(self: Any, x: Tensor) -> Tensor:
    """Attention and MLP are given the same tokens."""
    for attention, mlp in self.layers:
        x = attention(x) + mlp(x) + x
    return self.norm(x)  # type: ignore[no-any-return]


def halved(self: Any, x: Tensor) -> Tensor:
    """What is added is halved on the way."""
    for attention, mlp in self.layers:
        x = x + attention(x) / 2
        x = x + mlp(x) / 2
    return self.norm(x)  # type: ignore[no-any-return]


def backwards(self: Any, x: Tensor) -> Tensor:
    """The last pair comes first."""
    for attention, mlp in reversed(self.layers):
        x = attention(x) + x
        x = mlp(x) + x
    return self.norm(x)  # type: ignore[no-any-return]


def after_norm(self: Any, x: Tensor) -> Tensor:
    """Something is done before the loop, in the same forward."""
    return plain(self, self.norm(x))


def scaled_last(self: Any, x: Tensor) -> Tensor:
    """The last sum is another one, which no later part is given."""
    for index, (attention, mlp) in enumerate(self.layers):
        x = attention(x) + x
        x = mlp(x) * (2 if index else 1) + x
    return self.norm(x)  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Pairs, and the norm after them."""

    def __init__(self, loop: Loop, parts: Callable[[], tuple[nn.Module, ...]]) -> None:
        super().__init__()
        self.loop, self.norm = loop, nn.LayerNorm(WIDTH)
        self.layers = nn.ModuleList([nn.ModuleList(parts()) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers."""
        return self.loop(self, x)


class PairViT(nn.Module):
    """vit-pytorch's ViT: nothing says the size of its pictures but the number of positions."""

    def __init__(
        self,
        loop: Loop = plain,
        *,
        pool: str = "cls",
        channels: int = 3,
        parts: Callable[[], tuple[nn.Module, ...]] = lambda: (Attention(), FeedForward()),
    ) -> None:
        super().__init__()
        count = 1 if pool == "cls" else 0
        self.to_patch_embedding = nn.Sequential(
            Rearrange(PATCH),
            nn.LayerNorm(channels * PATCH**2),
            nn.Linear(channels * PATCH**2, WIDTH),
            nn.LayerNorm(WIDTH),
        )
        self.cls_token = nn.Parameter(torch.randn(count, WIDTH))
        self.pos_embedding = nn.Parameter(torch.randn((SIZE // PATCH) ** 2 + count, WIDTH))
        self.transformer, self.pool, self.to_latent = Transformer(loop, parts), pool, nn.Identity()
        self.mlp_head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token or the mean."""
        x = self.to_patch_embedding(x)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embedding
        x = self.transformer(x)
        return self.mlp_head(self.to_latent(x.mean(1) if self.pool == "mean" else x[:, 0]))


class SimpleViT(PairViT):
    """vit-pytorch's SimpleViT: its positions are a tensor that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__(pool="mean")
        del self.pos_embedding
        self.pos_embedding = torch.randn((SIZE // PATCH) ** 2, WIDTH)


class OwnLoop(PairViT):
    """The loop stands in the forward that also cuts the patches out."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.norm = self.transformer.layers, self.transformer.norm
        del self.transformer

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.to_patch_embedding(x)
        x = plain(self, torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embedding)
        return self.mlp_head(x[:, 0])


class Shifted(nn.Module):
    """vit-pytorch's embedding for small data sets: the picture and four shifted copies are cut together."""

    def __init__(self) -> None:
        super().__init__()
        self.to_tokens = nn.Sequential(Rearrange(PATCH), nn.Linear(15 * PATCH**2, WIDTH))

    def forward(self, x: Tensor) -> Any:
        """Return (image, patch, channel)."""
        shifted = [torch.roll(x, step, axis) for step in (1, -1) for axis in (2, 3)]
        return self.to_tokens(torch.cat([x, *shifted], 1))


def _shifted() -> nn.Module:
    module = PairViT()
    module.to_patch_embedding = Shifted()  # type: ignore[assignment]
    return drawn(module)  # type: ignore[no-any-return]


def _of(loop: Loop = plain, **options: Any) -> Callable[[], nn.Module]:
    return lambda: drawn(PairViT(loop, **options))


class _Between(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return (x - 0.5) / 0.25


_PAIRS = "its layers are pairs without a module of their own"
KINDS: dict[str, Kind] = {
    "vit-pytorch's ViT": Kind(_of()),
    "vit-pytorch's ViT, mean pooling": Kind(_of(pool="mean")),
    "vit-pytorch's ViT, one channel": Kind(_of(channels=1), channels=1),
    "vit-pytorch's SimpleViT": Kind(lambda: drawn(SimpleViT())),
    "vit-pytorch's ViT for small data sets": Kind(_shifted),
    "Sequential(normalise, vit-pytorch's ViT)": Kind(lambda: nn.Sequential(_Between(), drawn(PairViT())).eval()),
    "pairs side by side": Kind(_of(parallel), f"{_PAIRS}.*part 1 of pair 0 is not given what the part before"),
    "pairs whose sums are halved": Kind(_of(halved), f"{_PAIRS}.*part 1 of pair 0 is not given what the part before"),
    "pairs in the other order": Kind(_of(backwards), f"{_PAIRS}.*does not call them one after the other"),
    "pairs behind a norm in the same forward": Kind(_of(after_norm), f"{_PAIRS}.*is not the first thing"),
    "pairs whose last sum is another": Kind(_of(scaled_last), "A plain call of mine answers .* more than rounding"),
    "pairs in the forward that cuts patches": Kind(lambda: drawn(OwnLoop()), f"{_PAIRS}.*is not the first thing"),
    "layers of three parts": Kind(
        _of(parts=lambda: (Attention(), FeedForward(), FeedForward())), "its list of blocks holds lists of parts"
    ),
}
