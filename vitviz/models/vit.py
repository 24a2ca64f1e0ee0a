"""ViT: a loaded Vision Transformer, whatever its family, with its geometry and its preprocessing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from vitviz.capture.observed import Observed
from vitviz.capture.shell import shell_of
from vitviz.capture.tap import watch_blocks
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.images import Source, open_image
from vitviz.models.class_names import ClassNames, listed_names
from vitviz.models.geometry import check_size, grid_of, height_and_width
from vitviz.models.hugging_face.adapter import HuggingFaceViT
from vitviz.models.hugging_face.wrapping import adapted, data_settings, notes_of
from vitviz.models.hugging_face.wrapping import class_names as own_class_names
from vitviz.models.support import check_family, probe
from vitviz.models.turn_lock import TurnLock
from vitviz.record import Record


@dataclass(frozen=True, eq=False)
class ViT(Record):
    """A loaded Vision Transformer in eval mode.

    ``module`` is the caller's own and is never hooked or changed: forward passes run on ``shell``, a tree of
    module objects that shares its weights and was proven to answer as a plain call of ``module`` does. ``lock`` admits
    one pass at a time; long work holds it for a batch and lets others go first.
    """

    name: str
    """The name it was loaded by, such as "default" or "timm:vit_base_patch16_224"."""
    module: nn.Module
    """The model itself."""
    grid: PatchGrid
    """Its tokens for an input of ``image_size``."""
    image_size: tuple[int, int]
    """Height and width in pixels of its input."""
    mean: tuple[float, ...]
    """Mean of each colour channel that preprocessing subtracts, on values in [0, 1]."""
    std: tuple[float, ...]
    """Standard deviation of each colour channel that preprocessing divides by."""
    transform: Callable[[Image.Image], Tensor]
    """From an RGB picture to the (3, height, width) input."""
    class_names: tuple[str, ...]
    """Readable names of the classes; empty for a model without a classifier."""
    heads: tuple[int, ...]
    """Number of attention heads of each layer."""
    framing: Callable[[Image.Image], Tensor] | None = field(default=None, repr=False)
    """The transform for the same crop at three times the size, to look at; None for a transform of the caller's."""
    weights: str = "unknown"
    """Where the weights come from: a file's name and SHA-256, "random, seed 0", a hub's tag."""
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    """What was assumed of the module when it was wrapped."""
    observed: Observed = field(repr=False, kw_only=True)
    lock: TurnLock = field(default_factory=TurnLock, repr=False, kw_only=True)

    @property
    def shell(self) -> nn.Module:
        """The module tree that forward passes run on.

        Raises CaptureError if ``module`` was changed after it was wrapped, and no longer answers as this tree does.
        """
        return self.observed.shell_for(self.module)

    @property
    def channels(self) -> int:
        """Number of channels of its input: red, green and blue."""
        return 3

    @property
    def layers(self) -> int:
        """Number of transformer blocks."""
        return len(self.heads)

    @property
    def has_classifier(self) -> bool:
        """Whether the model answers with classes, rather than with an embedding only."""
        return bool(self.class_names)

    @property
    def device(self) -> torch.device:
        """The device that holds the weights."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The precision that its input has: that of its first weights in floating point."""
        return next(each.dtype for each in self.module.parameters() if each.is_floating_point())

    @classmethod
    def from_module(
        cls,
        module: nn.Module,
        *,
        name: str | None = None,
        transform: Callable[[Image.Image], Tensor] | None = None,
        class_names: ClassNames | None = None,
        image_size: tuple[int, int] | int | None = None,
        weights: str = "as given",
        processor: Any = None,
    ) -> ViT:
        """Wrap your own timm-style Vision Transformer, or one of Hugging Face's; the module is not modified.

        A model of ``transformers`` is held by an adapter, ``vit.module``, whose ``model`` it is, and ``processor`` is
        its image processor: pictures are prepared by it, and ``id2label`` names the classes. ``notes`` tell what was
        assumed.
        ``transform`` and ``image_size`` (height and width in pixels, or one number for a square) default to the
        module's own timm data config. ``class_names`` are in the order of the outputs, or a dictionary from index to
        name or from name to index. Classes are counted in what the classifier returns; a head that hands the
        embedding on is no classifier.
        What is observed is proven: a plain call of the module must answer the same. Changed weights are seen at
        once; any other change is noticed at the next pass, which proves the answer again and raises CaptureError if
        it is another one: wrap the module again then.
        Raises UnsupportedModelError, with the reason, for a model without global attention over patches, or whose
        plain call answers something else than is observed; OptionError for a size that the patches do not cover, and
        for class names that do not fit.
        """
        name = name or type(module).__name__
        module = adapted(name, module, processor)
        check_family(name, module)
        data = data_settings(module, None if image_size is None else height_and_width(image_size))
        grid = grid_of(module, data.image_size)
        check_size(name, module, data.image_size)
        if isinstance(module, HuggingFaceViT):
            module.check_size(name, data.image_size)
        shell = shell_of(module)
        watch_blocks(shell.blocks.children())  # type: ignore[union-attr]
        seen = probe(name, shell, grid, data.image_size)
        names = _class_names(name, module, seen.classes, class_names)
        return cls(
            name,
            module,
            grid,
            data.image_size,
            data.mean,
            data.std,
            transform or data.transform,
            names,
            seen.heads,
            None if transform else data_settings(module, _times(data.image_size, 3)).transform,
            weights,
            notes=notes_of(module, data, own_transform=transform is not None),
            observed=Observed(name, module, shell, data.image_size, answer=seen.answer),
        )

    def preprocess(self, image: Source) -> Tensor:
        """Return the model's input for a picture: (3, height, width), normalised.

        ``image`` is anything that ``vitviz.open_photo`` takes. Raises what that raises, and GridError if the transform
        returns another shape than the patch grid needs.
        """
        pixels = self.transform(open_image(image))
        if tuple(pixels.shape) != (3, *self.image_size):
            raise GridError(
                f"The transform returned a tensor of shape {tuple(pixels.shape)}; wanted (3, {self.image_size[0]}, "
                f"{self.image_size[1]}). Give ViT.from_module a transform for that size, or another image_size."
            )
        return pixels

    def picture(self, pixels: Tensor) -> NDArray[np.uint8]:
        """Return the picture that an input shows, undoing the normalisation: (height, width, 3), 0 to 255."""
        mean = torch.tensor(self.mean)[:, None, None]
        std = torch.tensor(self.std)[:, None, None]
        image = pixels.detach().to("cpu", torch.float32) * std + mean  # (3, height, width)
        result: NDArray[np.uint8] = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return result

    def frame(self, image: Source) -> NDArray[np.uint8]:
        """Return the crop of a picture that the model sees, (height, width, 3), at up to three times the model's size.

        It is for looking at: patches are easier to recognise there. ``picture`` shows the pixels that the model gets.
        """
        rgb = open_image(image)
        return self.picture(self.preprocess(rgb) if self.framing is None else self.framing(rgb))

    def class_name(self, index: int) -> str:
        """Return the readable name of a class; raises OptionError if the model has no such class."""
        if not 0 <= index < len(self.class_names):
            have = f"classes 0 to {len(self.class_names) - 1}" if self.class_names else "no classifier"
            raise OptionError(f"There is no class {index}: {self.name} has {have}. Choose another target.")
        return self.class_names[index]


def _times(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return size[0] * factor, size[1] * factor


def _class_names(name: str, module: nn.Module, count: int, given: ClassNames | None) -> tuple[str, ...]:
    if given is None:
        return own_class_names(module, count)
    names = listed_names(given)
    if len(names) != count:
        advice = "Give one name per class, in the order of the classifier's outputs."
        raise OptionError(
            f"{len(names)} class names were given for {name}, which has {count} classes. "
            f"{advice if count else 'It has no classifier: leave them out.'}"
        )
    return names
