"""Shown: a map and what the files say beside it, whether it is a view of attention or an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.attention.view import MapView
from vitviz.attribution import Attribution
from vitviz.attribution.method import Method as Explanation
from vitviz.export.arrays import view_arrays
from vitviz.figures.scale import Scale
from vitviz.figures.summary import describe_map
from vitviz.grid import PatchGrid
from vitviz.numbers import number, percent

_BRIGHTEST = 99  # percentile of a map over pixels that gets the last colour: single pixels stand far above the rest


@dataclass(frozen=True, eq=False)
class Shown:
    """One map."""

    label: str
    """The map in words."""
    values: NDArray[Any]
    """(rows, columns) over the patches, or (height, width) over the pixels."""
    scale: Scale
    facts: str
    """The numbers beside it, in a sentence or two; may be empty."""
    panel: str
    """Words above the printed map."""
    words: str
    """The map for those who do not see it."""
    told: Mapping[str, Any]
    """The numbers beside it as plain values, for a JSON file."""
    arrays: Mapping[str, NDArray[Any]]
    """What the npz file holds beside the picture."""
    cell: tuple[int, int] | None = None
    """Row and column of the patch outlined in orange."""
    view: MapView | None = None
    """The view of attention; None for an explanation."""


def of_view(view: MapView, grid: PatchGrid) -> Shown:
    """Return a view of attention as it is shown."""
    shares = ", ".join(f"{name} {percent(share)}" for name, share in view.special.items())
    return Shown(
        label=view.label,
        values=view.values,
        scale=Scale(0, view.top_of_scale, view.uniform),
        facts=f"Special tokens: {shares}." if shares else "",
        panel=f"The map over it, smallest share {percent(view.minimum)}",
        words=describe_map(view.values, grid, view.uniform),
        told=view.describe(),
        arrays=view_arrays(view),
        cell=view.cell,
        view=view,
    )


def of_attribution(attribution: Attribution, method: Explanation) -> Shown:
    """Return an explanation as it is shown: signed maps about zero, the others from zero."""
    sizes = np.abs(attribution.values)
    most = float(sizes.max())
    top = (float(np.percentile(sizes, _BRIGHTEST)) if method.pixelwise else most) or most or 1.0
    about = f" for {attribution.target.label}" if method.targeted else ", the same for every target"
    gap, error = attribution.completeness_gap, attribution.sampling_error
    notes = [*attribution.notes, *([] if gap is None else [f"completeness gap {number(gap)}"])]
    if error is not None:
        notes.append(f"standard error of the values, from sampling, {number(error)}")
    if most > top:
        notes.append(f"the brightest 1% of the pixels go up to {number(most)}")
    row, column = np.unravel_index(int(attribution.values.argmax()), attribution.values.shape)
    told: dict[str, Any] = {
        "label": f"{method.label}{about}",
        "signed": attribution.signed,
        "minimum": float(attribution.values.min()),
        "maximum": float(attribution.values.max()),
        "completeness_gap": gap,
        "sampling_error": error,
        "knobs": dict(attribution.knobs),
        "seed": attribution.seed,
        "notes": list(attribution.notes),
    }
    return Shown(
        label=told["label"],
        values=attribution.values,
        scale=Scale(-top if attribution.signed else 0.0, top, signed=attribution.signed),
        facts=" ".join(f"{note[0].upper()}{note[1:]}." for note in notes),
        panel="Red for, blue against" if attribution.signed else "The map over it",
        words=f"{told['label']}: the largest value is in row {row + 1}, column {column + 1} of "
        f"{attribution.values.shape[0]} by {attribution.values.shape[1]}",
        told=told,
        arrays={"values": attribution.values},
    )
