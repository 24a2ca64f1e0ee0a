"""Built-in locality: does the feature map move along when the picture does?

A convolution with stride 1 is equivariant: shifted input, shifted output, exactly. A patch embedding is a convolution
whose stride is the patch, so it is equivariant for whole patches only; position vectors take even that away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vitviz.analysis.convnet import ConvNet
from vitviz.errors import OptionError
from vitviz.models.parts import patch_projection
from vitviz.models.seeding import SeededInitialisation
from vitviz.models.vit import ViT
from vitviz.record import Record, Result
from vitviz.trace import trace

Features = Callable[[Tensor], Tensor]
"""From an input (3, height, width) to a feature map (channel, rows, columns)."""
_MOST_SHIFTS = 9
_MARGIN = 2


@dataclass(frozen=True, eq=False)
class ShiftCurve(Record):
    """One network's answer to shifts."""

    name: str
    """"patch embedding", "tokens", "convnet" or "plain convolutions"."""
    stride: int
    """Pixels from one place of the feature map to the next."""
    likeness: NDArray[np.float64]
    """(shift,) correlation of the shifted picture's features with the original's, moved by whole places."""


@dataclass(frozen=True, eq=False)
class ShiftExperiment(Result):
    """Feature maps of shifted pictures beside those of the original."""

    shifts: tuple[int, ...]
    """To the right, in pixels: 0 to the largest stride, that of the patches among them."""
    curves: tuple[ShiftCurve, ...]


def shift_right(pixels: Tensor, shift: int) -> Tensor:
    """Return an input (3, height, width) moved to the right; what comes in on the left is its mirror image.

    Raises OptionError for a negative shift, or one of half the width or more.
    """
    width = pixels.shape[-1]
    if not 0 <= shift < width / 2:
        raise OptionError(
            "A shift of {shift} pixels cannot be made; wanted 0 to less than half the width of {width} pixels.",
            shift=shift,
            width=width,
        )
    return functional.pad(pixels[None], (shift, 0, 0, 0), mode="reflect")[0, :, :, :width]


def likeness(original: Tensor, shifted: Tensor, places: int, *, margin: int = _MARGIN) -> float:
    """Return the correlation of two feature maps (channel, row, column), the second moved back by whole places.

    Features are taken about the original's mean over the places, and a margin is left out on the left and right, where
    the two pictures differ. 1 means that the map moved along with the picture.
    """
    columns = original.shape[-1]
    edge = margin if columns > 2 * margin + places + 1 else 0
    first = original[:, :, edge : columns - places - edge]
    second = shifted[:, :, edge + places : columns - edge]
    mean = original.mean((1, 2), keepdim=True)
    first, second = ((values - mean).double().flatten() for values in (first, second))
    return float(functional.cosine_similarity(first, second, dim=0))


def plain_convolutions(*, layers: int = 4, channels: int = 16, seed: int = 0) -> nn.Sequential:
    """Return 3 × 3 convolutions of stride 1 with ReLU and random weights."""
    with SeededInitialisation(seed):
        parts: list[nn.Module] = []
        for layer in range(layers):
            parts += [nn.Conv2d(channels if layer else 3, channels, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*parts).eval()


def shift_experiment(
    vit: ViT, pixels: Tensor, *, layer: int, convnet: ConvNet | None = None, convnet_layer: int = 0
) -> ShiftExperiment:
    """Shift a picture by 0 pixels to the largest stride and see whether four networks' feature maps move along.

    Compared are the model's patch embedding, its tokens after a layer, ``convnet`` after one of its layers if given,
    and plain convolutions of stride 1 with random weights. ``pixels`` is the model's input.
    Raises OptionError for an input less than twice as wide as the patch.
    """
    maps: dict[str, Features] = {
        "patch embedding": lambda image: _tokens(vit, image, -1),
        "tokens": lambda image: _tokens(vit, image, layer),
        "plain convolutions": _convolutions(plain_convolutions()),
    }
    if convnet is not None:
        net = convnet
        maps["convnet"] = lambda image: _convnet_map(net, image, convnet_layer)
    curves = []
    with torch.no_grad():
        originals = {name: features(pixels) for name, features in maps.items()}
        jumps = {name: max(1, round(pixels.shape[-1] / original.shape[-1])) for name, original in originals.items()}
        shifts = _shifts(vit.grid.patch_size[1], max(jumps.values()), pixels.shape[-1])
        for name, features in maps.items():
            original, jump = originals[name], jumps[name]
            margin = _MARGIN if jump > 1 else 2 * _MARGIN  # of pixels: the layers' reach
            cosines = [
                likeness(original, features(shift_right(pixels, shift)), round(shift / jump), margin=margin)
                for shift in shifts
            ]
            curves.append(ShiftCurve(name, jump, np.array(cosines)))
    return ShiftExperiment(shifts, tuple(curves))


def _shifts(patch: int, stride: int, width: int) -> tuple[int, ...]:
    """Return shifts from 0 to the larger of two strides, as far as the picture is wide enough, with the patch's own."""
    longest = stride if patch < stride < width / 2 else patch
    spaced = {int(shift) for shift in np.linspace(0, longest, _MOST_SHIFTS).round()}
    return tuple(sorted(spaced | {patch}))


def _tokens(vit: ViT, pixels: Tensor, layer: int) -> Tensor:
    """Return the patch tokens after a layer as a feature map; -1 is before positions and blocks."""
    if layer < 0:
        return _embedded(vit, pixels)
    tokens = trace(vit, pixels).residual(layer)[len(vit.grid.prefix) :]
    return vit.grid.to_map(tokens.float().cpu().mT)


def _embedded(vit: ViT, pixels: Tensor) -> Tensor:
    """Return the patch embedding before positions: the patches themselves where it cannot be run alone."""
    slot = patch_projection(vit.body)
    projection: Any = None if slot is None else slot.part
    height, width = vit.grid.patch_size
    if isinstance(projection, nn.Conv2d) and projection.kernel_size == (height, width):
        embedded: Tensor = projection(vit.as_input(pixels[None]))[0]
        return embedded.float().cpu()
    cells = functional.unfold(pixels[None].float(), (height, width), stride=(height, width))[0]
    return vit.grid.to_map(cells)


def _convolutions(network: nn.Sequential) -> Features:
    return lambda pixels: network(pixels[None].float())[0]


def _convnet_map(net: ConvNet, pixels: Tensor, layer: int) -> Tensor:
    return net.features(net.as_input(pixels[None]), layer)[0].float().cpu()
