"""Networks in training and what the trained ones say: the Training and Long range pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from vitviz.errors import OptionError, check_index
from vitviz.figures.axes import Axis
from vitviz.figures.bars import Verdict as VerdictBar
from vitviz.figures.bars import verdict_bars
from vitviz.figures.curve import Curve, Level, spread
from vitviz.figures.line_chart import line_chart
from vitviz.figures.long_range import SECOND_CNN, distance_curves
from vitviz.figures.paint import Rgb
from vitviz.figures.palettes import CNN_VERMILION, PINNED, VIT_BLUE
from vitviz.figures.repeated_runs import mean_and_deviation, repeated_runs
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.figures.sprites import WHITE, map_grid
from vitviz.labs.digits.data_hunger import DataHunger
from vitviz.labs.digits.distillation_runs import Distillation, TokenAttention
from vitviz.labs.digits.scaling import DigitScaling
from vitviz.labs.digits.training import Run
from vitviz.labs.layer_norm.training import LayerNormTraining
from vitviz.labs.long_range.contents import CELL_PIXELS
from vitviz.labs.long_range.results import TaskResult
from vitviz.labs.long_range.verdict import Verdict
from vitviz.pictures.drawing import Charts, Drawing, Extra, Maps, Say

_GUESSING = Level("guessing", 0.1, number="%{y:.3~p}")
_RECOGNISED = "Held-out digits recognised"
_SHARE_HOVER = "{name}<br>%{x:.4g}: %{y:.3~p}"
_WINDOW = 10  # updates whose mean loss is one point
_NETWORKS = {"vit": ("Vision Transformer", VIT_BLUE), "convnet": ("CNN", CNN_VERMILION)}
_COLOURS = {"vit": VIT_BLUE, "limited": CNN_VERMILION, "large": SECOND_CNN}


def hunger(
    result: DataHunger | None, *, behind: DataHunger | None = None, extra: Extra = (), say: Say = str
) -> Drawing:
    """Draw held-out accuracy against the size of the training set, mean and deviation of the runs.

    ``behind`` are earlier runs, drawn pale behind those of now, of which there may be none yet.
    """
    before = [] if behind is None else [_behind(curve, say) for curve in _accuracies(behind, say)]
    lines = [*before, *([] if result is None else _accuracies(result, say))]
    if not lines:
        raise OptionError("No run is finished, so there is nothing to draw yet. Wait for one.")
    sizes = next(runs for runs in (behind, result) if runs is not None).sizes
    chart = line_chart(
        [*lines, *extra, Level(say("guessing"), 0.1, number="%{y:.3~p}")],
        x=Axis(say("Digits in the training set"), log=True, ticks=sizes),
        y=Axis(say("Held-out digits recognised"), ".0%"),
        hover=_SHARE_HOVER,
        height=380,
    )
    return Charts({"": chart})


def _accuracies(result: DataHunger, say: Say) -> list[Curve]:
    titles = {"vit": (say("Vision Transformer"), VIT_BLUE), "convnet": (say("CNN"), CNN_VERMILION)}
    lines = []
    for name, (title, colour) in titles.items():
        table = result.accuracies(name)
        kept = ~np.isnan(table).all(-1)
        if kept.any():
            mean, deviation = mean_and_deviation(table[kept])
            sizes = np.array(result.sizes)[kept]
            lines.append(Curve(title, sizes, mean, colour, **spread(mean, deviation), opacity=0.16))
    return lines


def _behind(curve: Curve, say: Say) -> Curve:
    return replace(curve, name=say("{name}, shipped").format(name=curve.name), faded=True)


def scaling(result: DigitScaling, *, growing: str = "data", say: Say = str) -> Drawing:
    """Draw the error against one of GROWING, both on logarithmic axes, with the 95% intervals and the fitted law."""
    return Charts({"": line_chart(scaling_curves(result, growing, say=say), **scaling_axes(result, growing, say=say))})


def scaling_curves(result: DigitScaling, growing: str, *, say: Say = str) -> list[Any]:
    """Return the mean errors with their intervals, clipped below at half the smallest error, and the law."""
    sizes, errors = result.values(growing), result.errors(growing)
    ends = np.clip(result.intervals(growing), errors.min() / 2, 1)
    curve = Curve(say("mean, 95% interval"), sizes, errors.mean(1), low=ends[:, 0], high=ends[:, 1])
    places = np.geomspace(sizes[0], sizes[-1], 30)
    law = Curve(say("fitted power law"), places, result.law(growing).at(places), PINNED[1], "dash", kind="line")
    return [curve, law]


def scaling_axes(result: DigitScaling, growing: str, *, say: Say = str) -> dict[str, Any]:
    """Return the axes of the errors of a scaled network, and the rest of the chart's settings."""
    titles = {
        "data": say("Digits in the training set"),
        "width": say("Width (channels of a token)"),
        "depth": say("Depth (blocks)"),
    }
    marks = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
    return {
        "x": Axis(titles[growing], log=True, ticks=result.values(growing)),
        "y": Axis(say("Held-out digits not recognised"), log=True, ticks=marks, tick_names=[f"{m:.0%}" for m in marks]),
        "hover": _SHARE_HOVER,
        "height": 380,
    }


def students(*, say: Say = str) -> Mapping[str, tuple[str, str]]:
    """Return title and colour of each network of the distillation experiment."""
    return {
        "teacher": (say("CNN, the teacher"), CNN_VERMILION),
        "alone": (say("ViT, labels alone"), VIT_BLUE),
        "soft": (say("ViT, probabilities (Hinton)"), "#009E73"),
        "hard": (say("ViT, decisions (DeiT token)"), "#CC79A7"),
    }


def distillation(result: Distillation, *, say: Say = str) -> Drawing:
    """Draw the held-out accuracy of every finished run, with mean and deviation."""
    short = {"soft": say("Hinton's loss"), "hard": say("DeiT's token")}  # a phone has little room below the columns
    groups = {
        short.get(name, title): (values, colour)
        for name, (title, colour) in students(say=say).items()
        if len(values := result.accuracies(name))
    }
    if not groups:
        raise OptionError("No run is finished, so there is nothing to draw yet. Wait for one.")
    mean = say("mean ± standard deviation")
    return Charts({"": repeated_runs(groups, y_title=say("Held-out digits recognised"), mean_title=mean)})


def run(result: Run) -> Drawing:
    """Draw held-out accuracy over the updates of a run."""
    title, colour = {**students(), **_NETWORKS}.get(result.name, (result.name, VIT_BLUE))
    points = result.points
    curve = Curve(title, [point.step for point in points], [point.accuracy for point in points], colour)
    y = Axis(_RECOGNISED, ".0%")
    return Charts({"": line_chart([curve, _GUESSING], x=Axis("Updates"), y=y, hover=_SHARE_HOVER, height=380)})


def token_attention(result: TokenAttention, *, digit: int = 0) -> Drawing:
    """Draw where the class token and the distillation token look, for one digit."""
    return Maps([Panel(picture=token_sheet(result, check_index("Digit", digit, len(result.maps))))])


def token_sheet(
    result: TokenAttention,
    digit: int,
    titles: tuple[str, str] = ("class", "distillation"),
    *,
    background: Rgb = WHITE,
    ink: Rgb | None = None,
) -> Image.Image:
    """Return the maps of a digit, a row for each layer and token; ``titles`` are what the tokens are called.

    ``background`` and ``ink`` as in ``map_grid``.
    """
    maps = result.maps[digit]  # (layer, token, head, row, column)
    layers, tokens, heads = maps.shape[:3]
    labels = [
        f"L{layer}·H{head} {titles[token]}"
        for layer in range(layers)
        for token in range(tokens)
        for head in range(heads)
    ]
    flat = maps.reshape(-1, *maps.shape[-2:])
    scale = Scale(0, float(flat.max()), 1 / (flat[0].size + tokens))
    return map_grid(flat, labels, columns=heads, scale=scale, cell_pixels=128, background=background, ink=ink)


def training(result: LayerNormTraining) -> Drawing:
    """Draw the training loss over updates, the mean of windows of ten."""
    losses, length = result.losses, len(result.losses)
    if not length:
        raise OptionError("The run has made no update, so there is no loss to draw. Train it first.")
    starts = range(0, length, _WINDOW)
    places = [min(start + _WINDOW, length) for start in starts]
    means = [float(losses[start : start + _WINDOW].mean()) for start in starts]
    title = "Pre-LN" if result.order == "pre" else "Post-LN"
    colour, dash = (VIT_BLUE if result.order == "pre" else PINNED[1]), "dash" if result.warmup_steps else "solid"
    curve = Curve(title, places, means, colour, dash)
    chance = Level("guessing", result.chance, number="%{y:.4g}")
    return Charts({"": line_chart([curve, chance], x=Axis("Updates"), y=Axis("Training loss (nats)"), height=380)})


def distances(result: TaskResult, *, current: float | None = None, extra: Extra = (), say: Say = str) -> Drawing:
    """Draw the accuracy of every network against distance, with the level of guessing and the end of the small field.

    ``current`` is a distance in pixels that is marked.
    """
    curves = []
    for name, network in result.networks.items():
        title = say("ViT") if network.field is None else say("CNN, field {pixels} px").format(pixels=network.field)
        look: dict[str, Any] = {"dash": "dash", "symbol": "diamond"} if name == "large" else {}
        if np.any(network.deviation):
            band = spread(network.mean, network.deviation)
            look |= {edge: np.clip(values, 0, 1) for edge, values in band.items()}
        curves.append(Curve(title, result.pixels, network.mean, _COLOURS.get(name, VIT_BLUE), **look))
    small = result.networks["limited"].field or 0 if "limited" in result.networks else 0
    beyond = [pixels for pixels in result.pixels if small and pixels >= small]
    words = say("no window of the small field holds both")
    chart = distance_curves(
        curves,
        extra=extra,
        chance=(say("guessing"), result.chance),
        field=(words, float(beyond[0]) - CELL_PIXELS / 2) if beyond else None,
        current=current,
        x_title=say("Distance (pixels)"),
        y_title=say("Accuracy on new pictures"),
    )
    return Charts({"": chart})


def verdict(result: Verdict, *, truth: int | None = None) -> Drawing:
    """Draw what a network answers as bars; ``truth`` is the right answer, in bold (the network's own if None)."""
    answers = [str(answer) for answer in range(len(result.probabilities))]
    bar = VerdictBar(result.network, result.probabilities, _COLOURS.get(result.network, VIT_BLUE))
    right = result.answer if truth is None else check_index("Answer", truth, len(answers))
    return Charts({"": verdict_bars(answers, [bar], truth=right, height=70 + 40 * len(answers))})


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    DataHunger: hunger,
    DigitScaling: scaling,
    Distillation: distillation,
    Run: run,
    TokenAttention: token_attention,
    LayerNormTraining: training,
    TaskResult: distances,
    Verdict: verdict,
}
