"""What takes the place of a patch when it is taken away: another colour, blur, noise, or nothing at all."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vitviz.errors import GridError, OptionError, check_choice
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT

REMOVED = "removed"
PICTURES = ("mean", "blur", "grey", "black", "noise")
"""Replacements that are pictures: the mean colour of this image, its blur, mid-grey, black, Gaussian noise."""
REPLACEMENTS = (*PICTURES, REMOVED)
"""All replacements; "removed" takes the tokens out of the model instead of painting over them."""

_LEVELS = {"grey": 0.5, "black": 0.0}


def replacement_picture(vit: ViT, pixels: Tensor, replacement: str, *, seed: int = 0) -> Tensor:
    """Return the picture that shows through where patches are replaced: (channel, height, width), normalised.

    "mean" is the image's own mean colour; "blur" is a Gaussian of a patch's size; "grey" is ½ and "black" 0 before
    normalisation; "noise" is drawn from a normal distribution with the mean and spread of the image's colours.
    Raises OptionError for another name, and for grey and black where the normalisation is not known. For "removed" it
    is the image itself: nothing is painted.
    """
    check_choice("Replacement", replacement, REPLACEMENTS)
    mean = pixels.mean((1, 2), keepdim=True)  # (3, 1, 1)
    if replacement == "mean":
        return mean.expand_as(pixels).clone()
    if replacement == "blur":
        return blur(pixels, max(vit.grid.patch_size) / 2)
    if replacement in _LEVELS:
        check_normalised(vit, pixels)
        plain = (_LEVELS[replacement] - pixels.new_tensor(vit.mean)) / pixels.new_tensor(vit.std)
        return plain[:, None, None].expand_as(pixels).clone()
    if replacement == "noise":
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(pixels.shape, generator=generator).to(pixels)
        return mean + noise * pixels.std((1, 2), keepdim=True)
    return pixels


def check_normalised(vit: ViT, pixels: Tensor) -> None:
    """Raise OptionError for a model for which grey and black are no numbers: its normalisation is not known."""
    if not len(vit.mean) == len(vit.std) == len(pixels):
        raise OptionError(
            "What grey and black are to {name} is not known; wanted a transform that gives each channel the picture's "
            "values less a mean, divided by a deviation. Take the mean or the blur of the picture instead.",
            name=vit.name,
        )


def blur(pixels: Tensor, sigma: float) -> Tensor:
    """Return a picture (3, height, width) blurred by a Gaussian of ``sigma`` pixels; its edges are continued."""
    radius = max(1, round(3 * sigma))
    steps = torch.arange(-radius, radius + 1, device=pixels.device, dtype=pixels.dtype)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = functional.pad(pixels[:, None], (radius, radius, radius, radius), mode="replicate")
    wide = functional.conv2d(padded, kernel[None, None, None, :])  # (3, 1, height + 2 r, width)
    return functional.conv2d(wide, kernel[None, None, :, None])[:, 0]


def paint_mask(grid: PatchGrid, image_size: tuple[int, int], patches: Tensor) -> Tensor:
    """Return which pixels belong to the chosen patches, (height, width) of bool; ``patches`` is (patch,) of bool.

    A margin of the picture that no patch covers is never chosen.
    Raises GridError if there is not one entry a patch.
    """
    if tuple(patches.shape) != (grid.patches,):
        raise GridError(
            "The choice of patches has shape {shape}; wanted ({patches},): one entry a patch.",
            shape=tuple(patches.shape),
            patches=grid.patches,
        )
    height, width = grid.patch_size
    mask = grid.to_map(patches).repeat_interleave(height, 0).repeat_interleave(width, 1)
    margin = (0, image_size[1] - mask.shape[1], 0, image_size[0] - mask.shape[0])
    return functional.pad(mask, margin)


def without_patches(
    vit: ViT, pixels: Tensor, patches: Tensor, replacement: str, behind: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Return an input with the chosen patches (patch,) gone, and the patches that are kept if they are removed.

    ``behind`` is the ``replacement_picture``.
    """
    if replacement == REMOVED:
        return pixels, ~patches
    mask = paint_mask(vit.grid, vit.image_size, patches.to(pixels.device))
    return torch.where(mask, behind, pixels), None
