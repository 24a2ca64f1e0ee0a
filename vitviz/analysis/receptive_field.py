"""Effective receptive fields by gradient: which pixels a token, or a place of a feature map, depends on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.convnet import ConvNet
from vitviz.analysis.inputs import Pictures, prepare
from vitviz.analysis.spread import (
    SHARES,
    GaussianFit,
    RadialProfile,
    area_ratios,
    gaussian_fit,
    radial_profile,
    root_mean_square_radius,
)
from vitviz.analysis.theoretical_field import TheoreticalField, theoretical_field
from vitviz.argument import checked
from vitviz.capture.graph import GraphWatch, pixel_gradient
from vitviz.capture.tap import AttentionTap
from vitviz.errors import OptionError, UnsupportedModelError, check_index, suggest
from vitviz.models.vit import ViT
from vitviz.progress import Progress, report
from vitviz.record import Result
from vitviz.trace.forward import at_least_float32

CENTRE, MEAN = "centre", "mean"


@dataclass(frozen=True, eq=False)
class ReceptiveField(Result):
    """The effective receptive field of one token or place at one depth, averaged over pictures.

    >>> field = vitviz.receptive_field(vit, "photo.jpg", layer=0)
    >>> field.values.shape, field.radius > 0
    ((224, 224), True)
    """

    model: str
    """Name of the model."""
    layer: int
    """The block whose output is read; -1 is the input of the first."""
    token: str
    """What is read: a prefix token's name, "mean", or the number of a patch (or of a place of the feature map)."""
    values: NDArray[np.float32]
    """(height, width) of the model's input: mean over the pictures of ReLU(∂ target / ∂ pixel), summed over colours."""
    per_image: NDArray[np.float32]
    """(image, height, width): the same for each picture."""
    place: tuple[float, float] | None
    """(row, column) in pixels of the centre of the patch that is read; None for a token that has no place."""
    theoretical: TheoreticalField | None
    """What a convolutional network can see at most; None for a ViT, which can see all from its first block on."""
    theoretical_box: tuple[int, int, int, int] | None
    """(left, top, right, bottom) of that field at the place, inside the picture."""
    notes: tuple[str, ...]
    """What the reader should know: pictures that were resized, a theoretical field that is not known."""
    outline: tuple[int, int, int, int] | None = None
    """(left, top, right, bottom) of the patch that is read; None for a token that has none, and for a network."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """The first picture as the model saw it, (height, width, 3); None where it is not known."""

    @property
    def origin(self) -> tuple[float, float]:
        """(row, column) that distances are counted from: the place, or the centre of the picture."""
        height, width = self.values.shape
        return self.place or ((height - 1) / 2, (width - 1) / 2)

    @property
    def area_ratios(self) -> dict[float, float]:
        """Share of the mass → share of the picture's area, of the smallest square around the origin that holds it."""
        return dict(zip(SHARES, area_ratios(self.values, self.origin), strict=True))

    @property
    def per_image_area_ratios(self) -> NDArray[np.float64]:
        """(image, share): the area ratios of each picture by itself; their scatter is the spread."""
        return np.array([area_ratios(values, self.origin) for values in self.per_image])

    @property
    def log_area_ratios(self) -> dict[float, float]:
        """The area ratios of log₁₀(values + 1), which RepLKNet's script draws and counts.

        They depend on the scale of the gradient, so compare them only within one model and protocol.
        """
        scaled = np.log10(self.values.astype(np.float64) + 1)
        return dict(zip(SHARES, area_ratios(scaled, self.origin), strict=True))

    @property
    def radius(self) -> float:
        """Root of the mean square distance from the origin, in pixels."""
        return root_mean_square_radius(self.values, self.origin)

    @property
    def per_image_radius(self) -> NDArray[np.float64]:
        """(image,) the radius of each picture by itself."""
        return np.array([root_mean_square_radius(values, self.origin) for values in self.per_image])

    @property
    def profile(self) -> RadialProfile:
        """The mass by distance from the origin."""
        return radial_profile(self.values, self.origin)

    @property
    def per_image_profiles(self) -> tuple[RadialProfile, ...]:
        """The profile of each picture by itself."""
        return tuple(radial_profile(values, self.origin) for values in self.per_image)

    @property
    def gaussian(self) -> GaussianFit:
        """The Gaussian with the map's mean and covariance (by moments)."""
        return gaussian_fit(self.values)


@checked
def receptive_field(
    model: ViT | ConvNet,
    images: Pictures,
    *,
    layer: int | None = None,
    token: str | int = CENTRE,
    progress: Progress | None = None,
) -> ReceptiveField:
    """Return the effective receptive field of a token or place after a layer, by gradient.

    The protocol is RepLKNet's (Ding et al. 2022, "Scaling Up Your Kernels to 31x31", after Luo et al. 2016,
    "Understanding the Effective Receptive Field"): target = ReLU of the token's channels, summed; gradient with
    respect to the pixels; ReLU of the gradient, summed over colours; mean over the pictures. The token is read from
    the residual stream, before the final norm: after a fresh LayerNorm the channel mean is constant, and its gradient
    is rounding noise.

    ``images`` is one picture or many, each as ``trace`` takes it; all are brought to the model's input size.
    ``layer`` counts from 0, the default is the last; -1 is the input of the first block.
    ``token`` is "centre" (the patch at rows // 2, columns // 2), "mean" (of the patches), the number of a patch or, in
    a convolutional network, of a place of the feature map, row by row, or a prefix token's name ("class").
    ``progress`` is called with (done, total) after every picture; False stops the work with StoppedError.

    Raises OptionError for a layer or token that the model has not, or a gradient that vanishes everywhere, and
    UnsupportedModelError for a model that cannot give gradients.

    >>> vitviz.receptive_field(vit, "photo.jpg", layer=0, token="centre").values.shape  # (height, width)
    (224, 224)
    """
    inputs, notes = prepare(model, images)
    if isinstance(model, ViT):
        layer = _layer(layer, model.layers)
        read = partial(_vit_tokens, model, layer)
        name, index, place = _vit_token(model, token)
        bound, box = None, None
        outline = model.grid.box(int(name)) if name.isdecimal() else None
        picture = model.picture(inputs[0])
    else:
        layer = _layer(layer, model.layers)
        read = partial(_places, model, layer)
        outline, picture = None, None
        name, index, place, bound, box, notes = _conv_place(model, layer, token, inputs[0], notes)
    listed = []
    with model.lock.long_work():
        for pixels in inputs:
            listed.append(_checked(_map_in_turn(model, read, pixels, index), name, layer))
            report(progress, len(listed), len(inputs))
    maps = np.stack(listed)
    mean = maps.mean(0, dtype=np.float64).astype(np.float32)
    return ReceptiveField(model.name, layer, name, mean, maps, place, bound, box, notes, outline, picture)


def _map_in_turn(model: ViT | ConvNet, read: Any, pixels: Tensor, tokens: Iterable[int]) -> NDArray[np.float32]:
    """Return the map of one picture; forward and backward pass are one turn at the model."""
    with model.lock:
        return gradient_map(read, pixels, tokens)


def gradient_map(read: Any, pixels: Tensor, tokens: Iterable[int]) -> NDArray[np.float32]:
    """Return ReLU(∂ Σ ReLU(token) / ∂ pixels) summed over the colours, (height, width).

    ``read`` takes (1, channel, height, width) and returns (token, channel); several ``tokens`` are averaged first.
    """
    with torch.inference_mode(False), torch.enable_grad():
        batch = at_least_float32(pixels[None].cpu()).clone().requires_grad_()
        target = read(batch)[list(tokens)].mean(0).relu().sum()
        gradient = pixel_gradient(target, batch)
    result: NDArray[np.float32] = gradient[0].relu().sum(0).float().cpu().numpy()  # (height, width)
    return result


def _layer(layer: int | None, layers: int) -> int:
    if layer is None:
        return layers - 1
    return -1 if layer == -1 else check_index("Layer", layer, layers)


def _vit_tokens(vit: ViT, layer: int, batch: Tensor) -> Tensor:
    shell: Any = vit.shell  # checked before the tap, which would follow every step of the check
    with AttentionTap() as tap:
        shell.forward_features(vit.as_input(batch))
        return tap.streams[layer][0]  # (token, channel)


def _vit_token(vit: ViT, token: str | int) -> tuple[str, list[int], tuple[float, float] | None]:
    """Return the name, the token indices and the place in pixels of what is to be read."""
    grid = vit.grid
    if token == MEAN:
        return MEAN, list(range(len(grid.prefix), grid.tokens)), None
    if token == CENTRE:
        token = grid.rows // 2 * grid.columns + grid.columns // 2
    index = grid.token(token)
    if index < len(grid.prefix):
        return str(token), [index], None
    left, top, right, bottom = grid.box(index - len(grid.prefix))
    return str(token), [index], ((top + bottom - 1) / 2, (left + right - 1) / 2)


def _places(net: ConvNet, layer: int, batch: Tensor) -> Tensor:
    with GraphWatch():
        features = net.features(net.as_input(batch), layer)[0]
    return features.flatten(1).mT  # (place, channel)


def _conv_place(
    net: ConvNet, layer: int, token: str | int, pixels: Tensor, notes: tuple[str, ...]
) -> tuple[str, list[int], Any, TheoreticalField | None, Any, tuple[str, ...]]:
    with torch.no_grad():
        rows, columns = net.features(net.as_input(pixels[None]), layer).shape[-2:]
    field: TheoreticalField | None = None
    try:
        field = theoretical_field(net, layer)
    except UnsupportedModelError as error:
        notes = (*notes, str(error))
    if token == MEAN:
        return MEAN, list(range(rows * columns)), None, field, None, notes
    number = rows // 2 * columns + columns // 2 if token == CENTRE else _number(net, token, rows, columns)
    row, column = divmod(number, columns)
    box = None if field is None else field.box(row, column, net.image_size)
    return (str(number), [number], _middle(field, row, column, (rows, columns), net.image_size), field, box, notes)


def _middle(
    field: TheoreticalField | None, row: int, column: int, shape: tuple[int, int], image_size: tuple[int, int]
) -> tuple[float, float]:
    """Return the pixel in the middle of what a place sees; by its share of the picture if the field is not known."""
    if field is None:
        return (row + 0.5) * image_size[0] / shape[0] - 0.5, (column + 0.5) * image_size[1] / shape[1] - 0.5
    axes = ((field.rows, row), (field.columns, column))
    down, across = ((axis.low + axis.high) / 2 + axis.jump * place for axis, place in axes)
    return min(max(down, 0), image_size[0] - 1), min(max(across, 0), image_size[1] - 1)


def _number(net: ConvNet, token: str | int, rows: int, columns: int) -> int:
    text = str(token)
    if text.isdecimal() and int(text) < rows * columns:
        return int(text)
    raise OptionError(
        "There is no token {token} in {name}: a convolutional network has no class token or other "
        'prefix tokens. Wanted "{centre}", "{mean}" or a place from 0 to {last} ({rows} × '
        "{columns}).{hint}",
        token=repr(token),
        name=net.name,
        centre=CENTRE,
        mean=MEAN,
        last=rows * columns - 1,
        rows=rows,
        columns=columns,
        hint=suggest(text, (CENTRE, MEAN)),
    )


def _checked(values: NDArray[np.float32], token: str, layer: int) -> NDArray[np.float32]:
    if not np.isfinite(values).all() or not values.any():
        raise OptionError(
            "The gradient of token {token} after layer {layer} is zero or not finite everywhere; "
            "wanted at least one pixel that it depends on. Choose another layer or token, or other "
            "weights.",
            token=token,
            layer=layer,
        )
    return values
