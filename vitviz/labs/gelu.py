"""GELU: the activation of the MLP, exact and in its tanh form, beside ReLU.

Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.argument import checked
from vitviz.errors import OptionError, UnsupportedModelError, check_index
from vitviz.models.parts import block_parts
from vitviz.models.vit import ViT
from vitviz.record import Result
from vitviz.trace import Trace

Curve = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gelu(Result):
    """The activations over a range of inputs, each (point,)."""

    x: Curve
    relu: Curve
    exact: Curve
    """x·Φ(x), with Φ the distribution function of the standard normal."""
    tanh: Curve
    """½x(1 + tanh(√(2/π)(x + 0.044715x³)))."""

    @property
    def gap(self) -> float:
        """Largest difference between the exact and the tanh form."""
        return float(np.abs(self.exact - self.tanh).max())

    @property
    def gap_at(self) -> float:
        """Where the two forms differ most, to the right of zero."""
        right = self.x >= 0
        return float(self.x[right][np.abs(self.exact - self.tanh)[right].argmax()])

    @property
    def lowest(self) -> tuple[float, float]:
        """The input with the smallest exact value, and that value: where the slope Φ(x) + xφ(x) is 0, by bisection."""
        low, high = -2.0, 0.0
        for _step in range(60):
            middle = (low + high) / 2
            density = math.exp(-middle * middle / 2) / math.sqrt(2 * math.pi)
            falling = _distribution(middle) + middle * density < 0
            low, high = (middle, high) if falling else (low, middle)
        return low, low * _distribution(low)


def _distribution(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


@checked
def gelu(*, reach: float = 6.0, points: int = 2401) -> Gelu:
    """Return GELU, its tanh form and ReLU on inputs from −reach to reach.

    Raises OptionError for a reach that is not positive, or fewer than 3 points.
    """
    if not 0 < reach < math.inf or points < 3:
        raise OptionError(
            "Inputs from {least} to {reach} in {points} points cannot be drawn; wanted a positive reach and 3 points.",
            least=-reach,
            reach=reach,
            points=points,
        )
    x = np.linspace(-reach, reach, points)
    distribution = 0.5 * (1 + torch.erf(torch.from_numpy(x) / math.sqrt(2)).numpy())
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return Gelu(x, np.maximum(x, 0), x * distribution, 0.5 * x * (1 + np.tanh(inner)))


@dataclass(frozen=True, eq=False)
class Activations(Result):
    """What enters the activation of a block's MLP, for one picture."""

    layer: int
    kind: str
    """The activation's class: "GELU" …"""
    inputs: NDArray[np.float32]
    """(token × hidden channel,)."""

    @property
    def negative(self) -> float:
        """Share of the inputs below zero, where ReLU would return nothing and have no gradient."""
        return float((self.inputs < 0).mean())

    @property
    def bend(self) -> float:
        """Share of the inputs between −3 and 0, where GELU lets something of the negative through."""
        return float(((self.inputs < 0) & (self.inputs > -3)).mean())


@checked
def activations(vit: ViT, trace: Trace, layer: int) -> Activations:
    """Return what enters the activation of a layer's MLP; one more forward pass.

    Raises OptionError for a layer that does not exist, UnsupportedModelError for an MLP of another build.
    """
    check_index("Layer", layer, vit.layers)
    shell = vit.working_copy()
    block = list(shell.blocks.children())[layer]
    activation = block_parts(block).activation
    seen: list[Tensor] = []
    if activation is not None:
        activation.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    with vit.lock, torch.no_grad():
        shell.forward_features(vit.as_input(trace.pixels[None]))
    if not seen:
        raise UnsupportedModelError(
            "The MLP of {name} has no activation module of its own (it may be a gated one), so its "
            "inputs cannot be read. Choose a plain ViT.",
            name=vit.name,
        )
    return Activations(
        layer, type(activation).__name__.removesuffix("Activation"), seen[-1].float().cpu().numpy().ravel()
    )
