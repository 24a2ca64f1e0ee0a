"""ViT: a loaded Vision Transformer, whatever its family, with its geometry and its preprocessing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from vitviz.argument import checked
from vitviz.capture.observed import Observed
from vitviz.capture.shell import copied_module, refuse_scripted, unwrapped
from vitviz.clause import Clause
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.images import open_image
from vitviz.images.crop import TRAINED, Crop
from vitviz.images.seen_part import SeenPart
from vitviz.models.assumptions import named_by_number
from vitviz.models.class_names import ClassNames
from vitviz.models.cropping import crop_of, cropper, fitting_size, own_transform, seen_part
from vitviz.models.geometry import height_and_width
from vitviz.models.hugging_face.wrapping import adapted, notes_of
from vitviz.models.inputs import Picture, picture_in
from vitviz.models.kinds import structure_of
from vitviz.models.observation import class_names_of, observe, working_copy
from vitviz.models.own_normalisation import prepared
from vitviz.models.preparation import cropped_notes, restated
from vitviz.models.preprocessing import Colours, Preprocessing, changed, check_colours, preprocessing_of
from vitviz.models.probabilities import is_multi_label, probabilities
from vitviz.models.structure import Structure
from vitviz.models.support import check_family
from vitviz.models.turn_lock import TurnLock
from vitviz.record import Record


@dataclass(frozen=True, eq=False)
class ViT(Record):
    """A loaded Vision Transformer in eval mode.

    ``module`` is the caller's own and is never hooked or changed: forward passes run on ``shell``, a tree of
    module objects that shares its weights and was proven to answer as a plain call of ``module`` does. ``lock`` admits
    one pass at a time; long work holds it for a batch and lets others go first.

    >>> vit.layers, vit.grid.patches, vit.has_classifier
    (12, 256, True)
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
    """Mean of each channel that preprocessing subtracts, on values in [0, 1]; empty where it is not known."""
    std: tuple[float, ...]
    """Standard deviation of each channel that preprocessing divides by; empty where it is not known."""
    transform: Callable[[Image.Image], Tensor]
    """From an RGB picture to the (channel, height, width) input."""
    class_names: tuple[str, ...]
    """Readable names of the classes; empty for a model without a classifier."""
    heads: tuple[int, ...]
    """Number of attention heads of each layer."""
    framing: Callable[[Image.Image], Tensor] | None = field(default=None, repr=False)
    """The transform for the same crop at three times the size, to look at; None for a transform of the caller's."""
    weights: str = "unknown"
    """Where the weights come from: a file's name and SHA-256, "random, seed 0", a hub's tag."""
    channels: int = field(default=3, kw_only=True)
    """Number of channels of its input: 3 for red, green and blue."""
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    """What was assumed of the module when it was wrapped."""
    multi_label: bool = field(default=False, kw_only=True)
    """Whether its classes may hold side by side: then each has a probability of its own, and not a share of one."""
    structure: Structure = field(repr=False, kw_only=True)
    observed: Observed = field(repr=False, kw_only=True)
    lock: TurnLock = field(default_factory=TurnLock, repr=False, kw_only=True)

    @property
    def shell(self) -> nn.Module:
        """The module tree that forward passes run on.

        Raises CaptureError if ``module`` was changed after it was wrapped, and no longer answers as this tree does.
        """
        return self.observed.shell_for(self.module)

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
        return next(weight.dtype for weight in self.module.parameters() if weight.is_floating_point())

    @property
    def crop(self) -> Crop:
        """How pictures of another shape are brought to that of its input: "trained" unless it was chosen."""
        return crop_of(self.transform)

    def with_crop(self, crop: Crop) -> ViT:
        """Return this model, its weights shared, with another way to bring pictures to the shape of its input.

        ``crop`` is "trained" (the model's own preparation, for most the middle), "pad" (all of the picture, with bars
        in the mean colour), "squash" (all of it, made narrower or lower), or a number from 0 to 1: where the part that
        is seen lies along the picture's long side. The model's own transform follows, with the share that it cuts off.
        An input of the picture's own shape is another model: ``load_vit(name, image_size=vit.fitting_size(picture))``.
        Raises OptionError for another crop.

        >>> vitviz.load_vit().with_crop("pad").seen_part("photo.jpg").is_whole
        True
        """
        give = cropper(self.transform, crop, size=self.image_size, mean=self.mean)
        framing = None if self.framing is None else give(self.framing)
        return replace(self, transform=give(self.transform), framing=framing, notes=cropped_notes(self.notes, crop))

    def seen_part(self, image: Picture) -> SeenPart | None:
        """Return which part of a picture the model sees, measured; None where its transform does not let it be known.

        >>> vitviz.load_vit().seen_part("photo.jpg").is_whole
        False
        """
        return seen_part(self.transform, open_image(picture_in(image)).size)

    def fitting_size(self, image: Picture) -> tuple[int, int]:
        """Return height and width of an input of about a picture's shape, of no more patches than this model has.

        >>> vitviz.load_vit().fitting_size("photo.jpg")  # 451 × 300 pixels
        (168, 252)
        """
        return fitting_size(self.grid, open_image(picture_in(image)).size)

    @classmethod
    @checked
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
        multi_label: bool | None = None,
    ) -> ViT:
        """Wrap your own Vision Transformer, or one of Hugging Face's; the module is not modified.

        It may be timm's, or research code with a list of blocks behind a patch embedding (DINO, MAE, torchvision),
        attention written out by hand or not, also inside of a wrapper: DataParallel, ``torch.compile``,
        ``nn.Sequential(normalise, vit)``, a backbone with a head of your own. Its own ``forward`` is observed.
        A model of ``transformers`` is held by an adapter, ``vit.module``, whose ``model`` it is, and ``processor`` is
        its image processor: pictures are prepared by it, and ``id2label`` names the classes.
        ``transform`` and ``image_size`` (height and width in pixels, or one number for a square) default to the
        module's own timm data config; what a transform of yours subtracts and divides by is measured. ``class_names``
        are in the order of the outputs, or a dictionary from index to name or from name to index. Classes are counted
        in what the classifier returns; a head that hands the embedding on is no classifier, nor is the projection of a
        tower of CLIP. ``multi_label`` says that classes may hold side by side; by default that is what the
        configuration of a model of transformers says, and else not so. What was assumed is told in ``notes``. What is
        observed is proven: a plain call of the module must answer the same. Changed weights are seen at once; after any
        other change the next pass proves it again, and raises CaptureError for another answer: wrap it again then.
        Raises UnsupportedModelError, with the reason, for a model without global attention over patches, or whose
        plain call answers something else than is observed; OptionError for a size that the patches do not cover, and
        for class names that do not fit.
        """
        refuse_scripted(unwrapped(module))
        name = name or type(unwrapped(module)).__name__
        module = adapted(name, unwrapped(module), processor)
        check_family(name, module)
        structure = structure_of(name, module, None if image_size is None else height_and_width(image_size))
        assert structure is not None  # one without blocks was refused
        observation = observe(name, module, structure)
        preparation = prepared(name, module, structure, observation, transform)
        assumed = notes_of(module, structure.image_size, own_transform=transform is not None)
        names = class_names_of(name, module, structure, observation, class_names)
        assumed += named_by_number(module, names) if class_names is None else ()
        return cls(
            name,
            module,
            structure.grid,
            structure.image_size,
            preparation.mean,
            preparation.std,
            preparation.transform,
            names,
            observation.heads,
            preparation.framing,
            weights,
            channels=structure.channels,
            notes=(*observation.notes, *structure.assumed, *preparation.notes, *assumed),
            multi_label=is_multi_label(module) if multi_label is None else multi_label,
            structure=structure,
            observed=observation.observed,
        )

    @property
    def preprocessing(self) -> Preprocessing | None:
        """How pictures become its input, in numbers; None for a transform of the caller's own."""
        return preprocessing_of(own_transform(self.transform), self.mean, self.std)

    @checked
    def with_preprocessing(
        self,
        *,
        mean: Colours | None = None,
        std: Colours | None = None,
        crop: float | None = None,
        interpolation: str | None = None,
        crop_mode: str | None = None,
    ) -> ViT:
        """Return the same model, its weights shared, which prepares pictures in another way; what is None stays.

        For weights that were trained with other values than their architecture's usual ones. ``mean`` and ``std`` are
        on pixels from 0 to 1, one number or one for each channel; ``crop`` is the side of the crop as a share of the
        resized picture; ``interpolation`` is one of "bicubic", "bilinear", "nearest", "lanczos", "box", "hamming".
        ``crop_mode`` says what becomes of a picture of another shape: "center" cuts out its middle, "squash" distorts
        it, "border" adds to it. Raises OptionError for values that cannot be, and for a model whose input is no
        picture of three channels.

        >>> vit.with_preprocessing(mean=0.5, std=0.5, crop=1.0).preprocessing.mean
        (0.5, 0.5, 0.5)
        """
        check_colours(self.name, self.channels)
        options = {"mean": mean, "std": std, "crop": crop, "interpolation": interpolation, "crop_mode": crop_mode}
        given = {name: value for name, value in options.items() if value is not None}
        wanted = changed(self.preprocessing, (self.mean, self.std), given)
        prepared = replace(
            self,
            mean=wanted.mean,
            std=wanted.std,
            transform=wanted.for_size(self.image_size),
            framing=wanted.for_size((3 * self.image_size[0], 3 * self.image_size[1])),
            notes=restated(self.notes, wanted, given),
        )
        return prepared if self.crop == TRAINED else prepared.with_crop(self.crop)

    @property
    def body(self) -> Any:
        """The part of ``module`` that holds the patch embedding, the positions and the blocks; often all of it."""
        return self.module.get_submodule(self.structure.body)

    def body_in(self, copy: nn.Module) -> Any:
        """Return the same part of a copy of ``module``."""
        return copy.get_submodule(self.structure.body)

    def working_copy(self) -> Any:
        """Return a private shell whose weights may be replaced: ``blocks``, ``forward_features``, ``forward_head``.

        What else is asked of it is the body's own; ``body_of`` returns the body.
        """
        return working_copy(self.module, self.structure)

    def as_input(self, batch: Tensor) -> Tensor:
        """Return a batch on the device and in the precision of the weights."""
        return batch.to(self.device, self.dtype)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return what logits (…, class) of this model stand for, in [0, 1]; see ``vitviz.models.probabilities``."""
        return probabilities(logits, multi_label=self.multi_label)

    def __deepcopy__(self, memo: dict[int, Any]) -> ViT:
        """Return a copy with a module of its own."""
        return _remade({**_kept(self), "module": copied_module(self.module)})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it was made of: the shell and the proof are made anew when it is read, the lock is a new one."""
        return _remade, (_kept(self),)

    def preprocess(self, image: Picture) -> Tensor:
        """Return the model's input for a picture: (channel, height, width), normalised.

        ``image`` is anything that ``vitviz.open_photo`` takes, or pixels as a uint8 tensor. Raises what that raises,
        GridError if the transform returns another shape than the patch grid needs, and OptionError where no transform
        is known.
        """
        pixels = self.transform(open_image(picture_in(image)))
        wanted = (self.channels, *self.image_size)
        if not isinstance(pixels, Tensor) or tuple(pixels.shape) != wanted:
            kind = type(pixels).__name__
            got = Clause("tensor of shape {shape}", shape=tuple(pixels.shape)) if isinstance(pixels, Tensor) else kind
            raise GridError(
                "The transform returned a {got}; wanted {wanted}. Give ViT.from_module a transform "
                "for that size, or another image_size.",
                got=got,
                wanted=wanted,
            )
        return pixels

    @checked
    def picture(self, pixels: Tensor) -> NDArray[np.uint8]:
        """Return the picture that an input shows, undoing the normalisation: (height, width, 3), 0 to 255.

        One channel is shown in grey, the first three of more. Where mean and deviation are unknown, the smallest
        number is black and the largest white.
        """
        image = pixels.detach().to("cpu", torch.float32)  # (channel, height, width)
        if len(self.mean) == len(image) == len(self.std):
            image = (image * torch.tensor(self.std)[:, None, None]).add_(torch.tensor(self.mean)[:, None, None])
        else:
            image = (image - image.min()) / (image.max() - image.min()).clamp(min=1e-12)
        image = image[:3] if len(image) >= 3 else image[:1].expand(3, -1, -1)
        result: NDArray[np.uint8] = image.clamp(0, 1).mul_(255).round_().to(torch.uint8).permute(1, 2, 0).numpy()
        return result

    def frame(self, image: Picture) -> NDArray[np.uint8]:
        """Return the crop of a picture that the model sees, (height, width, 3), at up to three times the model's size.

        It is for looking at: patches are easier to recognise there. ``picture`` shows the pixels that the model gets.
        """
        rgb = open_image(picture_in(image))
        return self.picture(self.preprocess(rgb) if self.framing is None else self.framing(rgb))

    @checked
    def class_name(self, index: int) -> str:
        """Return the readable name of a class; raises OptionError if the model has no such class."""
        if not 0 <= index < len(self.class_names):
            last = len(self.class_names) - 1
            have = Clause("classes 0 to {last}", last=last) if self.class_names else Clause("no classifier")
            told = "There is no class {index}: {name} has {have}. Choose another target."
            raise OptionError(told, index=index, name=self.name, have=have)
        return self.class_names[index]


def _kept(vit: ViT) -> dict[str, Any]:
    """Return the fields that a copy takes over, by name; its shell, its proof and its lock are new."""
    return {entry.name: getattr(vit, entry.name) for entry in fields(vit) if entry.name not in ("observed", "lock")}


def _remade(kept: dict[str, Any]) -> ViT:
    """Return a ViT that was copied or read from a file: observed again, and proven again."""
    return ViT(**kept, observed=observe(kept["name"], kept["module"], kept["structure"]).observed)
