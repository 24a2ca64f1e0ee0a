"""One picture at several input sizes: tokens, time, answer, and how far the feature moves from its native size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from vitviz.argument import checked
from vitviz.capture.shell import private_shell
from vitviz.errors import OptionError, UnsupportedModelError, VitvizError
from vitviz.images import Source
from vitviz.models.geometry import check_size
from vitviz.models.inputs import Picture, input_of
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace import trace

SIZES = (98, 140, 182, 224, 280, 336, 392, 448, 518)
Resize = Callable[[ViT, tuple[int, int]], ViT]
"""From a model and (height, width) to the model for that size."""


@dataclass(frozen=True)
class SizedAnswer(Record):
    """What a model says about a picture at one input size."""

    image_size: tuple[int, int]
    """Height and width in pixels."""
    tokens: int
    """Number of tokens, prefix tokens included."""
    seconds: float
    """Time of the forward pass."""
    top: tuple[tuple[int, float], ...]
    """The five best (class, probability); empty for a model without a classifier."""
    cosine: float
    """Cosine between this embedding and the one at the model's own size."""
    native: bool
    """Whether this is the model's own size."""


@checked
def input_sizes(vit: ViT, image: Picture, *, sizes: Sequence[int] = SIZES) -> tuple[SizedAnswer, ...]:
    """Run a picture through a model at several sizes; position vectors are interpolated as timm does it.

    ``sizes`` are the longer side in pixels; each is rounded to whole patches and keeps the model's aspect ratio. A
    picture is prepared anew for each size; an input tensor is resized. The model itself is not changed.
    Raises OptionError for a size below one patch or above 1024 pixels, UnsupportedModelError for a model that takes
    one size only.

    >>> [answer.tokens for answer in vitviz.input_sizes(vit, "photo.jpg", sizes=(98, 224))]
    [50, 257]
    """
    return tuple(input_size_steps(vit, image, sizes=sizes))


def input_size_steps(
    vit: ViT, image: Picture, *, sizes: Sequence[int] = SIZES, resize: Resize | None = None
) -> Iterator[SizedAnswer]:
    """Yield the answers of ``input_sizes`` as they are measured, smallest first, for a caller who shows progress.

    ``resize`` brings the model to another size in another way than ``resized``, such as ``truncated``.
    """
    wanted = sorted({rounded_size(vit, size) for size in sizes})
    if not wanted:
        raise OptionError("There are no input sizes; wanted at least one. Leave sizes out for 98 to 518 pixels.")
    native = trace(vit, input_of(vit, image)).embedding.float()
    for size in wanted:
        model = vit if size == vit.image_size else (resize or resized)(vit, size)
        pixels = input_for(vit, model, image)
        traced = trace(model, pixels)
        cosine = float(functional.cosine_similarity(traced.embedding.float(), native, dim=0))
        own = size == vit.image_size
        yield SizedAnswer(size, model.grid.tokens, traced.seconds, tuple(traced.top()), cosine, own)


def resized(vit: ViT, image_size: tuple[int, int]) -> ViT:
    """Return the model for another input size; it shares the weights, and only its positions are its own.

    Raises OptionError for a size that patches do not cover, UnsupportedModelError for a model that takes one only.
    """
    check_size(vit.name, vit.body, image_size)
    shell = private_shell(vit.module)
    body = vit.body_in(shell)
    if hasattr(body, "set_input_size"):
        try:
            body.set_input_size(img_size=image_size)
        except (RuntimeError, AssertionError, ValueError, TypeError) as error:
            raise _fixed(vit, image_size, str(error)) from error
    return rewrapped(vit, shell, image_size)


def rewrapped(vit: ViT, shell: nn.Module, image_size: tuple[int, int]) -> ViT:
    """Return a changed private shell of a model as a ViT of its own, with the model's names and preprocessing.

    Raises UnsupportedModelError if it does not take an input of that size.
    """
    transform = None if vit.framing is not None else partial(_from_native, vit, image_size)
    try:
        changed = ViT.from_module(
            shell,
            name=vit.name,
            image_size=image_size,
            class_names=vit.class_names if vit.has_classifier else None,
            transform=transform,
            weights=vit.weights,
            multi_label=vit.multi_label,
        )
    except UnsupportedModelError as error:
        raise _fixed(vit, image_size, str(error)) from error
    if vit.preprocessing not in (None, changed.preprocessing):  # chosen for this model, and not its module's own
        changed = changed.with_preprocessing(**vars(vit.preprocessing))
    if transform is None:
        changed = changed.with_crop(vit.crop)
    return replace(changed, lock=vit.lock)  # the weights are the model's own: one pass at a time for both


def _from_native(vit: ViT, image_size: tuple[int, int], image: Source) -> Tensor:
    """Prepare a picture by the caller's own transform, which knows one size, and resize the result."""
    return _resize(vit.preprocess(image), image_size)


def _resize(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(pixels.shape[1:]) == size:
        return pixels
    return functional.interpolate(pixels[None], size=size, mode="bicubic", antialias=True)[0]


def input_for(vit: ViT, model: ViT, image: Picture) -> Tensor:
    """Return a picture prepared for a resized model, or an input tensor of the model as it was, resized."""
    if isinstance(image, Tensor) and model is not vit:
        return _resize(input_of(vit, image), model.image_size)
    return input_of(model, image)


def rounded_size(vit: ViT, size: int) -> tuple[int, int]:
    """Return the input (height, width) of whole patches whose longer side is about ``size`` pixels."""
    patch = vit.grid.patch_size
    if not max(patch) <= size <= 1024:
        raise OptionError(
            "An input of {size} pixels cannot be used; wanted {patch} (one patch) to 1024.",
            size=size,
            patch=max(patch),
        )
    longer = max(vit.image_size)
    height, width = (
        max(1, round(size * side / longer / step)) * step for side, step in zip(vit.image_size, patch, strict=True)
    )
    return height, width


def _fixed(vit: ViT, size: tuple[int, int], why: str) -> VitvizError:
    return UnsupportedModelError(
        "{name} cannot take an input of {height} × {width} pixels ({why}); its own size is "
        "{other_height} × {other_width}. Choose a model whose positions can be interpolated.",
        name=vit.name,
        height=size[0],
        width=size[1],
        why=why,
        other_height=vit.image_size[0],
        other_width=vit.image_size[1],
    )
