"""What the matrix sheet shows, packed for the browser; without Streamlit, for pages that work offline too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.ui.components.labels import sheet_labels
from vitviz.ui.components.packing import pack


@dataclass(frozen=True, kw_only=True, eq=False)
class SheetMatrix:
    """One matrix of the sheet."""

    symbol: str
    """What formulas call it; the stages name it by this."""
    title: str
    """The same in a word or two."""
    rows: Sequence[str]
    columns: Sequence[str]
    values: NDArray[np.floating]
    """(row, column)."""
    editable: bool = False
    share: bool = False
    """Whether the colours go from 0 to 1, not to the largest number."""
    step: float = 0.5
    low: float = -9.0
    high: float = 9.0

    def meta(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "id": self.symbol,
            "symbol": self.symbol,
            "title": self.title,
            "rows": list(self.rows),
            "columns": list(self.columns),
            "values": np.asarray(self.values, dtype=np.float64).tolist(),
            "editable": self.editable,
            "scale": "share" if self.share else "signed",
            "step": self.step,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class SheetPaths:
    """The picture beside a product of two layers: every path from an output token to an input token."""

    names: Sequence[str]
    """Of the three levels, output first."""
    colours: Sequence[str]
    """Of the input tokens."""
    label: str
    """The picture in words."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SheetStage:
    """One step of the calculation: a matrix from one or two others."""

    title: str
    words: str
    equation: str
    kind: str
    """"product", "scale", "softmax" (of rows), "blend" (with the identity), "add", "join" or "function"."""
    result: str
    left: str
    right: str = ""
    factor: float = 1.0
    """The share of the identity in a blend."""
    operator: str = ""
    """The sign of a scale, or the name of a function."""
    factor_text: str = ""
    rest: NDArray[np.floating] | None = None
    """What the matrices do not show: (row, column) a summand of a product, (row, 1) of a softmax's denominator."""
    rest_text: str = ""
    shift: float = 0.0
    """What a softmax subtracts from every score first; its shares stay the same."""
    paths: SheetPaths | None = None

    def meta(self) -> dict[str, Any]:
        """Return it as plain values."""
        told = {name: getattr(self, name) for name in _PLAIN}
        if self.rest is not None:
            told["rest"] = np.asarray(self.rest, dtype=np.float64).tolist()
        if self.paths is not None:
            names = {"names": list(self.paths.names), "colours": list(self.paths.colours), "label": self.paths.label}
            told["graph"] = names
        return told


_PLAIN = (
    "title", "words", "equation", "kind", "result", "left", "right", "factor", "operator", "factor_text", "rest_text",
    "shift",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class SheetView:
    """The matrices and stages of a sheet, and the stage that is open."""

    matrices: Sequence[SheetMatrix]
    stages: Sequence[SheetStage]
    stage: int = 0
    labels: Mapping[str, str] = field(default_factory=sheet_labels)

    def pack(self, *, standalone: bool = False) -> bytes:
        """Return the blob for the browser; ``standalone`` for a page where nobody calculates with a new number."""
        matrices, stages = [matrix.meta() for matrix in self.matrices], [stage.meta() for stage in self.stages]
        if standalone:
            matrices = [{**matrix, "editable": False} for matrix in matrices]
        frame = (
            [{**matrix, "values": None} for matrix in matrices],
            [[stage.title, stage.kind, stage.result, stage.left, stage.right] for stage in self.stages],
        )
        meta = {
            "matrices": matrices,
            "stages": stages,
            "stage": min(self.stage, len(stages) - 1),
            "labels": dict(self.labels),
            "structure": _digest(frame),
            "content": _digest((matrices, stages)),
        }
        return pack(meta, {})

    def read_edit(self, sent: Mapping[str, object]) -> tuple[str, int, int, float] | None:
        """Return (symbol, row, column, number) of what the browser sent, or None for what cannot be edited."""
        matrix = next((entry for entry in self.matrices if entry.symbol == sent.get("matrix")), None)
        row, column, value = sent.get("row"), sent.get("column"), sent.get("value")
        if matrix is None or not matrix.editable or not isinstance(row, int) or not isinstance(column, int):
            return None
        if not isinstance(value, int | float) or not matrix.low <= value <= matrix.high:
            return None
        inside = 0 <= row < len(matrix.rows) and 0 <= column < len(matrix.columns)
        return (matrix.symbol, row, column, float(value)) if inside else None


def _digest(plain: object) -> str:
    return blake2b(repr(plain).encode(), digest_size=8).hexdigest()
