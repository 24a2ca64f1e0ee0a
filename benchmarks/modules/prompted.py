"""ViTs with tokens that were added or taken away: prompts (VPT), merged tokens (ToMe), prefixes in another order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.modules.kind import Kind, drawn, vit
from benchmarks.modules.research import WIDTH, Dino

PROMPTS = 3


class Prompted(Dino):
    """VPT: learned prompts between the class token and the patches; deep ones are exchanged before every block."""

    def __init__(self, *, deep: bool = False, name: str = "prompt_embeddings") -> None:
        super().__init__()
        self.deep, self.name = deep, name
        setattr(self, name, nn.Parameter(torch.randn(2 if deep else 1, PROMPTS, WIDTH)))

    def prepare_tokens(self, x: Tensor) -> Tensor:
        """Return what enters the blocks."""
        x = super().prepare_tokens(x)
        return torch.cat([x[:, :1], getattr(self, self.name)[:1].expand(len(x), -1, -1), x[:, 1:]], 1)

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.prepare_tokens(x)
        for index, block in enumerate(self.blocks):
            if self.deep and index:
                prompts = getattr(self, self.name)[index].expand(len(x), -1, -1)
                x = torch.cat([x[:, :1], prompts, x[:, 1 + PROMPTS :]], 1)
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class PromptsFirst(Prompted):
    """The prompts stand before the class token."""

    def prepare_tokens(self, x: Tensor) -> Tensor:
        """Return what enters the blocks."""
        x = Dino.prepare_tokens(self, x)
        return torch.cat([getattr(self, self.name)[:1].expand(len(x), -1, -1), x], 1)

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.prepare_tokens(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, PROMPTS])


class Merging(Dino):
    """ToMe: the two most similar tokens become one after every block."""

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.prepare_tokens(x)
        for block in self.blocks:
            x = block(x)
            x = torch.cat([x[:, :-2], x[:, -2:].mean(1, keepdim=True)], 1)
        return self.head(self.norm(x)[:, 0])


class Dropping(Dino):
    """Only some patches reach the second block, as in DynamicViT."""

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        x = self.blocks[0](self.prepare_tokens(x))
        x = self.blocks[1](x[:, : 1 + x.shape[1] // 2])
        return self.head(self.norm(x)[:, 0])


def _turned_timm() -> nn.Module:
    module = vit()

    def embed(self: Any, x: Tensor) -> Tensor:
        return type(self)._pos_embed(self, x.flip(1))  # type: ignore[no-any-return]

    module._pos_embed = embed.__get__(module)
    return module  # type: ignore[no-any-return]


def _prompted_timm() -> nn.Module:
    module = vit()
    module.prompts = nn.Parameter(torch.randn(PROMPTS, WIDTH))

    def embed(self: Any, x: Tensor) -> Tensor:
        tokens = type(self)._pos_embed(self, x)
        return torch.cat([tokens[:, :1], self.prompts.expand(len(x), -1, -1), tokens[:, 1:]], 1)

    module._pos_embed = embed.__get__(module)
    return module  # type: ignore[no-any-return]


KINDS: dict[str, Kind] = {
    "VPT, prompts before the first block": Kind(lambda: drawn(Prompted())),
    "VPT, prompts exchanged before every block": Kind(lambda: drawn(Prompted(deep=True))),
    "VPT in timm's ViT": Kind(_prompted_timm),
    "timm's ViT, its patches in another order": Kind(_turned_timm, "a change of patch (0|15) was seen at token"),
    "prompts before the class token": Kind(
        lambda: drawn(PromptsFirst()), "its class token is token 3, behind other prefix tokens"
    ),
    "prompts under another name": Kind(
        lambda: drawn(Prompted(name="learned")), "attends from 20 to 20 tokens where the patch grid has 17"
    ),
    "ToMe, merged tokens": Kind(lambda: drawn(Merging()), "attends from 16 to 16 tokens where the patch grid has 17"),
    "tokens dropped on the way": Kind(
        lambda: drawn(Dropping()), "attends from 9 to 9 tokens where the patch grid has 17"
    ),
}
