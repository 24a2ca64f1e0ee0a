"""Scaling: parameters and operations of a Vision Transformer as one of its sizes grows, the others staying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError, check_choice
from vitviz.labs.cost.compute import model_macs
from vitviz.labs.cost.vit_shape import CHANNELS, ViTShape
from vitviz.labs.parameters import Dimensions, standard_parameters
from vitviz.record import Result

GROWING = ("depth", "width", "side", "heads")


@dataclass(frozen=True, eq=False)
class Scaling(Result):
    """Costs of models that differ in one size."""

    growing: str
    """One of GROWING."""
    values: NDArray[np.int64]
    """(model,) the sizes."""
    parameters: NDArray[np.int64]
    """(model,)"""
    macs: NDArray[np.float64]
    """(model,) multiply–accumulate operations of one picture."""

    @property
    def exponents(self) -> tuple[float, float]:
        """Slope of parameters and of MACs against the size between the two largest models, on logarithmic axes."""
        steps = np.log(self.values[-1] / self.values[-2])
        return tuple(float(np.log(counts[-1] / counts[-2]) / steps) for counts in (self.parameters, self.macs))  # type: ignore[return-value]


def parameters_of(shape: ViTShape) -> int:
    """Return the parameters of the standard Vision Transformer of a shape."""
    pixels = CHANNELS * shape.patch_size[0] * shape.patch_size[1]
    hidden = round(shape.mlp_ratio * shape.width)
    dimensions = Dimensions(pixels, shape.patches, shape.prefix, shape.width, shape.depth, hidden, shape.classes)
    return sum(standard_parameters(dimensions).values())


def scale(shape: ViTShape, growing: str, values: Sequence[int]) -> Scaling:
    """Return parameters and MACs of a shape as one of its sizes takes the given values.

    Raises OptionError for a size that is none of GROWING, or fewer than two values.
    """
    check_choice("Growing size", growing, GROWING)
    if len(values) < 2:
        raise OptionError(
            "Got {count} values of {growing}; wanted at least two to compare.",
            count=len(values),
            growing=growing,
        )
    shapes = [_changed(shape, growing, value) for value in sorted(values)]
    return Scaling(
        growing,
        np.array(sorted(values)),
        np.array([parameters_of(grown) for grown in shapes]),
        np.array([model_macs(grown).total for grown in shapes]),
    )


def _changed(shape: ViTShape, growing: str, value: int) -> ViTShape:
    if growing == "side":
        return shape.at(value)
    sizes: dict[str, Any] = {growing: value}
    return replace(shape, **sizes)
