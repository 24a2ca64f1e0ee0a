"""Plain transformer blocks whose LayerNorm stands before or after the branch, for experiments on depth and cost."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from vitviz.errors import OptionError, check_choice
from vitviz.models.seeding import SeededInitialisation

ORDERS = ("pre", "post")
"""Where the LayerNorm stands: x + f(LN(x)), or LN(x + f(x))."""
STACKS = (*ORDERS, "none")
"""The orders, and blocks without any LayerNorm: x + f(x). They can be looked at, but hardly trained."""
MLP_RATIO = 4


class Attention(nn.Module):
    """Multi-head self-attention over tokens, through the fused operation."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Return the mixed tokens, (batch, token, channel) as they came."""
        queries, keys, values = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (batch, heads, token, head_dim)
            for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(queries, keys, values)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class Block(nn.Module):
    """One block: attention and MLP, each with a residual path and a LayerNorm before or after."""

    def __init__(self, width: int, heads: int, order: str) -> None:
        super().__init__()
        self.order = order
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual stream after the block, (batch, token, channel)."""
        x = self._add(x, self.attn, self.norm1)
        return self._add(x, self.mlp, self.norm2)

    def _add(self, x: Tensor, branch: nn.Module, norm: nn.Module) -> Tensor:
        if self.order == "post":
            added: Tensor = norm(x + branch(x))
        else:
            added = x + branch(norm(x) if self.order == "pre" else x)
        return added


def build_blocks(order: str, *, depth: int, width: int, heads: int, seed: int) -> nn.ModuleList:
    """Return blocks with Xavier weights (Glorot & Bengio 2010) and zero biases, as Xiong et al. 2020 assume.

    Raises OptionError for an unknown order, no block, or heads that do not divide the width.
    """
    check_choice("LayerNorm order", order, STACKS)
    if depth < 1 or heads < 1 or width < 1 or width % heads:
        raise OptionError(
            "Blocks need at least one layer, and heads that divide the width; "
            f"got depth {depth}, width {width}, {heads} heads. Choose a width that is a multiple of the heads."
        )
    with SeededInitialisation(seed):
        blocks = nn.ModuleList(Block(width, heads, order) for _ in range(depth))
        initialise(blocks)
    return blocks


def initialise(module: nn.Module) -> None:
    """Draw every weight matrix by Xavier's rule and set every bias to zero; LayerNorms start as they are."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_normal_(part.weight)
            nn.init.zeros_(part.bias)
