"""A small object on a real photo: how far the token that it covers moves, and how far noise alone moves it.

The counterpart of ``smallest_object`` in a trained network. A square is made brighter (darker on a bright ground) by
Δ, and in other copies of the photo every pixel gets noise N(0, σ²) instead. The token's change by the object is a
vector; noise is measured along that same direction, so that the ratio of the two answers the same question as the
signal-to-noise ratio of a patch that averages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.replacement import check_normalised
from vitviz.argument import checked
from vitviz.errors import OptionError, check_index
from vitviz.labs.object.detector import CORNER, INSIDE, Detector
from vitviz.labs.object.noisy_picture import line_coverage
from vitviz.models.inputs import Picture, input_of
from vitviz.models.vit import ViT
from vitviz.progress import Progress, report
from vitviz.record import Result
from vitviz.trace.run import trace

Table = NDArray[np.float64]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class PastedObject(Result):
    """What an object of several sizes and what noise does to a token. Layer 0 of the tables is the input of block 0."""

    patch: int
    """The patch whose token is read."""
    sizes: tuple[int, ...]
    """Side of the object in pixels of the model's input."""
    boxes: tuple[Box, ...]
    """(left, top, right, bottom) of each object in pixels."""
    sign: int
    """1 if the object is brighter than its ground, −1 if darker."""
    object_change: Table
    """(size, layer) length of the token's change by the object, as a share of the token's own length."""
    noise_change: Table
    """(sample, layer) length of the token's change by noise alone, as a share of the token's own length."""
    signal_to_noise: Table
    """(size, layer) the change by the object over the standard deviation of noise along that direction."""
    read_change: Table
    """(size,) 1 − cosine of what the classifier reads, with and without the object."""
    noise_read_change: Table
    """(sample,) the same for noise alone."""

    def smallest(self, layer: int, threshold: float) -> float | None:
        """Return the size whose signal-to-noise ratio first reaches a threshold, in pixels; None if none does.

        Between two sizes the ratio is taken as a power of the size. ``layer`` counts as in the tables.
        """
        ratios = self.signal_to_noise[:, check_index("Layer", layer, self.signal_to_noise.shape[1])]
        for place, ratio in enumerate(ratios):
            if ratio >= threshold:
                if place == 0:
                    return float(self.sizes[0])
                x = np.log(self.sizes[place - 1 : place + 1])
                y = np.log(np.maximum(ratios[place - 1 : place + 1], 1e-12))
                return float(np.exp(np.interp(math.log(threshold), y, x)))
        return None

    def slope(self, layer: int, largest: float) -> float:
        """Return the exponent of the size in the object's change, over sizes up to ``largest`` pixels: 2 for a mean.

        NaN with fewer than two such sizes, or where the object changes nothing.
        """
        used = np.array(self.sizes) <= largest
        change = self.object_change[used, layer]
        if used.sum() < 2 or not (change > 0).all():
            return math.nan
        return float(np.polyfit(np.log(np.array(self.sizes)[used]), np.log(change), 1)[0])


def default_sizes(vit: ViT) -> tuple[int, ...]:
    """Return the patch's own size and up to seven from 1 pixel to twice the patch, evenly spaced in their logarithm."""
    side = max(vit.grid.patch_size)
    largest = min(2 * side, *vit.image_size)
    spaced = {round(size) for size in np.geomspace(1, largest, 7)}
    near = {size for size in spaced if side < size < 1.3 * side}
    return tuple(sorted(spaced - near | {min(side, largest)}))


@checked
def run(
    vit: ViT,
    image: Picture,
    *,
    patch: int | None = None,
    sizes: Sequence[int] | None = None,
    detector: Detector | None = None,
    samples: int = 12,
    seed: int = 0,
    progress: Progress | None = None,
) -> PastedObject:
    """Paste an object of several sizes on a photo, add noise to other copies, and compare what a token makes of both.

    ``patch`` None is the middle one. ``detector`` gives brightness and noise, on pixels from 0 to 1, and the
    alignment; its patch size is the model's own. Values are not clipped, so that the input stays a plain sum. One
    forward pass a size and a sample, and one for the photo itself.

    Raises OptionError for a patch that does not exist, sizes that do not fit into the picture, fewer than two samples.
    """
    detector = detector or Detector(brightness=0.2, noise=0.2)
    middle = vit.grid.rows // 2 * vit.grid.columns + vit.grid.columns // 2
    place = middle if patch is None else check_index("Patch", patch, vit.grid.patches)
    wanted = tuple(default_sizes(vit) if sizes is None else sorted(set(sizes)))
    if samples < 2 or not wanted:
        raise OptionError(
            "{samples} samples of noise and {sizes} sizes were asked for; wanted at least two samples and "
            "one size. 12 samples are a good start.",
            samples=samples,
            sizes=len(wanted),
        )
    pixels = input_of(vit, image).float().cpu()
    check_normalised(vit, pixels)
    boxes = tuple(_box(vit, place, size, detector.alignment) for size in wanted)
    sign = _sign(vit, pixels, place)
    inputs = [pixels + sign * _painted(vit, box, detector.brightness) for box in boxes]
    generator = torch.Generator().manual_seed(seed)
    unit = torch.tensor(vit.std)[:, None, None]  # a step of 1 in brightness is 1 / std in the input
    noises = [torch.randn(pixels.shape, generator=generator) * detector.noise / unit for _ in range(samples)]
    runs = [pixels, *inputs, *(pixels + noise for noise in noises)]
    tokens, reads = [], []
    for done, pasted in enumerate(runs):
        token, read = _read(vit, pasted, place)
        tokens.append(token)
        reads.append(read)
        report(progress, done + 1, len(runs))
    return _compared(place, wanted, boxes, sign, torch.stack(tokens), torch.stack(reads))


def _compared(
    place: int, sizes: tuple[int, ...], boxes: tuple[Box, ...], sign: int, tokens: Tensor, reads: Tensor
) -> PastedObject:
    """Return the result from the tokens (run, layer, channel) and the embeddings (run, channel), the photo first."""
    length = tokens[0].norm(dim=-1)  # (layer,)
    changes = tokens[1:] - tokens[0]
    objects, noises = changes[: len(sizes)], changes[len(sizes) :]
    size = objects.norm(dim=-1)  # (size, layer)
    direction = objects / size.clamp_min(1e-30)[..., None]  # (size, layer, channel)
    along = torch.einsum("slc,nlc->nsl", direction, noises)  # (sample, size, layer)
    spread = along.square().mean(0).sqrt()
    away = 1 - torch.nn.functional.cosine_similarity(reads[1:], reads[:1], dim=-1)
    return PastedObject(
        place,
        sizes,
        boxes,
        sign,
        (size / length).numpy(),
        (noises.norm(dim=-1) / length).numpy(),
        (size / spread.clamp_min(1e-30)).numpy(),
        away[: len(sizes)].numpy(),
        away[len(sizes) :].numpy(),
    )


def _read(vit: ViT, pixels: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """Return the token of a patch in every layer, (layer, channel), and the embedding, (channel,)."""
    traced = trace(vit, pixels)
    index = traced.grid.token(place)
    rows = torch.stack([stream[index] for stream in traced.streams])
    return rows.cpu().double(), traced.embedding.cpu().double()


def _sign(vit: ViT, pixels: Tensor, place: int) -> int:
    """Return whether to brighten (1) or to darken (−1), so that the object stays within the range of a picture."""
    left, top, right, bottom = vit.grid.box(place)
    std, mean = (torch.tensor(values)[:, None, None] for values in (vit.std, vit.mean))
    ground = pixels[:, top:bottom, left:right] * std + mean
    return 1 if float(ground.mean()) <= 0.5 else -1


def _painted(vit: ViT, box: Box, brightness: float) -> Tensor:
    """Return what an object adds to the input: (3, height, width)."""
    left, top, right, bottom = box
    height, width = vit.image_size
    covered = np.outer(line_coverage(top, bottom, height), line_coverage(left, right, width))
    unit = torch.tensor(vit.std)[:, None, None]
    return torch.from_numpy(covered).float()[None] * brightness / unit


def _box(vit: ViT, place: int, size: int, alignment: str) -> Box:
    """Return where an object of a size lies: inside the patch, or centred on one of its borders or corners."""
    row, column = vit.grid.position(place)
    (tall, wide), (height, width) = vit.grid.patch_size, vit.image_size
    top = _start(row, vit.grid.rows, tall, size, height, centred=alignment == CORNER)
    left = _start(column, vit.grid.columns, wide, size, width, centred=alignment != INSIDE)
    return left, top, left + size, top + size


def _start(index: int, patches: int, patch: int, size: int, side: int, *, centred: bool) -> float:
    if centred:  # about the border to the next patch, or to the one before for the last
        start = (index + 1 if index + 1 < patches else index) * patch - size / 2
    elif size <= patch:
        start = float(index * patch + (patch - size) // 2)
    else:  # from the patch's border on, or up to its other border where the picture ends
        start = float(index * patch if index * patch + size <= side else (index + 1) * patch - size)
    if size < 1 or start < 0 or start + size > side:
        raise OptionError(
            "An object of {size} pixels does not fit there into a picture of {side} pixels; wanted 1 pixel "
            "or more, and room on both sides. Choose a smaller object, or a patch nearer to the middle.",
            size=size,
            side=side,
        )
    return start
