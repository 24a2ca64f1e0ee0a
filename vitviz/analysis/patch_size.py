"""A loaded model at other patch sizes: its patch embedding resized by pseudo-inverse, its positions interpolated.

FlexiViT (Beyer et al. 2023, section 3.4): a patch enlarged by the bicubic resize B should give the token that it gave
before, ⟨ŵ, B x⟩ = ⟨w, x⟩ for every patch x. For a larger patch ŵ = (Bᵀ)⁺ w does so exactly; for a smaller one, where B
loses detail, it is the best approximation for patches of white noise. Only FlexiViTs were trained for it: other models
meet tokens at an unfamiliar scale, and their answers show how well they bear that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from vitviz.analysis.input_sizes import input_for, rewrapped
from vitviz.analysis.macs import multiply_accumulates
from vitviz.argument import checked
from vitviz.capture.shell import private_shell
from vitviz.clause import Clause
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.grid import PatchGrid
from vitviz.models import timm_door
from vitviz.models.geometry import patch_size_of
from vitviz.models.hugging_face.adapter import HuggingFaceViT
from vitviz.models.inputs import Picture, input_of
from vitviz.models.vit import ViT
from vitviz.progress import Progress, report
from vitviz.record import Record
from vitviz.trace import trace

SIZES = (7, 8, 10, 12, 14, 16, 20, 24, 28, 32)


@dataclass(frozen=True)
class PatchSizeAnswer(Record):
    """What a model says about a picture when it cuts it into patches of one size, and what that costs."""

    patch_size: int
    """Side of a patch in pixels."""
    image_size: tuple[int, int]
    """Height and width of the input in pixels: the model's own, or the nearest that whole patches cover."""
    adjusted: bool
    """Whether the patches do not cover the model's own image size, so that ``image_size`` is another one."""
    grid: PatchGrid
    """The tokens."""
    macs: int
    """Multiply–accumulate operations of one forward pass."""
    seconds: float
    """Time of the forward pass."""
    top: tuple[tuple[int, float], ...]
    """The five best (class, probability); empty for a model without a classifier."""
    cosine: float
    """Cosine between this embedding and the one at the model's own patch size."""
    native: bool
    """Whether this is the model's own patch size."""

    @property
    def tokens(self) -> int:
        """Number of tokens, prefix tokens included."""
        return self.grid.tokens


@checked
def patch_sizes(
    vit: ViT,
    image: Picture,
    *,
    sizes: Sequence[int] = SIZES,
    progress: Progress | None = None,
    preview: Callable[[tuple[PatchSizeAnswer, ...]], object] | None = None,
) -> tuple[PatchSizeAnswer, ...]:
    """Run a picture through a model at several patch sizes, in rising order; the model itself is not changed.

    ``sizes`` are sides in pixels. The image size stays where patches of that size cover it; else it is the nearest
    that they cover, and ``adjusted`` says so. A picture is prepared anew for it; an input tensor is resized. Large
    patches come first, because they take least; ``preview`` is given the answers after each size.

    Raises OptionError for a size that does not fit into the picture, UnsupportedModelError for a model whose patch
    embedding cannot be resized, and StoppedError if ``progress`` returns False.

    >>> [answer.tokens for answer in vitviz.patch_sizes(vit, "photo.jpg", sizes=(14, 28))]
    [257, 65]
    """
    wanted = sorted(set(sizes))
    if not wanted:
        raise OptionError("There are no patch sizes; wanted at least one. Leave sizes out for 7 to 32 pixels.")
    for size in wanted:
        _check(vit, size)
    native = trace(vit, input_of(vit, image)).embedding.float()
    answers: tuple[PatchSizeAnswer, ...] = ()
    for size in reversed(wanted):
        answers = (_answer(vit, with_patch_size(vit, size), size, image, native), *answers)
        report(progress, len(answers), len(wanted))
        if preview is not None:
            preview(answers)
    return answers


@checked
def with_patch_size(vit: ViT, patch_size: int) -> ViT:
    """Return the model for another patch size; it shares all weights but its patch embedding and its positions.

    At its own patch size it is the model itself. Elsewhere the embedding is resized by pseudo-inverse (module
    docstring) and the positions as timm interpolates them. The image size is the model's own, or the nearest that
    whole patches cover.

    Raises OptionError for a size that does not fit into the picture, UnsupportedModelError, with the reason, for a
    model whose patch embedding is not one convolution of the patch's size.

    >>> vitviz.with_patch_size(vit, 28).grid
    PatchGrid(rows=8, columns=8, patch_size=(28, 28), prefix=('class',))
    """
    _check(vit, patch_size)
    if patch_size_of(vit.body) == (patch_size, patch_size):
        return vit
    image_size = covered(vit.image_size, patch_size)
    shell = private_shell(vit.module)
    body = vit.body_in(shell)
    _resize_embedding(body.patch_embed, patch_size)
    try:
        body.set_input_size(img_size=image_size, patch_size=(patch_size, patch_size))
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        raise _refused(vit, Clause("its positions cannot be interpolated ({error})", error=f"{error}")) from error
    return rewrapped(vit, shell, image_size)


def covered(image_size: tuple[int, int], patch_size: int) -> tuple[int, int]:
    """Return the image size nearest to a given one that whole patches cover; at least one patch."""
    height, width = (max(1, round(side / patch_size)) * patch_size for side in image_size)
    return height, width


def why_not_resizable(vit: ViT) -> Clause | None:
    """Return why the patch embedding of a model cannot be resized, or None if it can."""
    if isinstance(vit.module, HuggingFaceViT):
        return Clause(
            "the code of transformers keeps its patch size in many places; the same model of timm can be brought"
        )
    embedding: Any = getattr(vit.body, "patch_embed", None)
    projection = getattr(embedding, "proj", None)
    if getattr(embedding, "backbone", None) is not None:
        return Clause("its patches are made by a convolutional network of several layers")
    if not isinstance(projection, nn.Conv2d):
        kind = type(projection if embedding is not None else vit.body).__name__
        return Clause("its patches are not made by a convolution ({kind})", kind=kind)
    sizes = projection.kernel_size, projection.stride
    if sizes != (patch_size_of(vit.body),) * 2:
        size, step = sizes
        return Clause("its patches overlap or leave gaps (convolution of {size}, step {step})", size=size, step=step)
    if not hasattr(vit.body, "set_input_size"):
        return Clause("{kind} takes one grid of positions only", kind=type(vit.body).__name__)
    return None


def resized_embedding(weight: Tensor, patch_size: tuple[int, int]) -> Tensor:
    """Return the kernel (channel, colour, height, width) of a patch embedding for another patch size.

    Pseudo-inverse resize, FlexiViT eq. 4, with the bicubic antialiased resize of timm; the same size gives the same
    tensor.
    """
    return timm_door.resample_patch_embedding(weight, patch_size)


def _answer(vit: ViT, model: ViT, size: int, image: Picture, native: Tensor) -> PatchSizeAnswer:
    traced = trace(model, input_for(vit, model, image))
    return PatchSizeAnswer(
        patch_size=size,
        image_size=model.image_size,
        adjusted=model.image_size != vit.image_size,
        grid=model.grid,
        macs=multiply_accumulates(model),
        seconds=traced.seconds,
        top=tuple(traced.top()),
        cosine=float(functional.cosine_similarity(traced.embedding.float(), native, dim=0)),
        native=model is vit,
    )


def _resize_embedding(embedding: Any, size: int) -> None:
    """Give the patch embedding of a private shell the kernel for another patch size."""
    projection = embedding.proj
    kernel = resized_embedding(projection.weight.detach(), (size, size))
    projection.weight = nn.Parameter(kernel, requires_grad=False)
    projection.kernel_size = projection.stride = embedding.patch_size = (size, size)


def _check(vit: ViT, size: int) -> None:
    reason = why_not_resizable(vit)
    if reason is not None:
        raise _refused(vit, reason)
    if not 1 <= size <= min(vit.image_size):
        raise OptionError(
            "Patches of {size} pixels cannot be cut from a picture of {height} × {width}; wanted 1 to "
            "{most}. 7 to 32 is usual.",
            size=size,
            height=vit.image_size[0],
            width=vit.image_size[1],
            most=min(vit.image_size),
        )


def _refused(vit: ViT, reason: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        "{name} cannot be brought to another patch size: {reason}. Wanted a patch embedding of "
        "one convolution of the patch's size, as in ViT, DeiT, DINOv2, CLIP or FlexiViT. Choose "
        "one of those.",
        name=vit.name,
        reason=reason,
    )
