"""How the residual stream grows with depth, and what gradients arrive where, at initialisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vitviz.errors import OptionError
from vitviz.labs.blocks import build_blocks
from vitviz.models.seeding import SeededInitialisation
from vitviz.record import Result

MOST_DEPTH = 96
CLASSES = 10
"""Answers of the random read-out whose cross-entropy is differentiated."""


def geometric(start: float, growth: float, blocks: int) -> NDArray[np.float64]:
    """Return |x_ℓ| = (1+g)^ℓ·|x_0| for ℓ from 0: a branch that grows with its input, (block + 1,)."""
    return np.asarray(start * (1 + growth) ** np.arange(blocks + 1.0))


def arithmetic(start: float, size: float, blocks: int) -> NDArray[np.float64]:
    """Return |x_0| + c·ℓ for ℓ from 0: the most that branches of size c can add, (block + 1,)."""
    return np.asarray(start + size * np.arange(blocks + 1.0))


def independent(start: float, size: float, blocks: int) -> NDArray[np.float64]:
    """Return √(|x_0|² + c²·ℓ): what branches of size c add when they point in independent directions, (block + 1,)."""
    return np.asarray(np.sqrt(start**2 + size**2 * np.arange(blocks + 1.0)))


@dataclass(frozen=True, eq=False)
class InitialSignal(Result):
    """One forward and one backward pass of blocks with random weights."""

    order: str
    """"pre", "post" or "none": where the LayerNorm stands."""
    stream: NDArray[np.float64]
    """(block + 1,) root mean square over tokens of the length of a token; entry 0 is the input."""
    branch: NDArray[np.float64]
    """(block,) the same of what a block adds to its input."""
    weight_gradient: NDArray[np.float64] | None
    """(block,) Frobenius norm of the gradient of the MLP's second matrix, as Xiong et al. 2020 measure it.

    None without LayerNorm, where it passes every number that float64 has.
    """

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return len(self.branch)

    @property
    def growth(self) -> float:
        """Mean factor of the stream's length from block to block: 1 + g where growth is geometric."""
        return float((self.stream[-1] / self.stream[0]) ** (1 / self.depth))

    @property
    def branch_size(self) -> float:
        """c: root mean square of the lengths of what the blocks add."""
        return float(np.sqrt((self.branch**2).mean()))


def run(order: str, *, depth: int, width: int = 64, heads: int = 4, tokens: int = 16, seed: int = 0) -> InitialSignal:
    """Send random tokens through ``depth`` blocks at initialisation, and a gradient back.

    Weights by Xavier's rule, biases zero; the tokens are standard normal; the loss is the cross-entropy of a random
    linear read-out of the mean token, which Pre-LN normalises first, as always. ``order`` "none" has no LayerNorm.
    Computed in float64: without LayerNorm the scores of 96 blocks pass what float32 can hold.
    Raises OptionError for a depth outside 1 to 96 and for sizes that do not fit.
    """
    if not 1 <= depth <= MOST_DEPTH or tokens < 1:
        raise OptionError(
            "Got {depth} blocks and {tokens} tokens; wanted 1 to {most} blocks and at least one token.",
            depth=depth,
            tokens=tokens,
            most=MOST_DEPTH,
        )
    blocks = build_blocks(order, depth=depth, width=width, heads=heads, seed=seed).double()
    with SeededInitialisation(seed + 1), torch.inference_mode(False), torch.enable_grad():
        streams = [torch.randn(1, tokens, width).double()]
        for block in blocks:
            streams.append(block(streams[-1]))
        slopes = None if order == "none" else _weight_gradient(order, blocks, streams[-1])
    kept = [stream.detach() for stream in streams]
    return InitialSignal(
        order=order,
        stream=np.array([_length(stream) for stream in kept]),
        branch=np.array([_length(b - a) for a, b in zip(kept, kept[1:], strict=False)]),
        weight_gradient=slopes,
    )


def _weight_gradient(order: str, blocks: nn.ModuleList, stream: Tensor) -> NDArray[np.float64]:
    weights = [block.get_parameter("mlp.2.weight") for block in blocks]
    gradients = torch.autograd.grad(_loss(order, stream), weights)
    return np.array([float(gradient.norm()) for gradient in gradients])


def _loss(order: str, stream: Tensor) -> Tensor:
    width = stream.shape[-1]
    read = nn.init.xavier_normal_(torch.empty(CLASSES, width)).double()
    last = functional.layer_norm(stream, (width,)) if order == "pre" else stream
    return functional.cross_entropy(last.mean(1) @ read.T, torch.zeros(1, dtype=torch.long))


def _length(tokens: Tensor) -> float:
    return float(tokens[0].square().sum(-1).mean().sqrt())
