"""The command receptive-field: which pixels one token depends on, in a ViT or a convolutional network."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vitviz.analysis.attention_field import AttentionField, attention_field
from vitviz.analysis.convnet import ConvNet, load_convnet
from vitviz.analysis.receptive_field import CENTRE, ReceptiveField, receptive_field
from vitviz.cli import measurement, model_options, picture_options
from vitviz.cli.answer import Answer
from vitviz.cli.measurement import Measurement, chart_panels
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.figures.field import field_overlay
from vitviz.figures.sheet import Panel
from vitviz.images import Photo
from vitviz.models import timm_door
from vitviz.models.vit import ViT
from vitviz.numbers import percent
from vitviz.trace import trace

GRADIENT, ROLLOUT = "gradient", "rollout"


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "receptive-field",
        help="which pixels one token depends on, averaged over pictures",
        description="Effective receptive field of a token of a ViT, or of a place of a convolutional network: "
        "cnn, which is shipped, or a ResNet, ConvNeXt or EfficientNet of timm.",
        allow_abbrev=False,
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+", help=picture_options.HELP)
    measurement.add_out(parser)
    picture_options.add_to(parser.add_argument_group("photo"))
    model_options.add_to(parser.add_argument_group("model"))
    group = parser.add_argument_group("field")
    group.add_argument("--layer", type=int, help="block, counted from 0 (default: the last)")
    group.add_argument(
        "--token",
        default=CENTRE,
        help="centre, mean, a patch number or a special token such as class (default: centre)",
    )
    group.add_argument(
        "--by",
        choices=(GRADIENT, ROLLOUT),
        default=GRADIENT,
        help="gradient of the token by the pixels, or attention rollout, of a ViT only (default: gradient)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure the field, write the files, return what was found."""
    pictures = [measurement.picture(image, arguments) for image in arguments.images]
    model = load_either(arguments, pictures[0][1])
    photos = [photo for _, photo in pictures]
    if arguments.by == ROLLOUT:
        measured = _rollout(model, photos, arguments.layer, arguments.token)
    else:
        measured = _gradient(model, photos, arguments.layer, arguments.token)
    return measurement.finish("receptive-field", measured, model, pictures, arguments.out)


def load_either(arguments: argparse.Namespace, photo: Photo) -> ViT | ConvNet:
    """Return the ViT that the options name, or the convolutional network if it is one.

    Raises UnsupportedModelError, with the reason why it is no ViT, for a model that is neither.
    """
    try:
        return model_options.load(arguments, photo)
    except UnsupportedModelError as no_vit:
        if arguments.trained_size is not None:
            raise OptionError(
                f"--trained-size belongs to the positions of a ViT; {arguments.model} has none. Leave it out."
            ) from no_vit
        try:
            return _convnet(arguments)
        except UnsupportedModelError as no_convnet:
            raise UnsupportedModelError(f"{no_vit} Nor is it a network that is read as a CNN: {no_convnet}") from no_vit


def _convnet(arguments: argparse.Namespace) -> ConvNet:
    """Return the convolutional network that the options name, with the crop that they name."""
    given: dict[str, Any] = {
        "weights": arguments.weights,
        "seed": arguments.seed or 0,
        "device": arguments.device or "cpu",
        "precision": arguments.precision,
    }
    if arguments.picture_crop != picture_options.GRID:
        net = load_convnet(arguments.model, image_size=arguments.image_size, **given)
        return net.with_crop(arguments.picture_crop)
    raise OptionError(
        f"--crop grid shapes the patch grid of a ViT; {arguments.model} is a convolutional network. "
        "Give --image-size, such as 160x448."
    )


def _gradient(model: ViT | ConvNet, photos: Sequence[Photo], layer: int | None, token: str) -> Measurement:
    field = receptive_field(model, [photo.image for photo in photos], layer=layer, token=token)
    shown = field_overlay(
        _frame(model, photos[0]),
        field.values,
        cell=_cell(model),
        theoretical=field.theoretical_box,
        place=_box(model, field),
    )
    numbers = _numbers(field)
    half, most = (field.area_ratios[share] for share in (0.5, 0.99))
    words = [
        f"Radius {field.radius:.1f} px; half of the field lies in {percent(half)} of the picture, "
        f"99% in {percent(most)}."
    ]
    if len(photos) > 1:
        radii = field.per_image_radius
        words.append(f"Radius by picture: {radii.mean():.1f} ± {radii.std():.1f} px.")
    if field.theoretical is not None:
        height, width = field.theoretical.size
        words.append(f"It could see {height} × {width} px at most.")
    return Measurement(
        title=f"Receptive field of token {field.token} after layer {field.layer}",
        panels=[
            Panel(label="Share of the strongest square, in powers of ten", photo=shown),
            *chart_panels(field.profile, "Share within a distance"),
        ],
        arrays={"values": field.values, "per_image": field.per_image, "picture": _frame(model, photos[0])},
        numbers=numbers,
        words=[*words, *(f"{note[0].upper()}{note[1:].rstrip('.')}." for note in field.notes)],
        settings={"by": GRADIENT, "layer": field.layer, "token": field.token},
    )  # fmt: skip


def _numbers(field: ReceptiveField) -> dict[str, Any]:
    fit, box = field.gaussian, field.theoretical_box
    return {
        "radius": field.radius,
        "area_ratios": field.area_ratios,
        "log_area_ratios": field.log_area_ratios,
        "per_image_radius": field.per_image_radius,
        "per_image_area_ratios": field.per_image_area_ratios,
        "place": field.place,
        "gaussian": {"centre": fit.centre, "sigma": fit.sigma, "r_squared": fit.r_squared},
        "profile": {
            "radius": field.profile.radius,
            "density": field.profile.density,
            "cumulative": field.profile.cumulative,
        },
        "theoretical_size": None if field.theoretical is None else field.theoretical.size,
        "theoretical_box": box,
        "notes": field.notes,
    }


def _cell(model: ViT | ConvNet) -> int:
    """Return the side of the squares that are painted: at most half a patch (or 8 px), a divisor of both sides."""
    most = min(model.grid.patch_size) // 2 if isinstance(model, ViT) else 8
    height, width = model.image_size
    sides = range(1, max(1, most) + 1)
    return max(side for side in sides if height % side == 0 and width % side == 0)


def _box(model: ViT | ConvNet, field: ReceptiveField) -> tuple[int, int, int, int] | None:
    if isinstance(model, ViT) and field.token.isdecimal():
        return model.grid.box(int(field.token))
    return None


def _frame(model: ViT | ConvNet, photo: Photo) -> NDArray[np.uint8]:
    """Return the crop that the model sees, (height, width, 3)."""
    if isinstance(model, ViT):
        return model.frame(photo.image)
    data = timm_door.data_settings(model.module, model.image_size)
    mean, std = (torch.tensor(values)[:, None, None] for values in (data.mean, data.std))
    pixels = (model.preprocess(photo.image) * std + mean).clamp(0, 1) * 255
    shown: NDArray[np.uint8] = pixels.round().to(torch.uint8).permute(1, 2, 0).numpy()
    return shown


def _rollout(model: ViT | ConvNet, photos: Sequence[Photo], layer: int | None, token: str) -> Measurement:
    if not isinstance(model, ViT):
        raise UnsupportedModelError(
            f"{model.name} is a convolutional network and has no attention to roll out; wanted a ViT. "
            "Choose --by gradient, or another model."
        )
    fields = [attention_field(trace(model, photo.image), token=token, layer=layer) for photo in photos]
    values = np.mean([field.values for field in fields], 0)
    grid, name = model.grid, fields[0].token
    query = grid.position(int(name)) if name.isdecimal() else None
    first = fields[0]
    return Measurement(
        title=f"Attention rollout of token {name} up to layer {first.layer}",
        panels=[Panel(label="Share of each patch", photo=_frame(model, photos[0]), map=values, query=query)],
        arrays={"values": values, "per_image": np.stack([field.values for field in fields])},
        numbers={key: [getattr(field, key) for field in fields] for key in _MEASURES},
        words=[
            f"Half of it lies on {percent(_mean(fields, 'area_50'))} of the patches, "
            f"90% on {percent(_mean(fields, 'area_90'))}; special tokens get {percent(_mean(fields, 'special_share'))}."
        ],
        settings={"by": ROLLOUT, "layer": first.layer, "token": name},
    )  # fmt: skip


_MEASURES = ("special_share", "mean_distance", "area_50", "area_90", "effective_patches")


def _mean(fields: Sequence[AttentionField], name: str) -> float:
    return float(np.mean([getattr(field, name) for field in fields]))
