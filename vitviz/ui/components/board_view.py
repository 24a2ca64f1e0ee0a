"""What the object board shows, packed for the browser; without Streamlit, for pages that work offline too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.ui.components.packing import float32_bytes, pack


@dataclass(frozen=True)
class BoardVerdict:
    """What is said of a board that one move leads to."""

    truth: int
    """Place of the right answer."""
    answers: tuple[int, ...]
    """Place of each network's answer."""
    confidence: tuple[float, ...]
    """Probability of each network's answer."""
    able: tuple[bool, ...]
    """Whether each network is better than guessing at such boards: without that, a right answer is luck."""
    words: str
    """The move in words."""

    def plain(self) -> list[object]:
        """Return it as JSON has it."""
        shares = [round(share, 4) for share in self.confidence]
        return [self.truth, list(self.answers), shares, list(self.able), self.words]


@dataclass(frozen=True, eq=False)
class BoardView:
    """What the board shows; cells are counted row by row."""

    picture: NDArray[np.uint8]
    """(height, width, 3)."""
    rows: int
    columns: int
    names: Sequence[str]
    """What can be chosen in each cell, in words; empty where nothing can."""
    free: Sequence[int]
    """Cells that something can be dropped into."""
    chosen: int | None
    """The cell whose attention is shown."""
    partner: int | None
    """The cell of its partner, which is outlined."""
    attention: NDArray[np.float32] | None
    """(cell,): attention of the chosen cell; None for no links."""
    uniform: float
    """Attention of looking evenly: links are drawn from here on."""
    from_class: bool
    """Whether the attention is the class token's: it lies in no cell, so shares are drawn as dots."""
    reach: int
    """How many cells around the chosen one the CNN with the small field sees; 0 draws no box."""
    labels: dict[str, str]
    """Visible texts: board, hint, summary, empty, place, and those of the verdicts."""
    networks: Sequence[tuple[str, str]] = ()
    """Name and colour of each network whose verdict is shown; none while the verdicts wait."""
    answers: Sequence[str] = ()
    """What a network can answer, in words."""
    verdicts: Mapping[int, Mapping[int, BoardVerdict]] = field(default_factory=dict)
    """By cell of what is moved and cell it is moved into: what is shown while it is dragged there."""

    def pack(self, *, standalone: bool = False) -> bytes:
        """Return the blob for the browser; ``standalone`` for a page where nobody answers a move."""
        height, width = self.picture.shape[:2]
        parts = {"picture": self.picture.tobytes()}
        if self.attention is not None:
            parts["attention"] = float32_bytes(self.attention)
        meta = {
            "width": width,
            "height": height,
            "rows": self.rows,
            "columns": self.columns,
            "names": list(self.names),
            "free": [int(cell) for cell in self.free],
            "chosen": self.chosen,
            "partner": self.partner,
            "attention": self.attention is not None,
            "uniform": self.uniform,
            "from_class": self.from_class,
            "field": self.reach,
            "networks": [list(network) for network in self.networks],
            "answers": list(self.answers),
            "verdicts": {
                str(start): {str(end): verdict.plain() for end, verdict in ends.items()}
                for start, ends in self.verdicts.items()
            },
            "standalone": standalone,
            "field_colour": CNN_VERMILION,
            "link_colour": VIT_BLUE,
            "labels": self.labels,
            "content": blake2b(b"".join(parts.values()), digest_size=8).hexdigest(),
        }
        return pack(meta, parts)

    def read_cell(self, value: object) -> int | None:
        """Return a cell that the browser sent, or None for anything else."""
        inside = isinstance(value, int) and 0 <= value < self.rows * self.columns
        return value if inside and isinstance(value, int) else None
