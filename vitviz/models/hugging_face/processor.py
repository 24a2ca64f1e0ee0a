"""A picture as transformers' own image processor makes it, and the same for another size."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import OptionError
from vitviz.models.assumptions import PREPARATION, Assumption
from vitviz.models.hugging_face.families import Colours
from vitviz.models.hugging_face.library import quiet, transformers

Size = tuple[int, int]
_RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
"""Pillow's numbers."""
_PROBES = ((0, 0, 0), (255, 255, 255), (32, 128, 224))


class ProcessorTransform:
    """From an RGB picture to the (3, height, width) input: a call of the processor, not a copy of its steps."""

    def __init__(self, processor: Any, size: Size) -> None:
        """Ask the processor for a size; at its own size nothing is asked."""
        self.processor, self.size = processor, size
        self.options = _options(processor, size)

    def __call__(self, picture: Image.Image) -> Tensor:
        """Return the processor's pixel values; raises OptionError if they are no picture of the size."""
        try:
            values = self.processor(images=picture, return_tensors="pt", **self.options)["pixel_values"]
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._refusal(Clause("fails ({error})", error=error)) from error
        shape = tuple(values.shape) if isinstance(values, Tensor) else None
        if not isinstance(values, Tensor) or shape != (1, 3, *self.size):
            raise self._refusal(Clause("makes pixel values of shape {shape} of a picture", shape=shape))
        return values[0]

    def _refusal(self, why: str) -> OptionError:
        return OptionError(
            "The processor {kind} {why}; wanted (1, 3, {height}, {width}). Give another "
            "processor, or transform=…, a function from a PIL picture to that tensor.",
            kind=type(self.processor).__name__,
            why=why,
            height=self.size[0],
            width=self.size[1],
        )


def image_processor(processor: Any) -> Any:
    """Return the image processor itself, which may be part of one for pictures and texts.

    Raises OptionError for an object that is none.
    """
    inner = getattr(processor, "image_processor", processor)
    if not callable(inner) or not hasattr(inner, "image_mean"):
        raise OptionError(
            "The processor is a {kind}; wanted an image processor of transformers, such as "
            "AutoImageProcessor.from_pretrained returns. For a function of your own use "
            "transform=….",
            kind=type(processor).__name__,
        )
    return inner


def own_size(processor: Any) -> Size | None:
    """Return the height and width that a processor makes of any picture, or None if that depends on the picture."""
    size, crop = _sides(getattr(processor, "size", None)), _sides(getattr(processor, "crop_size", None))
    if getattr(processor, "do_center_crop", False) and {"height", "width"} <= crop.keys():
        return int(crop["height"]), int(crop["width"])
    if getattr(processor, "do_resize", False) and {"height", "width"} <= size.keys():
        return int(size["height"]), int(size["width"])
    return None


def colours_of(processor: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and deviation that a processor normalises by, on values in [0, 1]."""
    factor = 255 * float(processor.rescale_factor) if getattr(processor, "do_rescale", True) else 255.0
    normal = bool(getattr(processor, "do_normalize", True))
    mean, std = (_three(processor.image_mean), _three(processor.image_std)) if normal else ((0.0,) * 3, (1.0,) * 3)
    return tuple(value / factor for value in mean), tuple(value / factor for value in std)


def crop_of(transform: ProcessorTransform) -> dict[str, Any]:
    """Return what a processor does to the shape of a picture: crop, interpolation and crop_mode, in timm's words."""
    processor, (height, _width) = transform.processor, transform.size
    asked = transform.options.get("size") or _sides(getattr(processor, "size", None))
    cropped = bool(transform.options.get("do_center_crop", getattr(processor, "do_center_crop", False)))
    resized = asked.get("shortest_edge") or asked.get("height") or height
    name = _RESAMPLING.get(int(getattr(processor, "resample", None) or 2), "bilinear")
    mode = "center" if "shortest_edge" in asked else "squash"
    return {"crop": min(1.0, height / resized) if cropped else 1.0, "interpolation": name, "crop_mode": mode}


def notes_on(transform: ProcessorTransform) -> tuple[str, ...]:
    """Return what of a processor cannot be reproduced elsewhere; it is run on three pictures of one colour."""
    told: list[str] = []
    if own_size(transform.processor) is None:
        height, width = transform.size
        told.append(
            Clause(
                "its processor keeps the shape of a picture: its middle is cut to {height} × {width} pixels",
                height=height,
                width=width,
            )
        )
    mean, std = (torch.tensor(values)[:, None, None] for values in colours_of(transform.processor))
    for colour in _PROBES:
        values = transform(Image.new("RGB", (80, 61), colour))
        wanted = (torch.tensor(colour)[:, None, None] / 255 - mean) / std
        if not torch.allclose(values.float(), wanted.expand_as(values), atol=0.02):
            told.append(
                Clause("its processor changes colours by more than a mean and a deviation: inputs are shown changed")
            )
            break
    return tuple(told)


def assumed_processor(colours: Colours, size: Size) -> Any:
    """Return a processor for a model that comes without one: the whole picture, resized, in its family's colours."""
    mean, std = colours
    with quiet():
        return transformers().ViTImageProcessor(
            size={"height": size[0], "width": size[1]}, resample=3, image_mean=list(mean), image_std=list(std)
        )


def assumed_note(colours: Colours, size: Size) -> str:
    """Return in words what was assumed of a model without a processor."""
    mean = ", ".join(f"{value:.3g}" for value in colours[0])
    return Assumption.of(
        PREPARATION,
        "no processor was given: pictures are resized to {height} × {width} pixels and "
        "normalised as the published models of its kind are (mean {mean})",
        height=size[0],
        width=size[1],
        mean=mean,
    )


def _options(processor: Any, size: Size) -> dict[str, Any]:
    """Return what a processor is asked for, so that it makes a size: nothing if it is its own."""
    own = own_size(processor)
    if own == size:
        return {}
    frame = {"height": size[0], "width": size[1]}
    given = _sides(getattr(processor, "size", None))
    if own is None:
        shortest = given.get("shortest_edge", max(size))
        return {"size": {"shortest_edge": max(shortest, *size)}, "do_center_crop": True, "crop_size": frame}
    if not getattr(processor, "do_center_crop", False):
        return {"size": frame}
    scale = max(size[0] / own[0], size[1] / own[1])
    if "shortest_edge" in given:
        return {"size": {"shortest_edge": max(round(given["shortest_edge"] * scale), *size)}, "crop_size": frame}
    resized = {side: round(length * frame[side] / own[index]) for index, (side, length) in enumerate(_frame(given))}
    return {"size": resized, "crop_size": frame}


def _frame(given: dict[str, int]) -> list[tuple[str, int]]:
    return [(side, int(given[side])) for side in ("height", "width")]


def _sides(size: Any) -> dict[str, int]:
    """Return the entries of a processor's size that are set."""
    if size is None:
        return {}
    names = ("height", "width", "shortest_edge", "longest_edge")
    given = size if isinstance(size, dict) else {name: getattr(size, name, None) for name in names}
    return {name: int(value) for name in names if (value := given.get(name)) is not None}


def _three(values: Any) -> tuple[float, ...]:
    listed = np.broadcast_to(np.asarray(values, dtype=np.float64), (3,))
    return tuple(float(value) for value in listed)
