"""What models cost: operations, seconds, memory, and how they grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from vitviz.pictures.drawing import Charts, Drawing, Extra, Say

QUANTITIES = ("parameters", "macs")


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


def seconds(result: BlockSeconds, *, say: Say = str) -> Drawing:
    """Draw the measured seconds of a block beside the formula."""
    curves = [
        Curve(say("whole block, measured"), result.tokens, result.block),
        Curve(say("attention alone, measured"), result.tokens, result.attention, PINNED[4]),
        Curve(say("formula at the median rate"), result.tokens, result.predicted, NEUTRAL, "dash", "line"),
    ]
    x, y = (Axis(title, log=True, marks="powers") for title in (say("Tokens L"), say("Seconds")))
    return Charts({"": line_chart(curves, x=x, y=y, height=380)})


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


def scaling(result: Scaling, *, quantity: str = "parameters", extra: Extra = (), say: Say = str) -> Drawing:
    """Draw parameters (in millions) or MACs (in billions) against the size that grows, both axes logarithmic."""
    check_choice("Quantity", quantity, QUANTITIES)
    if quantity == "parameters":
        title, values, tint = say("Parameters (millions)"), result.parameters / 1e6, VIT_BLUE
    else:
        title, values, tint = say("Operations (GMACs)"), result.macs / 1e9, QUERY_ORANGE
    x = Axis(growing(result.growing, say=say), log=True, ticks=[int(value) for value in result.values])
    y = Axis(title, log=True, span=None if extra else _decade_around(values))
    curve = Curve(title, result.values, values, tint)
    return Charts({"": line_chart([curve, *extra], x=x, y=y, legend=True, height=320)})


def growing(size: str, *, say: Say = str) -> str:
    """Return the title of a size that grows, one of those of ``vitviz.labs.cost.scaling``."""
    titles = {
        "depth": say("Blocks T"),
        "width": say("Channels D"),
        "side": say("Side of the picture (px)"),
        "heads": say("Heads"),
    }
    return titles[size]


def _decade_around(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return a decade with the values in its middle, where they span less: what hardly grows must look flat."""
    low, high = float(values.min()), float(values.max())
    middle = (low * high) ** 0.5
    return (middle / 10**0.5, middle * 10**0.5) if high < 4 * low else None


def input_sizes(result: InputSizes, *, say: Say = str) -> Drawing:
    """Draw the likeness to the feature at the model's own size against the input size, for both kinds of positions."""
    ways = (
        (say("interpolated"), result.interpolated, VIT_BLUE),
        (say("truncated"), result.truncated, QUERY_ORANGE),
    )
    curves = [
        Curve(name, sides(answers), [answer.cosine for answer in answers], colour)
        for name, answers, colour in ways
        if answers
    ]
    x, y = Axis(say("Longer side (px)")), Axis(say("Cosine with the feature at its own size"))
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
