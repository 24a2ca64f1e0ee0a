"""Preprocessing as numbers that can be looked at and changed: mean, deviation, crop and interpolation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image
from torch import Tensor

from vitviz.errors import OptionError, check_choice, check_number
from vitviz.models import timm_door
from vitviz.models.hugging_face.processor import ProcessorTransform, crop_of
from vitviz.record import Record

INTERPOLATIONS = ("bicubic", "bilinear", "nearest", "lanczos", "box", "hamming")
CROP_MODES = ("center", "squash", "border")
Colours = float | tuple[float, ...]
"""One number for all three channels, or one for each."""


@dataclass(frozen=True)
class Preprocessing(Record):
    """How an RGB picture becomes the input of a model, in timm's words."""

    mean: tuple[float, ...]
    """What is subtracted of each channel, on values in [0, 1]."""
    std: tuple[float, ...]
    """What each channel is then divided by."""
    crop: float = 1.0
    """Side of the crop as a share of the resized picture, in (0, 1]."""
    interpolation: str = "bicubic"
    """One of INTERPOLATIONS."""
    crop_mode: str = "center"
    """What becomes of a picture of another shape: "center" cuts out its
    middle, "squash" distorts it, "border" adds to it."""

    def __post_init__(self) -> None:
        check_choice("interpolation", self.interpolation, INTERPOLATIONS)
        check_choice("crop_mode", self.crop_mode, CROP_MODES)
        if not 0.05 <= self.crop <= 1:
            raise OptionError(
                "crop is {crop}; wanted a share of the picture from 0.05 to 1. 0.875 is usual.",
                crop=self.crop,
            )
        _check_colours("mean", self.mean, positive=False)
        _check_colours("std", self.std, positive=True)

    def for_size(self, image_size: tuple[int, int]) -> Prepared:
        """Return the transform from an RGB picture to the (3, height, width) input of a size."""
        transform = timm_door.transform_for(
            image_size,
            mean=self.mean,
            std=self.std,
            crop_pct=self.crop,
            interpolation=self.interpolation,
            crop_mode=self.crop_mode,
        )
        return Prepared(self, transform)


@dataclass(frozen=True)
class Prepared(Record):
    """The transform of a preprocessing, which it remembers."""

    preprocessing: Preprocessing
    transform: Callable[[Image.Image], Tensor]

    def __call__(self, picture: Image.Image) -> Tensor:
        """Return the (3, height, width) input of a picture."""
        return self.transform(picture)


def preprocessing_of(
    transform: Callable[[Image.Image], Tensor], mean: tuple[float, ...], std: tuple[float, ...]
) -> Preprocessing | None:
    """Return the preprocessing that a model's transform does, or None for one that is not made of such numbers."""
    if isinstance(transform, Prepared):
        return transform.preprocessing
    return Preprocessing(mean, std, **crop_of(transform)) if isinstance(transform, ProcessorTransform) else None


def check_colours(name: str, channels: int) -> None:
    """Raise OptionError for a model whose input is no picture of three channels."""
    if channels != 3:
        raise OptionError(
            "The input of {name} has {channels} channels, and these settings are of pictures in "
            "red, green and blue. Wrap it with ViT.from_module(module, transform=…).",
            name=name,
            channels=channels,
        )


def changed(
    known: Preprocessing | None, colours: tuple[tuple[float, ...], tuple[float, ...]], changes: Mapping[str, Any]
) -> Preprocessing:
    """Return a preprocessing with other values, by the names of its fields.

    Of a transform that is not known, mean and deviation are the model's ``colours``, or must be given.
    Raises OptionError for values that cannot be.
    """
    given = dict(changes)
    given |= {name: _three(name, given[name]) for name in ("mean", "std") if name in given}
    if known is not None:
        return replace(known, **given)
    if not all(colours) and not {"mean", "std"} <= given.keys():
        raise OptionError(
            "How the model normalises is not known; wanted mean=(…) and std=(…), three numbers each. Give both."
        )
    return Preprocessing(**{"mean": colours[0], "std": colours[1], **given})


def _three(name: str, given: Colours) -> tuple[float, ...]:
    several = isinstance(given, Iterable) and getattr(given, "ndim", 1) != 0
    parts: list[Any] = list(given) if several else [given] * 3  # type: ignore[arg-type]
    values = tuple(part if isinstance(part, float) else check_number(name, part) for part in parts)
    if len(values) != 3:
        raise OptionError(
            "{name} has {count} numbers; wanted one, or one for each of three channels.",
            name=name,
            count=len(values),
        )
    return values


def _check_colours(name: str, values: tuple[float, ...], *, positive: bool) -> None:
    if not all(math.isfinite(value) and (value > 0 or not positive) for value in values):
        wanted = "numbers above 0" if positive else "finite numbers"
        raise OptionError(
            "{name} is {given}; wanted {wanted}, on pixels from 0 to 1. Divide those of 0 to 255 by 255.",
            name=name,
            given=values,
            wanted=wanted,
        )
