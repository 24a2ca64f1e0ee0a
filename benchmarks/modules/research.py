"""Small Vision Transformers as research code writes them: attention by hand, layouts of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, HEADS, PATCH, SIZE, CLASSES = 32, 2, 8, 32, 10
Attend = Callable[[Tensor, Tensor, Tensor, float, nn.Module], Tensor]


def with_method(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    """DINO and MAE: the softmax is a tensor's own."""
    attn = (q @ k.transpose(-2, -1)) * scale
    attn = drop(attn.softmax(dim=-1))
    return attn @ v


def with_functional(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    """The softmax is ``F.softmax``, the scores are divided."""
    attn = torch.matmul(q, k.transpose(-2, -1)) / (1 / scale)
    return torch.matmul(drop(functional.softmax(attn, dim=-1)), v)


def with_torch(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    """The softmax is ``torch.softmax``, in float32, of queries that were scaled before."""
    attn = (q * scale) @ k.mT
    attn = attn - attn.amax(-1, keepdim=True)
    return drop(torch.softmax(attn, -1, dtype=torch.float32).type_as(q)) @ v


def with_einsum(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    """Products are einsums."""
    attn = torch.einsum("b h i d, b h j d -> b h i j", q, k) * scale
    return torch.einsum("bhij,bhjd->bhid", drop(nn.Softmax(dim=-1)(attn)), v)


def with_bias(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    """A bias is added to the scores, and some keys are masked."""
    distance = torch.arange(q.shape[-2], dtype=q.dtype)
    attn = q @ k.transpose(-2, -1) * scale + -0.1 * (distance[:, None] - distance).abs()
    last = torch.zeros(q.shape[-2], dtype=torch.bool)
    last[-1] = True
    attn = attn.masked_fill(last, float("-inf"))
    return drop(attn.softmax(-1)) @ v


def talking(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    """Maps are mixed between heads after the softmax: no head has a map of its own."""
    attn = drop(((q @ k.transpose(-2, -1)) * scale).softmax(-1))
    return (attn + attn.flip(1)) @ v


def exponentials(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    """The softmax is written out, so that nothing says where it is."""
    attn = ((q @ k.transpose(-2, -1)) * scale).exp()
    return drop(attn / attn.sum(-1, keepdim=True)) @ v


class Attention(nn.Module):
    """Self-attention by hand."""

    def __init__(self, attend: Attend) -> None:
        super().__init__()
        self.attend, self.scale = attend, (WIDTH // HEADS) ** -0.5
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.attn_drop = nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Attend; (image, token, channel)."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        x = self.attend(q, k, v, self.scale, self.attn_drop).transpose(1, 2).reshape(batch, tokens, width)
        out: Tensor = self.proj(x)
        return out


class Block(nn.Module):
    """A pre-norm block."""

    def __init__(self, attend: Attend, *, pair: bool = False) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(WIDTH), Attention(attend), nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 64), nn.GELU(), nn.Linear(64, WIDTH))
        self.pair = pair

    def forward(self, x: Tensor) -> Any:
        """Return the tokens, or a pair of them and None."""
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return (x, None) if self.pair else x


class PatchEmbed(nn.Module):
    """DINO's own: sizes are single numbers."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.img_size, self.patch_size, self.num_patches = SIZE, PATCH, (SIZE // PATCH) ** 2
        self.proj = nn.Conv2d(channels, WIDTH, kernel_size=PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> Tensor:
        """Return (image, patch, channel)."""
        out: Tensor = self.proj(x).flatten(2).transpose(1, 2)
        return out


class Dino(nn.Module):
    """A ViT in the style of DINO: no forward_head, the class token is returned or classified."""

    def __init__(self, attend: Attend = with_method, *, classes: int = CLASSES, pair: bool = False) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed()
        self.cls_token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.randn(1, 17, WIDTH))
        self.blocks = nn.ModuleList([Block(attend, pair=pair) for _ in range(2)])
        self.norm = nn.LayerNorm(WIDTH)
        self.head: nn.Module = nn.Linear(WIDTH, classes) if classes else nn.Identity()

    def prepare_tokens(self, x: Tensor) -> Tensor:
        """Return what enters the blocks."""
        x = self.patch_embed(x)
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.prepare_tokens(x)
        for block in self.blocks:
            x = block(x)
            x = x[0] if isinstance(x, tuple) else x
        return self.head(self.norm(x)[:, 0])


class ClassLast(Dino):
    """The class token stands behind the patches."""

    def prepare_tokens(self, x: Tensor) -> Tensor:
        """Return what enters the blocks."""
        x = self.patch_embed(x)
        return torch.cat([x, self.cls_token.expand(len(x), -1, -1)], 1) + self.pos_embed

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.prepare_tokens(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, -1])


class TokensFirst(Dino):
    """Blocks are given (token, image, channel), as torch's own attention wants it and OpenAI's CLIP does."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.TransformerEncoderLayer(WIDTH, HEADS, 64, 0.0) for _ in range(2)])

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.prepare_tokens(x).transpose(0, 1)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[0])


class Scratch(nn.Module):
    """A tutorial's ViT: a convolution, torch's own encoder, nothing that says a size."""

    def __init__(self) -> None:
        super().__init__()
        self.to_patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.class_token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.randn(1, 17, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 64, 0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.classifier = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES))

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.to_patches(x).flatten(2).mT
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.classifier(self.encoder(x)[:, 0])


class TorchLayers(Dino):
    """Blocks are torch's own encoder layers."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            [nn.TransformerEncoderLayer(WIDTH, HEADS, 64, 0.0, batch_first=True) for _ in range(2)]
        )


class Mae(Dino):
    """MAE's fine-tuned ViT: the patches are averaged before the norm."""

    def forward(self, x: Tensor) -> Any:
        """Answer from the average of the patches."""
        x = self.prepare_tokens(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 1:].mean(1)))


class ClassAndPatches(Dino):
    """DINOv2's linear probe: the class token beside the average of the patches."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2 * WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Any:
        """Answer from both."""
        x = self.prepare_tokens(x)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return self.head(torch.cat([x[:, 0], x[:, 1:].mean(1)], -1))


class SeveralBlocks(ClassAndPatches):
    """DINO's linear probe: the class tokens of the last two blocks."""

    def forward(self, x: Tensor) -> Any:
        """Answer from two blocks."""
        x = self.prepare_tokens(x)
        seen = []
        for block in self.blocks:
            x = block(x)
            seen.append(self.norm(x)[:, 0])
        return self.head(torch.cat(seen, -1))


class Replying(Dino):
    """Answers in a form of its own."""

    def __init__(self, form: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        self.form = form

    def forward(self, x: Tensor) -> Any:
        """Answer with what ``form`` makes of logits and tokens."""
        x = self.prepare_tokens(x)
        for block in self.blocks:
            x = block(x)
        return self.form(self.head(self.norm(x)[:, 0]), x)
