"""Familiarity: whether a photo may show none of a classifier's classes, told by how sure its answer is."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.argument import checked
from vitviz.models import shipped
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace.trace import Trace


@dataclass(frozen=True)
class Familiarity(Record):
    """How much a photo looks to a classifier like one of its classes.

    >>> doubt = vitviz.familiarity(vit, trace)
    >>> doubt.classes, doubt.perhaps_none
    (200, False)
    """

    score: float
    """The largest probability of its answer, in [0, 1]."""
    threshold: float
    """Photos below it may show none of the classes."""
    false_alarms: float
    """Share of the photos of its own classes that lie below the threshold all the same, in [0, 1]."""
    detected: float
    """Share of the photos of other things that lie below it: most are not noticed; in [0, 1]."""
    auroc: float
    """Share of pairs, a photo of its classes and one of others, in which the first has the higher score, in [0, 1]."""
    classes: int
    """Number of classes that the classifier knows."""

    @property
    def perhaps_none(self) -> bool:
        """Whether the score lies below the threshold: the photo perhaps shows none of the classes."""
        return self.score < self.threshold


@checked
def familiarity(vit: ViT, trace: Trace) -> Familiarity | None:
    """Return how familiar a traced photo is to the model, or None where that was never measured.

    Measured is the shipped model at the size that it was trained for, without an edit, one class being right. The score
    is the largest probability (Hendrycks and Gimpel 2017); no other of twelve did clearly better on photos of one
    source, as the model's card tells.

    >>> vitviz.familiarity(vit, trace).perhaps_none
    False
    >>> vitviz.familiarity(vit, vitviz.trace(vit, vitviz.examples.example("kingfisher").path)).perhaps_none
    True
    """
    figures = shipped.familiarity_of(vit)
    if figures is None or trace.logits is None or trace.edit or trace.multi_label:
        return None
    return Familiarity(
        score=trace.top(1)[0][1],
        threshold=figures.threshold,
        false_alarms=figures.false_alarms,
        detected=figures.detected,
        auroc=figures.auroc,
        classes=len(vit.class_names),
    )
