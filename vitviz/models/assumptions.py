"""Assumptions: what vitviz takes of a model although nothing in it says so, told where the model is named.

They stand among the ``notes`` of a ViT. Whoever knows better gives the value, and the assumption is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from vitviz.clause import Clause
from vitviz.models.hugging_face.adapter import HuggingFaceViT

SIZE, GRID, PREPARATION, CLASSES = "size", "grid", "preparation", "classes"
HEADS, POOLING, POSITIONS, ACTIVATION = "heads", "pooling", "positions", "activation"


class Assumption(Clause):
    """A note on something that is assumed, or that the user has said and nothing proves."""

    about: str
    """What it is about: SIZE, GRID, PREPARATION, CLASSES, HEADS, POOLING, POSITIONS or ACTIVATION."""

    @classmethod
    def of(cls, about: str, template: str, **values: object) -> Assumption:
        """Return an assumption about one thing, in words."""
        assumption = cls(template, **values)
        assumption.about = about
        return assumption

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy it with what it is about."""
        return _made_again, (self.about, self.template, self.values)


def _made_again(about: str, template: str, values: dict[str, object]) -> Assumption:
    return Assumption.of(about, template, **values)


def configured(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the notes of a model whose own configuration says its size, grid, preparation and classes."""
    said = (SIZE, GRID, PREPARATION, CLASSES)
    return tuple(note for note in notes if not (isinstance(note, Assumption) and note.about in said))


def size_assumed(size: tuple[int, int]) -> Assumption:
    """Return the note on an input size that nothing says."""
    told = "assumed: an input of {height} × {width} pixels, for nothing in it says a size"
    return Assumption.of(SIZE, told, height=size[0], width=size[1])


def square_assumed(rows: int, columns: int) -> Assumption:
    """Return the note on a grid that is known by its number of positions alone."""
    told = "assumed: a square of {rows} × {columns} patches, for its number of positions says no more"
    return Assumption.of(GRID, told, rows=rows, columns=columns)


def named_by_number(module: nn.Module, names: Sequence[str]) -> tuple[Assumption, ...]:
    """Return the note on class names that the number of a module's outputs suggests, if they are ImageNet's."""
    if isinstance(module, HuggingFaceViT) or not names or names[0] == "class 0":
        return ()
    return (Assumption.of(CLASSES, "assumed: its {count} outputs are ImageNet's classes", count=len(names)),)
