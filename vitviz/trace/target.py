"""Target: the one number of a model's answer that an explanation is about."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from vitviz.argument import checked
from vitviz.errors import OptionError, check_index
from vitviz.models.class_index import class_index
from vitviz.models.vit import ViT
from vitviz.record import Record


@dataclass(frozen=True)
class Target(Record):
    """What is explained: the logit of a class, or the similarity to the image's own embedding.

    The similarity to the own embedding has next to no gradient where a LayerNorm gives all embeddings one length, and
    is told so; ``vitviz.trace.default`` says what is explained instead if no target is named.

    >>> vitviz.trace(vit, "photo.jpg", target=7).target.class_index
    7
    """

    class_index: int | None
    """The class, or None for the similarity to the image's own embedding."""
    label: str
    """In words, for captions and manifests."""

    def score(self, logits: Tensor | None, embedding: Tensor) -> Tensor:
        """Return the number to explain, a scalar tensor.

        For a class, its logit. Without a class, the embedding's projection on its own direction, which is held
        fixed: the cosine itself has its maximum there, hence no gradient. A batch gives one score an image.
        """
        if self.class_index is not None and logits is not None:
            return logits[..., self.class_index]
        direction = torch.nn.functional.normalize(embedding.detach(), dim=-1)  # (channel,)
        return (embedding * direction).sum(-1)

    def of_answer(self, answer: Tensor, *, similar: bool) -> Tensor:
        """Return the score of embeddings if ``similar``, else of logits: (…, number) → (…)."""
        return self.score(*((None, answer) if similar else (answer, answer)))

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes that the score reads; empty for a similarity."""
        return () if self.class_index is None else (self.class_index,)


@dataclass(frozen=True)
class Contrast(Target):
    """Why A rather than B: the logit of ``class_index`` minus the logit of another class.

    >>> why_not = vitviz.contrast(vit, 1, 2)
    >>> why_not.class_index, why_not.other
    (1, 2)
    """

    other: int
    """The class that it is set against."""

    def score(self, logits: Tensor | None, embedding: Tensor) -> Tensor:
        """Return the difference of the two logits; raises OptionError for a model without a classifier."""
        if logits is None or self.class_index is None:
            raise OptionError(
                "{label} sets two classes against each other; got a model without a classifier. "
                "Explain a similarity instead.",
                label=repr(self.label),
            )
        return logits[..., self.class_index] - logits[..., self.other]

    @property
    def classes(self) -> tuple[int, ...]:
        """Both classes."""
        return (*super().classes, self.other)


@dataclass(frozen=True)
class Likeness(Target):
    """Similarity to a fixed direction among the embeddings, such as that of a chosen patch.

    >>> isinstance(vitviz.patch_likeness(vit, "photo.jpg", 100), vitviz.Likeness)
    True
    """

    direction: tuple[float, ...] = field(repr=False)
    """The unit vector: (channel,)."""

    def score(self, logits: Tensor | None, embedding: Tensor) -> Tensor:
        """Return the embedding's projection on the direction."""
        return (embedding * embedding.new_tensor(self.direction)).sum(-1)


@checked
def contrast(vit: ViT, first: int | str, second: int | str) -> Contrast:
    """Return the target "first rather than second", the difference of two logits.

    A class is given by its number or by its name. Raises OptionError for a class that the model has not, and for a
    class against itself.

    >>> vitviz.contrast(vit, "Persian cat", 7).label
    'Persian cat rather than scorpion'
    """
    first, second = (class_index(vit, name) if isinstance(name, str) else name for name in (first, second))
    if first == second:
        raise OptionError(
            "Class {first} is set against itself; wanted two classes. Choose another one of them.",
            first=first,
        )
    names = [vit.class_name(index) for index in (first, second)]
    return Contrast(first, f"{names[0]} rather than {names[1]}", second)


def likeness(direction: Tensor, label: str) -> Likeness:
    """Return the target "similarity to a direction" for a (channel,) vector of any length but zero."""
    unit = torch.nn.functional.normalize(direction.detach().float().flatten(), dim=-1)
    if not float(unit.norm()) > 0.5:  # zero or NaN
        raise OptionError(
            "The direction of {label} has no length; wanted a vector other than zero. Choose another patch.",
            label=repr(label),
        )
    return Likeness(None, label, tuple(unit.tolist()))


def reads_embedding(vit: ViT, target: Target) -> bool:
    """Return whether a target is read from the embedding, and not from the logits."""
    return isinstance(target, Likeness) or not vit.has_classifier


def resolve_target(vit: ViT, target: int | str | Target | None, logits: Tensor | None) -> Target:
    """Return the target given, checked, or by default the top-1 class.

    Raises OptionError for a class that the model has not, and for no target without a classifier.
    """
    if isinstance(target, Target):
        for index in target.classes:
            resolve_target(vit, index, logits)
        return target
    if logits is None:
        raise OptionError(
            "Target {target} is a class, but {name} has no classifier. Leave the target out to "
            "explain what sets the image apart from its mean colour, or give patch_likeness(vit, "
            "image, patch).",
            target=target,
            name=vit.name,
        )
    if target is None:
        target = int(logits.argmax())
    if isinstance(target, str):
        target = class_index(vit, target)
    index = check_index("Target class", target, logits.shape[-1])
    return Target(index, vit.class_name(index))
