"""The kinds of modules that vitviz reads, in the order in which they are asked."""

from __future__ import annotations

from torch import nn

from vitviz.models.hugging_face.structure import hugging_face_structure
from vitviz.models.structure import Kind, Structure, plain_structure

KINDS: tuple[Kind, ...] = (hugging_face_structure, plain_structure)


def structure_of(name: str, module: nn.Module, image_size: tuple[int, int] | None) -> Structure | None:
    """Return the structure of a module of any kind, or None if it is of none."""
    return next((structure for kind in KINDS if (structure := kind(name, module, image_size)) is not None), None)
