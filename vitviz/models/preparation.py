"""Preparation: how pictures become a module's input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from vitviz.clause import Clause
from vitviz.errors import OptionError
from vitviz.images import Crop
from vitviz.images.crop import TRAINED
from vitviz.models import timm_door
from vitviz.models.assumptions import PREPARATION, Assumption
from vitviz.models.preprocessing import Prepared, Preprocessing
from vitviz.record import Record


@dataclass(frozen=True)
class Preparation(Record):
    """How a module wants its pictures."""

    mean: tuple[float, ...]
    """What is subtracted of each channel, on values in [0, 1]; empty where it is not known, or not one number each."""
    std: tuple[float, ...]
    transform: Callable[[Image.Image], Tensor]
    """From an RGB picture to the (channel, height, width) input."""
    framing: Callable[[Image.Image], Tensor] | None
    """The same crop at three times the size, to look at; None where it is not known."""
    notes: tuple[str, ...] = ()


class Missing(Record):
    """The transform of a module that tells none: it says what to give in its place."""

    def __init__(self, name: str, reason: str) -> None:
        self._name = name
        self.reason = reason
        """Why it is not known, a clause."""

    def __call__(self, picture: Image.Image) -> Tensor:
        """Raise OptionError."""
        raise OptionError(
            "How a picture becomes an input of {name} is not known: {reason}. Wrap it with "
            "ViT.from_module(module, transform=…), a function from a PIL picture to that tensor, "
            "or pass the input itself, a tensor.",
            name=self._name,
            reason=self.reason,
        )


def timm_preparation(module: nn.Module, image_size: tuple[int, int]) -> Preparation:
    """Return the preparation of a module's own timm data config."""
    data = timm_door.data_settings(module, image_size)
    larger = timm_door.data_settings(module, (image_size[0] * 3, image_size[1] * 3))
    try:
        numbers = Preprocessing(data.mean, data.std, data.crop_pct, data.interpolation, data.crop_mode)
    except OptionError:  # of a kind that only timm has words for
        return Preparation(data.mean, data.std, data.transform, larger.transform)
    return Preparation(data.mean, data.std, Prepared(numbers, data.transform), Prepared(numbers, larger.transform))


@dataclass(frozen=True)
class Unnormalised(Record):
    """A transform whose normalisation is undone: its pictures have values from 0 to ``largest``."""

    transform: Callable[[Image.Image], Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    largest: int

    def __call__(self, picture: Image.Image) -> Tensor:
        """Return the (channel, height, width) input of a picture."""
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (self.transform(picture) * std + mean).clamp(0, 1) * self.largest


@dataclass(frozen=True)
class Grey(Record):
    """A transform whose pictures have one channel: their luma, normalised by the mean of three channels' numbers."""

    transform: Callable[[Image.Image], Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def numbers(self) -> tuple[float, float]:
        """Mean and deviation of its channel."""
        return sum(self.mean) / len(self.mean), sum(self.std) / len(self.std)

    def __call__(self, picture: Image.Image) -> Tensor:
        """Return the (1, height, width) input of a picture."""
        grey = self.transform(picture.convert("L").convert("RGB"))[:1] * self.std[0] + self.mean[0]
        mean, std = self.numbers
        return (grey - mean) / std


_WORDS = {
    "mean": Clause("mean"),
    "std": Clause("deviation"),
    "crop": Clause("crop"),
    "interpolation": Clause("interpolation"),
}


def preparation_assumed(
    preprocessing: Preprocessing, architecture: str | None, *, known: Collection[str] = ()
) -> tuple[Assumption, ...]:
    """Return the note on how pictures are prepared; none if all of it is ``known``, by the names of its fields.

    ``architecture`` is what the values are usual for; None stands for ImageNet's, of a module that says nothing.
    """
    open_ = {name: word for name, word in _WORDS.items() if name not in known}
    if not open_:
        return ()
    values: dict[str, object] = {}
    for name, word in open_.items():
        values |= {f"{name}_word": word, name: _value(getattr(preprocessing, name))}
    listed = _listing(values)
    if architecture is None:
        told = "assumed: pictures are prepared as is usual for ImageNet, for nothing in it says how ({listed})"
        return (Assumption.of(PREPARATION, told, listed=listed),)
    told = "assumed: pictures are prepared as is usual for {architecture} ({listed})"
    return (Assumption.of(PREPARATION, told, architecture=architecture, listed=listed),)


def _value(value: Any) -> object:
    return ", ".join(f"{number:.4g}" for number in value) if isinstance(value, tuple) else value


def restated(notes: Iterable[str], preprocessing: Preprocessing, given: Collection[str]) -> tuple[str, ...]:
    """Return notes after some fields of the preprocessing were given: what stays assumed, with its values now."""
    restatements: list[str] = []
    for note in notes:
        if isinstance(note, Assumption) and note.about == PREPARATION:
            usual: Any = note.values.get("architecture")
            known = {name for name in _WORDS if name in given or not _lists(note, name)}
            restatements += preparation_assumed(preprocessing, usual, known=known)
        else:
            restatements.append(note)
    return tuple(restatements)


def cropped_notes(notes: Iterable[str], crop: Crop) -> tuple[str, ...]:
    """Return notes without the model's own crop, where pictures are brought to its shape in another way; with it else.

    What is not shown stays among the values: the own crop can be chosen again.
    """
    renewed: list[str] = []
    for note in notes:
        listed = note.values.get("listed") if isinstance(note, Assumption) and note.about == PREPARATION else None
        if isinstance(note, Assumption) and isinstance(listed, Clause):
            listing = _listing(listed.values, but=() if crop == TRAINED else ("crop",))
            note = Assumption.of(PREPARATION, note.template, **{**note.values, "listed": listing})
        renewed.append(note)
    return tuple(renewed)


def _listing(values: dict[str, object], *, but: Collection[str] = ()) -> Clause:
    """Return the values that are assumed in a row, each behind its word."""
    names = [name for name in _WORDS if name in values and name not in but]
    return Clause("; ".join(f"{{{name}_word}} {{{name}}}" for name in names), **values)


def _lists(note: Assumption, name: str) -> bool:
    listed = note.values.get("listed")
    return isinstance(listed, Clause) and name in listed.values
