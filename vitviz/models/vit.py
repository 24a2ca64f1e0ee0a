"""ViT: a loaded Vision Transformer, whatever its family, with its geometry and its preprocessing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from vitviz.capture.shell import shell_of
from vitviz.capture.tap import watch_blocks
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.images import to_rgb
from vitviz.models import timm_door
from vitviz.models.geometry import check_size, grid_of
from vitviz.models.support import check_family, probe
from vitviz.record import Record


@dataclass(frozen=True, eq=False)
class ViT(Record):
    """A loaded Vision Transformer in eval mode.

    ``module`` is the caller's own and is never hooked or changed: forward passes run on ``shell``, a tree of
    module objects that shares its weights. ``lock`` admits one forward pass at a time.
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
    shell: nn.Module = field(repr=False, kw_only=True)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False, kw_only=True)

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

    @classmethod
    def from_module(
        cls,
        module: nn.Module,
        *,
        name: str | None = None,
        transform: Callable[[Image.Image], Tensor] | None = None,
        class_names: Sequence[str] | None = None,
        image_size: tuple[int, int] | None = None,
        weights: str = "as given",
    ) -> ViT:
        """Wrap your own timm-style Vision Transformer; the module is not modified.

        ``transform`` and ``image_size`` default to the module's own timm data config. Wrap again after changing
        the module's structure; changed weights are seen at once.
        Classes are counted in what the classifier returns; a head that hands the embedding on is no classifier.
        Raises UnsupportedModelError, with the reason, for a model without global attention over patches, and
        OptionError for a size that the patches do not cover.
        """
        name = name or type(module).__name__
        check_family(name, module)
        data = timm_door.data_settings(module, image_size)
        grid = grid_of(module, data.image_size)
        check_size(name, module, data.image_size)
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
            None if transform else timm_door.data_settings(module, _times(data.image_size, 3)).transform,
            weights,
            shell=shell,
        )

    def preprocess(self, image: Image.Image) -> Tensor:
        """Return the model's input for a picture: (3, height, width), normalised.

        Raises GridError if the transform returns another shape than the patch grid needs.
        """
        pixels = self.transform(to_rgb(image))
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

    def frame(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the crop of a picture that the model sees, (height, width, 3), at up to three times the model's size.

        It is for looking at: patches are easier to recognise there. ``picture`` shows the pixels that the model gets.
        """
        rgb = to_rgb(image)
        return self.picture(self.preprocess(rgb) if self.framing is None else self.framing(rgb))

    def class_name(self, index: int) -> str:
        """Return the readable name of a class; raises OptionError if the model has no such class."""
        if not 0 <= index < len(self.class_names):
            have = f"classes 0 to {len(self.class_names) - 1}" if self.class_names else "no classifier"
            raise OptionError(f"There is no class {index}: {self.name} has {have}. Choose another target.")
        return self.class_names[index]


def _times(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return size[0] * factor, size[1] * factor


def _class_names(name: str, module: nn.Module, count: int, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return timm_door.class_names(module, count)
    if len(given) != count:
        raise OptionError(
            f"{len(given)} class names were given for {name}, which has {count} classes. Give one "
            "name per class, in the "
            "order of the classifier's outputs."
        )
    return tuple(given)
