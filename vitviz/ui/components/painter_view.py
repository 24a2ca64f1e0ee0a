"""PainterView: a photo whose patches can be painted, as the patch painter shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vitviz.errors import OptionError, check_index
from vitviz.grid import PatchGrid
from vitviz.ui.components.labels import painter_labels
from vitviz.ui.components.packing import pack


class Stroke(NamedTuple):
    """What the reader painted: the whole set, the number of the stroke, and whether it still goes on."""

    painted: frozenset[int]
    number: int
    live: bool = False


@dataclass(frozen=True, kw_only=True)
class PainterView:
    """A photo over a patch grid with some patches painted. Raises OptionError for a patch outside the grid."""

    photo: bytes
    """The crop that the model sees, as a JPEG file."""
    changed: bytes | None
    """The same with the painted patches changed, as a JPEG file; None if nothing is changed."""
    grid: PatchGrid
    painted: frozenset[int]
    """Patch numbers."""
    effect: str
    """What happens to the painted patches, in words."""
    stroke: int = 0
    """Number of the last stroke that this answers: the browser ignores answers to older ones."""
    labels: Mapping[str, str] = field(default_factory=painter_labels)
    """Visible text in the reader's language: see painter_labels."""

    def __post_init__(self) -> None:
        for patch in self.painted:
            check_index("Patch", patch, self.grid.patches)

    def read_stroke(self, sent: Mapping[str, Any] | None) -> Stroke | None:
        """Return the stroke that the browser sent, or None if it sent none or one with patches of another grid."""
        if not sent:
            return None
        try:
            patches = [check_index("Patch", patch, self.grid.patches) for patch in sent["painted"]]
            number = check_index("Stroke", sent["stroke"], 1_000_000_000)
        except (KeyError, TypeError, OptionError):
            return None
        return Stroke(frozenset(patches), number, sent.get("live") is True)

    def pack(self) -> bytes:
        """Return the view as one blob for the browser."""
        parts = {"photo": self.photo} | ({"changed": self.changed} if self.changed else {})
        painted = sorted(self.painted)
        content = hashlib.blake2b(b"".join(parts.values()) + repr(painted).encode(), digest_size=8)
        meta = {
            "rows": self.grid.rows,
            "columns": self.grid.columns,
            "painted": painted,
            "changed": bool(self.changed),
            "effect": self.effect,
            "stroke": self.stroke,
            "labels": dict(self.labels),
            "content": content.hexdigest(),
        }
        return pack(meta, parts)
