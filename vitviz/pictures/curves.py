"""Curves over shares of patches, over stages and over layers: faithfulness, drop curves, lens, spectra, shuffling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from vitviz.analysis.drop_curve import DropCurve
from vitviz.analysis.faithfulness import Faithfulness, FaithfulnessCurve, RandomBand
from vitviz.analysis.faithfulness_checks import Randomisation
from vitviz.analysis.lens import LogitLens
from vitviz.analysis.shuffling import ShuffleExperiment
from vitviz.analysis.similarity import LayerSimilarity
from vitviz.analysis.spectrum import Spectrum
from vitviz.errors import OptionError, check_index
from vitviz.figures.axes import Axis, layer_axis
from vitviz.figures.curve import Curve
from vitviz.figures.heatmaps import token_matrix
from vitviz.figures.line_chart import LAYER, line_chart
from vitviz.figures.palettes import PINNED, layer_ramp
from vitviz.figures.removal_curves import random_curve, removal_curves
from vitviz.figures.scale import Scale
from vitviz.figures.theme import QUERY_ORANGE
from vitviz.pictures.drawing import Charts, Drawing, Say

_NAMED = 4
_HOVER = "{name}<br>%{x:.3g}: %{y:.4g}"
_NAMES = {
    "deletion": "Deletion: a fast fall is good",
    "insertion": "Insertion: a fast rise is good",
    "positive": "Strongest first: a fast fall is good",
    "negative": "Weakest first: a slow fall is good",
}


def _score(target: Any, say: Say = str) -> str:
    return say("Probability") if getattr(target, "class_index", None) is not None else say("Score")


def _random(name: str, fractions: Any, band: RandomBand | None) -> Curve | None:
    return None if band is None else random_curve(name, fractions, band.mean, band.low, band.high)


def removals(
    curves: Mapping[str, FaithfulnessCurve], band: FaithfulnessCurve, *, y_title: str, say: Say = str
) -> go.Figure:
    """Return the curves of several maps, and the random maps that ``band`` was tested beside."""
    title = say("Share of the patches shown") if band.name == "insertion" else say("Share of the patches removed")
    return removal_curves(
        band.fractions,
        {label: curve.values for label, curve in curves.items()},
        random=_random(say("random maps, 95%"), band.fractions, band.random),
        x_title=title,
        y_title=y_title,
    )


def removal(result: FaithfulnessCurve, *, label: str = "the map", y_title: str = "Score") -> Drawing:
    """Draw one curve beside what random maps do."""
    return Charts({_NAMES[result.name]: removals({label: result}, result, y_title=y_title)})


def faithfulness(result: Faithfulness, *, label: str = "the map") -> Drawing:
    """Draw both curves of a map beside what random maps do, as the Evidence page does."""
    y_title = _score(result.target)
    curves = (result.first, result.second)
    return Charts({_NAMES[curve.name]: removals({label: curve}, curve, y_title=y_title) for curve in curves})


def drop(result: DropCurve, *, say: Say = str) -> Drawing:
    """Draw the score as patches go in three orders, as the Patches page does."""
    chart = removal_curves(
        result.fractions,
        {say("most attended first"): result.most_attended, say("least attended first"): result.least_attended},
        random=_random(say("at random, mean and 95% of the draws"), result.fractions, result.random),
        x_title=say("Share of the patches dropped"),
        y_title=_score(result.target, say),
    )
    return Charts({"": chart})


def randomisation(result: Randomisation, *, label: str = "the map") -> Drawing:
    """Draw how alike a map stays as layers become random, as the Evidence page does."""
    chart = randomisations({label: result})
    if chart is None:
        raise OptionError("Every map of this test is flat, so no order can be compared; explain another target.")
    return Charts({"": chart})


def randomisations(results: Mapping[str, Randomisation], *, say: Say = str) -> go.Figure | None:
    """Return one curve a map as layers become random; stages at which a map is flat are left out, None if all are."""
    curves = []
    for place, (label, result) in enumerate(results.items()):
        known = np.isfinite(result.correlations)
        if known.any():
            colour = PINNED[place % len(PINNED)]
            curves.append(Curve(label, np.flatnonzero(known), result.correlations[known], colour))
    if not curves:
        return None
    stages = next(iter(results.values())).stages
    names = [stage.removeprefix("layer ") if stage.startswith("layer ") else say(stage) for stage in stages]
    return line_chart(
        curves,
        x=Axis(say("What is random so far"), ticks=range(len(names)), tick_names=names),
        y=Axis(say("Rank correlation")),
        hover=_HOVER,
        legend=True,
        height=300,
    )


def lens(
    result: LogitLens, *, classes: Sequence[int] | None = None, names: Sequence[str] | None = None, say: Say = str
) -> Drawing:
    """Draw the probability of some classes (the three best if None) after every block, as the Tokens page does.

    ``names`` are what they are called (those of the model if None).
    """
    count = result.logits.shape[1]
    best = result.logits[-1].argsort()[::-1][:3] if classes is None else classes
    shown = [check_index("Class", int(index), count) for index in best]
    if names is None:
        names = [result.names[index] if result.names else f"class {index}" for index in shown]
    layers = np.arange(len(result.probabilities)) - 1
    chart = line_chart(
        [
            Curve(name, layers, result.probabilities[:, index], PINNED[place % len(PINNED)])
            for place, (name, index) in enumerate(zip(names, shown, strict=True))
        ],
        x=layer_axis(say("After layer (−1: input)"), len(layers)),
        y=Axis(say("Probability")),
        hover=LAYER,
        legend=True,
        height=320,
    )
    return Charts({"": chart})


def spectrum(result: Spectrum) -> Drawing:
    """Draw how strong each spatial frequency is in every layer, with and without the residual path."""
    layers = len(result.branch)
    names = ["input", *(f"layer {layer}" for layer in range(layers))]
    shown = {
        "With the residual path": bands(result.frequency, result.stream, names),
        "Without it": bands(result.frequency, result.branch, names[1:]),
    }
    charts = {title: chart for title, chart in shown.items() if chart is not None}
    if not charts:
        raise OptionError("No layer's tokens have a mean to compare with, so there is no spectrum to draw.")
    return Charts(charts)


def bands(
    frequency: NDArray[np.float64], rows: NDArray[np.float64], names: Sequence[str], *, say: Say = str
) -> go.Figure | None:
    """Return one curve a layer, light to dark, but for those without a reference; None where no layer has one.

    Some are named, spread from the first to the last: more names of blues could not be told apart.
    """
    ramp = layer_ramp(len(rows))
    named = {round(place) for place in np.linspace(0, len(rows) - 1, _NAMED)}
    known = [place for place, row in enumerate(rows) if np.isfinite(row).all()]
    if not known:
        return None
    return line_chart(
        [
            Curve(names[place], frequency, rows[place], ramp[place], kind="line", listed=place in named)
            for place in known
        ],
        x=Axis(say("Spatial frequency (π a patch)")),
        y=Axis(say("Relative log amplitude")),
        hover=_HOVER,
        legend=True,
    )


def shuffling(result: ShuffleExperiment, *, say: Say = str) -> Drawing:
    """Draw how alike what is read stays as patches change places, as the Positions page does."""
    read = say("class token") if result.read == "class token" else say("embedding")
    chart = line_chart(
        [
            Curve(say("with positions"), result.shares, result.with_positions.cosine),
            Curve(say("without positions"), result.shares, result.without_positions.cosine, QUERY_ORANGE),
        ],
        x=Axis(say("Share of the patches that change places"), ".0%"),
        y=Axis(say("Cosine ({read})").format(read=read)),
        hover=_HOVER,
        height=300,
    )
    return Charts({"": chart})


def layer_likeness(result: LayerSimilarity, *, models: tuple[str, str] | None = None, say: Say = str) -> Drawing:
    """Draw the CKA of every layer with every layer, as the Tokens page does; ``models`` are what both are called."""
    first, second = models or result.models
    if not np.isfinite(result.values).all():
        raise OptionError("Some layer has the same token everywhere, so that nothing can be compared.")
    rows, columns = ([say("input"), *(str(layer) for layer in range(count - 1))] for count in result.values.shape)
    chart = token_matrix(
        result.values,
        columns,
        query_names=rows,
        scale=Scale(0.0, 1.0),
        query_title=say("Layer of {model}").format(model=first),
        key_title=say("Layer of {model}").format(model=second),
        value_title=say("CKA"),
        height=480,
    )
    return Charts({"": chart})


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    FaithfulnessCurve: removal,
    Faithfulness: faithfulness,
    DropCurve: drop,
    Randomisation: randomisation,
    LogitLens: lens,
    Spectrum: spectrum,
    ShuffleExperiment: shuffling,
    LayerSimilarity: layer_likeness,
}
