"""Kinds of passes: blocks run in another order, tokens moved or merged on the way, answers that are not one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from benchmarks.modules import research
from benchmarks.modules.attending import of_blocks
from benchmarks.modules.kind import Kind, drawn
from benchmarks.modules.research import WIDTH, Block, Dino, Replying

TURNED = [0, *range(16, 0, -1)]
Way = Callable[[Any, Tensor], Tensor]


class OnItsWay(Dino):
    """A ViT in the style of DINO with a way of its own through the blocks."""

    def __init__(self, way: Way) -> None:
        super().__init__()
        self.way = way

    def forward(self, x: Tensor) -> Any:
        """Answer from the class token."""
        return self.head(self.norm(self.way(self, self.prepare_tokens(x)))[:, 0])


def _on(way: Way) -> Callable[[], nn.Module]:
    return lambda: drawn(OnItsWay(way))


def _looped(model: Any, x: Tensor) -> Tensor:
    return model.blocks[1](model.blocks[0](model.blocks[0](x)))  # type: ignore[no-any-return]


def _backwards(model: Any, x: Tensor) -> Tensor:
    return model.blocks[0](model.blocks[1](x))  # type: ignore[no-any-return]


def _beside(model: Any, x: Tensor) -> Tensor:
    return model.blocks[0](x) + model.blocks[1](x)  # type: ignore[no-any-return]


def _long_skip(model: Any, x: Tensor) -> Tensor:
    return model.blocks[1](model.blocks[0](x) + x)  # type: ignore[no-any-return]


def _turned(model: Any, x: Tensor) -> Tensor:
    return model.blocks[1](model.blocks[0](x)[:, TURNED])  # type: ignore[no-any-return]


def _merged(model: Any, x: Tensor) -> Tensor:
    x = model.blocks[0](x)
    return model.blocks[1](torch.cat([x[:, :1], (x[:, 1::2] + x[:, 2::2]) / 2], 1))  # type: ignore[no-any-return]


def _prompted(model: Any, x: Tensor) -> Tensor:
    prompts = torch.ones(len(x), 4, WIDTH)
    for block in model.blocks:
        x = block(torch.cat([x[:, :1], prompts, x[:, 1:]], 1))
        x = torch.cat([x[:, :1], x[:, 5:]], 1)
    return x


def _ending(sure: float) -> Way:
    """Early exit: blocks run until the answer is sure enough."""

    def way(model: Any, x: Tensor) -> Tensor:
        for block in model.blocks:
            x = block(x)
            if model.head(model.norm(x)[:, 0]).softmax(-1).max() > sure:
                break
        return x

    return way


def _checkpointed(*, reentrant: bool) -> Way:
    def way(model: Any, x: Tensor) -> Tensor:
        for block in model.blocks:
            x = checkpoint(block, x, use_reentrant=reentrant)
        return x

    return way


class Turning(Block):
    """Tokens are turned round before attention and back after it."""

    def forward(self, x: Tensor) -> Any:
        """Attend in another order."""
        turned = x[:, TURNED]
        return super().forward(turned)[:, TURNED]


class Convolved(Block):
    """A convolution over the tokens before attention, or behind the block."""

    def __init__(self, *, before: bool) -> None:
        super().__init__(research.with_method)
        self.conv, self.before = nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH), before

    def forward(self, x: Tensor) -> Any:
        """Mix neighbours too."""
        if self.before:
            given = self.norm1(x)
            x = x + self.attn(3 * self.conv(given.mT).mT + given)
            return x + self.mlp(self.norm2(x))
        x = super().forward(x)
        return x + self.conv(x.mT).mT


class InPlace(Block):
    """Tokens are added to where they are."""

    def forward(self, x: Tensor) -> Any:
        """Write into the tokens that are given."""
        x += self.attn(self.norm1(x))
        x += self.mlp(self.norm2(x))
        return x


class Batched(Block):
    """A batch norm before attention."""

    def __init__(self, *, statistics: bool = True) -> None:
        super().__init__(research.with_method)
        self.norm1: Any = nn.BatchNorm1d(WIDTH, track_running_stats=statistics)

    def forward(self, x: Tensor) -> Any:
        """Normalise over the batch."""
        x = x + self.attn(self.norm1(x.mT).mT)
        return x + self.mlp(self.norm2(x))


class Answering(Dino):
    """What becomes of the logits, and of the pictures before."""

    def __init__(self, change: Callable[[Any, Tensor], Any], before: Callable[[Tensor], Tensor] = torch.clone) -> None:
        super().__init__()
        self.change, self.before, self.calls = change, before, 0

    def forward(self, x: Tensor) -> Any:
        """Answer in a way of its own."""
        self.calls += 1
        return self.change(self, super().forward(self.before(x)))


def _answering(change: Callable[[Any, Tensor], Any]) -> Callable[[], nn.Module]:
    return lambda: drawn(Answering(change))


class Pair(NamedTuple):
    """Logits by name."""

    logits: Tensor
    tokens: Tensor


class Masked(Dino):
    """Wants a second argument."""

    def forward(self, x: Tensor, mask: Tensor) -> Any:  # type: ignore[override]
        """Answer to both."""
        return super().forward(x) * mask


class Optional(Dino):
    """Has arguments that may be left out."""

    def forward(self, x: Tensor, return_attention: bool = False, **others: Any) -> Any:
        """Answer to the first."""
        return super().forward(x)


class OfDictionary(Dino):
    """Wants a dictionary."""

    def forward(self, batch: Any) -> Any:
        """Answer to its picture."""
        return super().forward(batch["image"])


def _replying(form: Callable[[Tensor, Tensor], Any]) -> Callable[[], nn.Module]:
    return lambda: drawn(Replying(form))


_AGAIN = "called again with the same picture it answers something else"
KINDS: dict[str, Kind] = {
    "one block in a loop": Kind(_on(_looped), "runs block 0 2 times in one pass"),
    "blocks in reverse": Kind(_on(_backwards), "runs its blocks in the order 1, 0"),
    "blocks side by side": Kind(_on(_beside), "block 1 is given what the block before it was given"),
    "a long skip connection": Kind(_on(_long_skip)),
    "tokens turned round between blocks": Kind(_on(_turned), "brought into another order before block 1"),
    "tokens turned round inside of blocks": Kind(
        of_blocks(lambda: Turning(research.with_method)), "block 0 brings its tokens into another order"
    ),
    "token merging": Kind(_on(_merged), "block 1 attends from 9 to 9 tokens"),
    "prompts in every block": Kind(_on(_prompted), "block 0 attends from 21 to 21 tokens"),
    "early exit, not taken": Kind(_on(_ending(2))),
    "early exit, taken": Kind(_on(_ending(0)), "The last block of OnItsWay was not run"),
    "gradient checkpointing": Kind(_on(_checkpointed(reentrant=False))),
    "gradient checkpointing, reentrant": Kind(_on(_checkpointed(reentrant=True)), gradients=False),
    "a convolution before attention": Kind(of_blocks(lambda: Convolved(before=True)), "or mixes them"),
    "a convolution behind the MLP": Kind(of_blocks(lambda: Convolved(before=False))),
    "blocks that write into their tokens": Kind(of_blocks(lambda: InPlace(research.with_method)), gradients=False),
    "batch norm, in training mode": Kind(lambda: of_blocks(Batched)().train()),
    "batch norm without statistics": Kind(
        of_blocks(lambda: Batched(statistics=False)), "depends on the other pictures of the batch"
    ),
    "compares the pictures of a batch": Kind(
        _answering(lambda self, y: y - y.mean(0) / 2), "depends on the other pictures of the batch"
    ),
    "answers to one picture of many": Kind(_answering(lambda self, y: y[:1]), r"answers a tensor of shape \(1, 10\)"),
    "counts its calls": Kind(_answering(lambda self, y: y * (1 + self.calls / 9)), _AGAIN),
    "noise on its input": Kind(
        lambda: drawn(Answering(lambda self, y: y, lambda x: x + torch.randn_like(x) / 9)), _AGAIN
    ),
    "functional dropout that stays on": Kind(_answering(lambda self, y: functional.dropout(y, 0.3)), _AGAIN),
    "answers a sigmoid": Kind(_answering(lambda self, y: y.sigmoid()), "what a sigmoid made of its logits"),
    "answers one probability": Kind(_answering(lambda self, y: y[:, :1].sigmoid()), "what a sigmoid made of its"),
    "answers percent": Kind(_answering(lambda self, y: 100 * y.softmax(-1)), "answers shares that add up to 100"),
    "answers one number": Kind(_answering(lambda self, y: y[:, :1])),
    "answers numpy": Kind(_answering(lambda self, y: y.detach().numpy()), "answers a ndarray"),
    "answers a row without a batch": Kind(_answering(lambda self, y: y[0]), r"a tensor of shape \(10,\)"),
    "answers a class": Kind(_answering(lambda self, y: y.argmax(-1)), r"a tensor of shape \(1,\)"),
    "answers two rows": Kind(_answering(lambda self, y: (y, y[:, :3])), r"a tuple of \(1, 10\), \(1, 3\)"),
    "answers a named tuple": Kind(_replying(Pair)),
    "answers a dictionary in a dictionary": Kind(_answering(lambda self, y: {"head": {"y": y}}), "a dict of dict"),
    "weights without gradients": Kind(lambda: drawn(Dino()).requires_grad_(False)),
    "wants a mask too": Kind(lambda: drawn(Masked()), "missing 1 required positional argument: 'mask'"),
    "wants a dictionary": Kind(lambda: drawn(OfDictionary()), "a forward pass on a picture of shape .* failed"),
    "has further arguments": Kind(lambda: drawn(Optional())),
}
