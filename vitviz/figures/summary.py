"""A map in words: where its mass is, how concentrated it is, for screen readers and for captions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import GridError
from vitviz.figures.scale import finite_maps
from vitviz.grid import PatchGrid
from vitviz.numbers import number, percent

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "patch": "row {row}, column {column} ({share})",
        "strongest": "Strongest patches: {patches}.",
        "times": "The strongest has {times} times an even share.",
        "outside": "The patches hold {share} of all; special tokens have the rest.",
        "centre": "The middle quarter of the picture holds {share} (an even spread: 25%).",
        "spread": "It spreads over about {effective} of {patches} patches; entropy {entropy} of at most {most} nats.",
        "flat": "All {patches} patches have the same value, {value}.",
        "positive": "Most positive patches: {patches}.",
        "negative": "Most negative patches: {patches}.",
        "balance": "{share} of the total size is positive.",
        "join": "; ",
    }
)
"""English sentences of ``describe_map``; pass another mapping with the same keys and fields for another language."""

_NAMED = 3


def describe_map(
    values: ArrayLike, grid: PatchGrid, uniform: float | None = None, *, labels: Mapping[str, str] = TEMPLATES
) -> str:
    """Return a map in a few sentences: its three strongest patches, its middle, its spread. Rows count from 1, top.

    ``values`` is (rows, columns), or any row of patch or token values that the grid can lay out. ``uniform`` is the
    even share 1/N if the values are shares of attention, None if not. A map with negative values is told as signed.
    Raises GridError if the map does not fit the grid, OptionError for NaN or infinite values.
    """
    numbers = np.asarray(values)
    laid_out = numbers if numbers.ndim == 2 else grid.to_map(numbers)
    finite = finite_maps(laid_out, (2,), "(rows, columns)")
    if finite.shape != (grid.rows, grid.columns):
        raise GridError(
            f"Got a map of {finite.shape[0]} × {finite.shape[1]} patches; wanted {grid.rows} × {grid.columns}. "
            "Pass the grid of the trace that the map is from."
        )
    if np.ptp(finite) == 0:
        return labels["flat"].format(patches=grid.patches, value=number(float(finite.flat[0])))
    sentences = _signed(finite, labels) if finite.min() < 0 else _shares(finite, uniform, labels)
    return " ".join(sentences)


def centre_share(values: NDArray[np.float64]) -> float:
    """Return the share of a non-negative map in the middle quarter of its area (half the height, half the width).

    Patches on the border of that quarter count in part, so an even map gives 0.25 on every grid.
    """
    rows, columns = (_inside(cells) for cells in values.shape)
    return float((values * np.outer(rows, columns)).sum() / values.sum())


def entropy(values: NDArray[np.float64]) -> float:
    """Return the entropy of a non-negative map, scaled to sum 1, in nats: 0 for one patch, log n for an even map."""
    shares = values / values.sum()
    present = shares[shares > 0]
    return float(-(present * np.log(present)).sum()) + 0.0


def _inside(cells: int) -> NDArray[np.float64]:
    """Return how much of each cell of a line lies between a quarter and three quarters of it."""
    edges = np.linspace(0, 1, cells + 1)
    overlap = np.minimum(edges[1:], 0.75) - np.maximum(edges[:-1], 0.25)
    covered: NDArray[np.float64] = np.maximum(overlap, 0.0) * cells
    return covered


def _shares(values: NDArray[np.float64], uniform: float | None, labels: Mapping[str, str]) -> list[str]:
    total = float(values.sum())
    # Shares of attention keep their own total: what prefix tokens took is missing from it.
    whole = total if uniform is None else 1.0
    sentences = [_named("strongest", values, _largest(values), whole, labels)]
    if uniform is not None:
        sentences.append(labels["times"].format(times=number(float(values.max()) / uniform)))
        if total < 0.995:
            sentences.append(labels["outside"].format(share=percent(total)))
    sentences.append(labels["centre"].format(share=percent(centre_share(values))))
    nats = entropy(values)
    sentences.append(
        labels["spread"].format(
            effective=number(float(np.exp(nats))),
            patches=values.size,
            entropy=f"{nats:.2f}",
            most=f"{np.log(values.size):.2f}",
        )
    )
    return sentences


def _signed(values: NDArray[np.float64], labels: Mapping[str, str]) -> list[str]:
    whole = float(np.abs(values).sum())
    sentences = []
    if values.max() > 0:
        sentences.append(_named("positive", values, _largest(np.where(values > 0, values, 0)), whole, labels))
    sentences.append(_named("negative", values, _largest(np.where(values < 0, -values, 0)), whole, labels))
    positive = float(values[values > 0].sum()) / whole
    return [*sentences, labels["balance"].format(share=percent(positive))]


def _largest(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the places of up to three largest values above zero, largest first."""
    order = np.argsort(-values, axis=None, kind="stable")[:_NAMED]
    places = [(int(row), int(column)) for row, column in zip(*np.unravel_index(order, values.shape), strict=True)]
    return [place for place in places if values[place] > 0]


def _named(
    sentence: str, values: NDArray[np.float64], places: list[tuple[int, int]], whole: float, labels: Mapping[str, str]
) -> str:
    patches = [
        labels["patch"].format(row=row + 1, column=column + 1, share=percent(values[row, column] / whole))
        for row, column in places
    ]
    return labels[sentence].format(patches=labels["join"].join(patches))
