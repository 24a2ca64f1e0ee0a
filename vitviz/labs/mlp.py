"""The MLP of one block, step by step, with the tensors of a loaded model and one picture.

    x = LN(z')    h = x W₁ + b₁    g = GELU(h)    g = Dropout(g)    y = g W₂ + b₂    z'' = z' + y

Dosovitskiy et al. 2021, equation 3; the hidden layer is four times as wide as the stream. Dropout (Srivastava et al.
2014) sets a share of the numbers to zero in training alone; a model that answers keeps them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.errors import UnsupportedModelError, check_index
from vitviz.models.parts import block_parts, tensor_of
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace import Trace


@dataclass(frozen=True, eq=False)
class MlpSteps(Record):
    """What every step of a block's MLP takes and gives, float32; tokens in their order, prefix tokens first."""

    layer: int
    entering: Tensor
    """z': (token, D), the stream."""
    normed: Tensor
    """x = LN(z'): (token, D)."""
    hidden: Tensor
    """h: (token, hidden)."""
    activated: Tensor
    """g: (token, hidden)."""
    output: Tensor
    """y: (token, D)."""
    leaving: Tensor
    """z'': (token, D), the stream after the block."""
    weights: tuple[Tensor, Tensor]
    """W₁ (D, hidden) and W₂ (hidden, D)."""
    activation: str
    """Class of the activation: "GELU" …"""
    dropout: float
    """Share of the numbers that training sets to zero; 0 for a model that was built without."""

    @property
    def scale(self) -> float:
        """How much longer what is added is than y, mean over the tokens: 1 without LayerScale."""
        return float((self.leaving - self.entering).norm(dim=-1).mean() / self.output.norm(dim=-1).mean())


def mlp_steps(vit: ViT, trace: Trace, layer: int) -> MlpSteps:
    """Return every step of a layer's MLP for the picture of a trace; one more forward pass.

    Raises OptionError for a layer that does not exist, UnsupportedModelError for an MLP of another build: gated, or of
    more than two matrices.

    >>> from vitviz.labs.mlp import mlp_steps
    >>> steps = mlp_steps(vit, trace, 0)
    >>> steps.normed.shape, steps.hidden.shape  # (token, D), (token, 4D)
    (torch.Size([257, 384]), torch.Size([257, 1536]))
    """
    check_index("Layer", layer, vit.layers)
    shell = vit.working_copy()
    block: Any = list(shell.blocks.children())[layer]
    parts = block_parts(block)
    first, second = parts.hidden, getattr(parts.mlp, "fc2", None)
    if not (isinstance(first, nn.Linear) and isinstance(second, nn.Linear) and parts.norm2 and parts.activation):
        raise _unsupported(vit)
    seen: dict[str, Tensor] = {}
    for name, part in (("norm", parts.norm2), ("first", first), ("activation", parts.activation), ("second", second)):
        part.register_forward_hook(_keep(seen, name))
    with vit.lock, torch.no_grad():
        shell.forward_features(vit.as_input(trace.pixels[None]))
    shape = trace.residual(layer).shape
    if len(seen) < 8 or seen["norm in"].shape != shape or seen["second out"].shape != shape:
        raise _unsupported(vit)
    return MlpSteps(
        layer=layer,
        entering=seen["norm in"],
        normed=seen["first in"],
        hidden=seen["activation in"],
        activated=seen["second in"],
        output=seen["second out"],
        leaving=trace.residual(layer).float().cpu(),
        weights=(first.weight.detach().float().cpu().mT, second.weight.detach().float().cpu().mT),
        activation=type(parts.activation).__name__.removesuffix("Activation"),
        dropout=_dropout(parts.mlp),
    )


def _unsupported(vit: ViT) -> UnsupportedModelError:
    return UnsupportedModelError(
        "The MLP of {name} is no plain LN → Linear → activation → Linear, so its steps cannot be "
        "shown. Choose a plain ViT.",
        name=vit.name,
    )


def _keep(seen: dict[str, Tensor], name: str) -> Callable[..., None]:
    def keep(_module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        for side, value in (("in", args[0] if args else None), ("out", output)):
            tensor = tensor_of(value)
            if tensor is not None:
                seen[f"{name} {side}"] = tensor.detach()[0].float().cpu()

    return keep


def _dropout(mlp: nn.Module | None) -> float:
    """Return the largest rate of the dropouts in an MLP."""
    return max((part.p for part in (mlp or nn.Identity()).modules() if isinstance(part, nn.Dropout)), default=0.0)
