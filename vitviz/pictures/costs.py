"""What models cost: operations, seconds, memory, and how they grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vitviz.analysis.input_sizes import SizedAnswer
from vitviz.errors import check_choice
from vitviz.figures.axes import Axis
from vitviz.figures.bars import answers_bar
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import PINNED, VIT_BLUE
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE
from vitviz.labs.cost.compute import BlockMacs, BlockSeconds, ModelMacs
from vitviz.labs.cost.memory import AttentionStorage, MemoryComparison
from vitviz.labs.cost.scaling import Scaling
from vitviz.labs.input_size import InputSizes
from vitviz.pictures.drawing import Charts, Drawing

QUANTITIES = ("parameters", "macs")
_SIZES = {"width": "Width D", "depth": "Blocks T", "patch": "Patch p (pixels)", "image": "Image side (pixels)"}


def block(result: BlockMacs) -> Drawing:
    """Draw the share of a block's operations that each part has."""
    return _shares({"attention": result.attention, "projections": result.projections, "MLP": result.mlp})


def model(result: ModelMacs) -> Drawing:
    """Draw the share of a model's operations that each part has."""
    parts = {
        "patch embedding": result.embedding,
        "attention": result.blocks.attention,
        "projections": result.blocks.projections,
        "MLP": result.blocks.mlp,
        "classifier": result.classifier,
    }
    return _shares(parts)


def _shares(parts: Mapping[str, float]) -> Drawing:
    total = sum(parts.values()) or 1.0
    title = f"Share of {total / 1e9:.3g} GMACs"
    return Charts({"": answers_bar(list(parts), [part / total for part in parts.values()], x_title=title)})


def seconds(result: BlockSeconds) -> Drawing:
    """Draw the measured seconds of a block beside the formula."""
    curves = [
        Curve("whole block, measured", result.tokens, result.block),
        Curve("attention alone, measured", result.tokens, result.attention, PINNED[4]),
        Curve("formula at the median rate", result.tokens, result.predicted, NEUTRAL, "dash", "line"),
    ]
    return _powers(curves, "Tokens L", "Seconds")


def _powers(curves: Sequence[Curve], x: str, y: str) -> Drawing:
    across, up = Axis(x, log=True, marks="powers"), Axis(y, log=True, marks="powers")
    return Charts({"": line_chart(curves, x=across, y=up, height=380)})


def memory(result: MemoryComparison) -> Drawing:
    """Draw what each kind of attention holds between the passes, as shares of the largest."""
    most = max(cost.held for cost in result.costs) or 1
    names = [cost.kind for cost in result.costs]
    title = f"Held between the passes, share of {most / 1e6:.3g} MB"
    return Charts({"": answers_bar(names, [cost.held / most for cost in result.costs], x_title=title)})


def storage(result: AttentionStorage) -> Drawing:
    """Draw what stored maps take beside the queries and keys that they can be computed from again."""
    kinds = {"attention maps": result.maps, "queries and keys": result.queries_and_keys}
    total = sum(kinds.values()) or 1
    title = f"Share of {total / 1e6:.3g} million numbers"
    return Charts({"": answers_bar(list(kinds), [count / total for count in kinds.values()], x_title=title)})


def scaling(result: Scaling, *, quantity: str = "parameters") -> Drawing:
    """Draw parameters (in millions) or MACs (in billions) against the size that grows, both axes logarithmic."""
    check_choice("Quantity", quantity, QUANTITIES)
    if quantity == "parameters":
        title, values, tint = "Parameters (millions)", result.parameters / 1e6, VIT_BLUE
    else:
        title, values, tint = "Operations (GMACs)", result.macs / 1e9, QUERY_ORANGE
    x = Axis(_SIZES.get(result.growing, result.growing), log=True, ticks=[int(value) for value in result.values])
    curve = Curve(title, result.values, values, tint)
    return Charts({"": line_chart([curve], x=x, y=Axis(title, log=True, marks="auto"), legend=True, height=320)})


def input_sizes(result: InputSizes) -> Drawing:
    """Draw the likeness to the feature at the model's own size against the input size, for both kinds of positions."""
    ways = (("interpolated", result.interpolated, VIT_BLUE), ("truncated", result.truncated, QUERY_ORANGE))
    curves = [
        Curve(name, sides(answers), [answer.cosine for answer in answers], colour)
        for name, answers, colour in ways
        if answers
    ]
    x, y = Axis("Longer side (px)"), Axis("Cosine with the feature at its own size")
    return Charts({"": line_chart(curves, x=x, y=y, legend=True, height=380)})


def sides(answers: Sequence[SizedAnswer]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the longer side of each input in pixels."""
    return np.array([max(answer.image_size) for answer in answers])


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    BlockMacs: block,
    ModelMacs: model,
    BlockSeconds: seconds,
    MemoryComparison: memory,
    AttentionStorage: storage,
    Scaling: scaling,
    InputSizes: input_sizes,
}
