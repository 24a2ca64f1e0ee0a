"""The experiments of the Learn pages on blocks, temperature, order and objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from vitviz.figures.arrangements import arrangement_sheet
from vitviz.figures.axes import Axis, layer_axis
from vitviz.figures.bars import histogram
from vitviz.figures.curve import Curve, Level, Shade
from vitviz.figures.detection import detection_map, grey_picture
from vitviz.figures.heatmaps import token_matrix
from vitviz.figures.line_chart import LAYER, TITLED, line_chart
from vitviz.figures.palettes import CNN_VERMILION, LAST_LAYER, PINNED, VIT_BLUE, layer_ramp
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.figures.theme import NEUTRAL
from vitviz.labs.attention_by_hand import HeadSteps
from vitviz.labs.gelu import Activations, Gelu
from vitviz.labs.long_range.counter import AttentionCount
from vitviz.labs.model_temperature import ModelTemperature
from vitviz.labs.object.detector import closed_form
from vitviz.labs.object.noisy_picture import NoisyPicture
from vitviz.labs.object.pasted_object import PastedObject
from vitviz.labs.object.smallest_object import SmallestObject
from vitviz.labs.rollout_by_hand import RolloutSteps
from vitviz.labs.shift import ShiftExperiment
from vitviz.labs.smallest_position import ARRANGEMENTS, SmallestPosition
from vitviz.labs.temperature import TemperatureCurve, TemperedAttention
from vitviz.numbers import Signed, scientific
from vitviz.pictures.drawing import Charts, Drawing, Extra, Maps, Say

_YELLOW = "#E69F00"
_LIGHT_BLUE = "#56B4E9"
SHIFTED = {
    "tokens": VIT_BLUE,
    "patch embedding": _LIGHT_BLUE,
    "convnet": CNN_VERMILION,
    "plain convolutions": _YELLOW,
}
"""Colours of the networks of the shift experiment."""
FAINTEST = 1e-3  # signal over noise that a logarithmic axis still shows
_LARGEST = 128  # pixels of a patch that is drawn


def gelu(result: Gelu, *, gap: bool = False, say: Say = str) -> Drawing:
    """Draw GELU, its tanh form and ReLU; with ``gap`` the difference of the two forms."""
    if gap:
        lines = [Curve(say("exact − tanh"), result.x, result.exact - result.tanh, kind="line")]
        marks = (-4e-4, -2e-4, 0, 2e-4)
        y = Axis(say("Difference"), ticks=marks, tick_names=[scientific(mark, 1).replace("-", "−") for mark in marks])
    else:
        inside = (result.x >= -4) & (result.x <= 3)
        kinds = (
            (say("GELU, exact"), result.exact, VIT_BLUE, "solid"),
            (say("GELU, tanh form"), result.tanh, _YELLOW, "dash"),
            (say("ReLU"), result.relu, NEUTRAL, "solid"),
        )
        lines = [
            Curve(name, result.x[inside], values[inside], colour, dash, "line") for name, values, colour, dash in kinds
        ]
        y = Axis(say("Output"))
    hover = "{name}<br>%{x:.3g}: %{y:.4g}"
    return _chart([*lines], Axis(say("Input x")), y, hover=hover, legend=True, height=360)


def _chart(items: list[Any], x: Axis, y: Axis, **more: Any) -> Drawing:
    return Charts({"": line_chart(items, x=x, y=y, **more)})


def activations(result: Activations, *, bins: int = 80, say: Say = str) -> Drawing:
    """Draw how often inputs of the activation occur."""
    chart = histogram(result.inputs, x_title=say("Input of the activation"), y_title=say("Count"), bins=bins)
    return Charts({"": chart})


def tempered(result: TemperedAttention, *, say: Say = str) -> Drawing:
    """Draw the attention of every query to every key, on the fixed scale from 0 to 1."""
    queries, keys = result.attention.shape
    chart = token_matrix(
        result.attention,
        tokens(keys, say),
        query_names=tokens(queries, say),
        scale=Scale(0.0, 1.0, uniform=1 / keys, scope="absolute"),
        query_title=say("Query"),
        key_title=say("Key"),
        value_title=say("Attention"),
        height=340,
    )
    return Charts({"": chart})


def tokens(count: int, say: Say = str) -> list[str]:
    """Return what the tokens of a small example are called, counted from 1."""
    return [say("token {number}").format(number=number) for number in range(1, count + 1)]


def entropy(result: TemperatureCurve, *, extra: Extra = (), say: Say = str) -> Drawing:
    """Draw the entropy of each query against the temperature, with the limit of heat."""
    lines = [
        Curve(name, result.temperatures, values, PINNED[place % len(PINNED)], kind="line")
        for place, (name, values) in enumerate(zip(tokens(result.entropy.shape[1], say), result.entropy.T, strict=True))
    ]
    x = Axis(say("Temperature τ"), log=True, ticks=(0.02, 0.1, 0.5, 1, 2, 10, 100))
    items = [*lines, Level(say("log L"), result.uniform), *extra]
    return _chart(items, x, Axis(say("Entropy H (nats)")), hover=TITLED)


def sweep(result: ModelTemperature, *, extra: Extra = (), say: Say = str) -> Drawing:
    """Draw the drift of what is read, and the probability of the plain answer, against the factor."""
    read = say("class token") if result.read == "class token" else say("embedding")
    lines = [Curve(say("cosine of the {read}").format(read=read), result.factors, result.cosine)]
    if result.top:
        lines.append(Curve(say("probability of the plain answer"), result.factors, result.probability, _YELLOW))
    whole = [factor for factor in result.factors if float(np.log2(factor)).is_integer()]  # √2 between them, unmarked
    x = Axis(say("Factor of the temperature"), log=True, ticks=whole or result.factors)
    return _chart([*lines, *extra], x, Axis(say("Cosine, probability")), hover=TITLED, legend=True)


def arrangements(result: SmallestPosition) -> Drawing:
    """Draw the six arrangements: letters are contents, colours are attention, the number is the output."""
    labels = [f"{Signed(value + 0.0):+.3f}" for value in result.outputs]
    sheet = arrangement_sheet(ARRANGEMENTS, result.attention, labels)
    return Maps([Panel(picture=sheet)], caption="The number is the mean of A = +1 and B = −1 under the attention.")


def counted(result: AttentionCount, *, say: Say = str) -> Drawing:
    """Draw the attention between the halves, in the order in which they are read."""
    chart = token_matrix(
        result.attention,
        [f"{place + 1}" for place in range(result.tokens)],
        scale=Scale(0.0, 1.0, uniform=1 / result.tokens),
        query_title=say("Half"),
        key_title=say("Half (in reading order)"),
        value_title=say("Attention A"),
        height=360,
    )
    return Charts({"": chart})


def shifts(result: ShiftExperiment, *, names: Mapping[str, str] | None = None, say: Say = str) -> Drawing:
    """Draw the likeness of every network's features against the shift; ``names`` are what they are called."""
    words = names or {}
    title = say("{name} (stride {stride})")
    lines = [
        Curve(
            title.format(name=words.get(curve.name, curve.name), stride=curve.stride),
            result.shifts,
            curve.likeness,
            SHIFTED.get(curve.name, NEUTRAL),
        )
        for curve in result.curves
    ]
    x, y = Axis(say("Shift to the right (px)")), Axis(say("Likeness of the moved features"))
    return _chart([*lines], x, y, legend=True, height=400)


def noisy(result: NoisyPicture) -> Drawing:
    """Draw the noisy picture with its object outlined, and which patches see it, miss it, or are mistaken."""
    height, width = result.pixels.shape
    left, top, right, bottom = result.box
    reach = result.detector.brightness + 2.5 * result.detector.noise
    picture = grey_picture(result.pixels, reach=reach or 1.0, box=result.box)
    shares = (left / width, top / height, right / width, bottom / height)
    marked = detection_map(result.detected, result.touched, box=shares)
    panels = [
        Panel("The picture", picture=Image.fromarray(picture)),
        Panel("Green: seen, orange: missed, purple: mistaken", picture=Image.fromarray(marked)),
    ]
    return Maps(panels)


def smallest(result: SmallestObject, *, extra: Extra = (), say: Say = str) -> Drawing:
    """Draw the smallest visible object against the patch size, counted and by formula."""
    detector = result.detector
    patches = np.unique(np.append(np.geomspace(1, _LARGEST, 120), detector.limit))
    seen = patches[patches <= _LARGEST]
    sizes = [(patch, closed_form(detector.limit, patch, detector.alignment)) for patch in seen]
    lines = [_pairs(say("formula"), sizes, kind="line")]
    whole = np.unique(np.geomspace(1, _LARGEST, 60).round()).astype(int)
    pools = [replace(detector, patch_size=int(patch)).pooled_smallest for patch in whole]
    lines.append(Curve(say("pool of tokens"), whole, pools, NEUTRAL, "dash", "line"))
    lines.append(_pairs(say("counted"), zip(result.patch_sizes, result.measured, strict=True), kind="dots"))
    blind = min(detector.limit, float(_LARGEST))
    return _chart(
        [*(line for line in lines if line is not None), Level(say("kσ/Δ"), detector.limit), *extra],
        Axis(say("Patch p (pixels)"), log=True, ticks=(1, 2, 4, 8, 16, 32, 64, 128)),
        Axis(say("Smallest object (pixels)"), log=True),
        hover=TITLED,
        shade=Shade(say("one token is blind"), 1, blind) if blind > 1 else None,
        height=400,
    )


def _pairs(name: str, pairs: Any, **look: Any) -> Curve | None:
    known = [(x, y) for x, y in pairs if y is not None]
    x, y = zip(*known, strict=True) if known else ((), ())
    return Curve(name, x, y, **look) if known else None


def pasted(result: PastedObject, *, by: str = "size", extra: Extra = (), say: Say = str) -> Drawing:
    """Draw signal over noise of the token against the object's size, or ``by="layer"`` how far the token moves.

    Ratios below 0.001 stand there, where the logarithmic axis ends.
    """
    if by == "layer":
        return Charts({"": pasted_layers(result, say=say)})
    sizes, table = np.array(result.sizes, dtype=np.float64), np.maximum(result.signal_to_noise, FAINTEST)
    middle = table.shape[1] // 2
    lines = [
        Curve(say("input"), sizes, table[:, 0], _LIGHT_BLUE),
        Curve(say("layer {layer}").format(layer=middle - 1), sizes, table[:, middle], VIT_BLUE),
        Curve(say("last layer"), sizes, table[:, -1], LAST_LAYER),
    ]
    x = Axis(say("Object s (pixels)"), log=True, ticks=result.sizes)
    y = Axis(say("Signal ÷ noise of the token"), log=True)
    return _chart([*extra, *lines], x, y, hover=TITLED, height=400)


def pasted_layers(result: PastedObject, *, say: Say = str) -> go.Figure:
    """Return how far the token moves in every layer: by objects of several sizes, and by noise alone."""
    noise = result.noise_change
    chosen = range(0, len(result.sizes), max(1, len(result.sizes) // 4))
    layers = np.arange(noise.shape[1]) - 1
    curves = [
        Curve(say("object of {size} px").format(size=result.sizes[place]), layers, result.object_change[place], tint)
        for place, tint in zip(chosen, layer_ramp(len(chosen)), strict=True)
    ]
    name = say("noise alone, {count} samples").format(count=len(noise))
    curves.append(Curve(name, layers, noise.mean(0), NEUTRAL, "dash", low=noise.min(0), high=noise.max(0)))
    x = layer_axis(say("Layer (−1: the input of block 0)"), len(layers))
    return line_chart(curves, x=x, y=Axis(say("Change ÷ length of the token")), hover=LAYER, height=360)


def head(result: HeadSteps, *, names: Sequence[str] | None = None, say: Say = str) -> Drawing:
    """Draw the attention of a head by hand, on the fixed scale from 0 to 1; ``names`` are the tokens' (numbers)."""
    return _square(result.attention, say("Query"), say("Key"), names, value_title=say("Attention"))


def rolled(result: RolloutSteps) -> Drawing:
    """Draw the rollout of two layers: which input tokens every output token is put together from."""
    return _square(result.rollout, "Output token", "Input token", value_title="Rollout")


def _square(
    shares: NDArray[np.float64],
    query_title: str,
    key_title: str,
    names: Sequence[str] | None = None,
    *,
    value_title: str,
) -> Drawing:
    names = names or [str(token) for token in range(1, len(shares) + 1)]
    scale = Scale(0.0, 1.0, uniform=1 / len(shares), scope="absolute")
    chart = token_matrix(
        shares,
        names,
        scale=scale,
        query_title=query_title,
        key_title=key_title,
        value_title=value_title,
        height=340,
    )
    return Charts({"": chart})


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    HeadSteps: head,
    RolloutSteps: rolled,
    Gelu: gelu,
    Activations: activations,
    TemperedAttention: tempered,
    TemperatureCurve: entropy,
    ModelTemperature: sweep,
    SmallestPosition: arrangements,
    AttentionCount: counted,
    ShiftExperiment: shifts,
    NoisyPicture: noisy,
    SmallestObject: smallest,
    PastedObject: pasted,
}
