"""The results of the labs are drawn: each drawing function is run on what its lab returns."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

import vitviz
from vitviz.labs import (
    anatomy,
    attention_by_hand,
    encodings,
    gelu,
    model_temperature,
    noisy_picture,
    pasted_object,
    residual_filter,
    rollout_by_hand,
    smallest_object,
    smallest_position,
    temperature,
)
from vitviz.labs.attention_filter import attention_gain, compare_residual
from vitviz.labs.cost.compute import block_macs, model_macs, time_block
from vitviz.labs.cost.memory import attention_storage, compare_blocks
from vitviz.labs.cost.scaling import scale
from vitviz.labs.cost.vit_shape import ViTShape
from vitviz.labs.digits.results import shipped_distillation, shipped_hunger
from vitviz.labs.digits.scaling_runs import shipped_scaling
from vitviz.labs.digits.training import Point, Run
from vitviz.labs.input_size import PositionMaps, compare_sizes
from vitviz.labs.layer_norm.training import LayerNormTraining
from vitviz.labs.long_range.counter import count
from vitviz.labs.long_range.results import results as long_range_results
from vitviz.labs.long_range.verdict import Verdict
from vitviz.labs.object.detector import Detector
from vitviz.labs.shift import ShiftCurve, ShiftExperiment
from vitviz.labs.stream_growth import InitialSignal
from vitviz.pictures.register import DRAWINGS, options

RUN = Run("vit", 0, 20, (Point(0, float("nan"), 0.1), Point(5, 1.0, 0.5)), True, 1.0, 5)
RESULTS: dict[str, Callable[[], Any]] = {
    "gelu": gelu.gelu,
    "head": lambda: attention_by_hand.head([[1.0, 0.0], [0.0, 1.0]], *([[[1.0], [2.0]]] * 3)),
    "rollout by hand": lambda: rollout_by_hand.run([[0.5, 0.5], [0.0, 1.0]], [[1.0, 0.0], [0.5, 0.5]]),
    "tempered": lambda: temperature.run([[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], temperature=0.5),
    "entropy": lambda: temperature.curve([[1.0, 0.0, 2.0]], [0.1, 1.0, 10.0]),
    "arrangements": lambda: smallest_position.run(2.0),
    "signal": lambda: residual_filter.run("path", 8, alpha=0.3, blocks=3),
    "signal on a grid": lambda: residual_filter.run("grid", 4, alpha=0.1, blocks=3),
    "block": lambda: block_macs(197, 192),
    "counted": lambda: count((0, 0, 1, 2), 2.0),
    "run": lambda: RUN,
    "positions": lambda: PositionMaps(*(np.linspace(-1, 1, 16).reshape(4, 4),) * 3, 0.0),
    "training": lambda: LayerNormTraining(
        "pre", 2, 8, 0.1, 0, 25, 0, np.linspace(2, 1, 25), np.ones(25), 0.5, True, False
    ),
    "verdict": lambda: Verdict("vit", np.array([0.2, 0.8]), np.zeros((2, 2))),
    "shifts": lambda: ShiftExperiment((0, 1, 2), (ShiftCurve("tokens", 16, np.array([1.0, 0.9, 0.8])),)),
    "growth": lambda: InitialSignal("pre", np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0]), None),
}


SHAPE = ViTShape((224, 224), (16, 16), 192, 12, 3)


@pytest.fixture(scope="module")
def measured(tiny_vit: Any) -> dict[str, Any]:
    """What the labs measure of a model, and what their shipped runs hold."""
    vit = vitviz.ViT.from_module(tiny_vit)
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    trace = vitviz.trace(vit, photo)
    distilled = shipped_distillation()
    return {
        "encoding": encodings.run(vit.grid, channels=8)[0],
        "activations": gelu.activations(vit, trace, 0),
        "sweep": model_temperature.run(vit, photo, factors=(0.5, 1.0, 2.0)),
        "noisy": noisy_picture.run(Detector(patch_size=8), 6, image_size=32),
        "smallest": smallest_object.run(patch_sizes=(4, 8, 16), trials=10),
        "pasted": pasted_object.run(vit, photo, sizes=(2, 4)),
        "hunger": shipped_hunger(),
        "distillation": distilled,
        "error": shipped_scaling(),
        "tokens": distilled.attention,
        "distances": long_range_results("occluder"),
        "gains": attention_gain(trace),
        "spectra": compare_residual(vit, trace),
        "embedding": anatomy.embedding(vit, trace),
        "step": anatomy.block_step(vit, trace, 0),
        "model": model_macs(SHAPE),
        "seconds": time_block(16, 2, tokens=(4, 8), repetitions=1),
        "memory": compare_blocks(tokens=8, width=16, heads=2, repetitions=1),
        "storage": attention_storage(SHAPE),
        "scaling": scale(SHAPE, "depth", (1, 2, 4)),
        "sizes": compare_sizes(vit, photo, sizes=(32, 48)),
    }


MEASURED: dict[str, Callable[[Any], Any]] = {  # numbers of the result that its figure must hold
    "encoding": lambda encoding: encoding.map(encoding.grid.columns // 2 + encoding.grid.rows // 2 * 4),
    "activations": lambda activations: np.histogram(activations.inputs, 80)[0],
    "sweep": lambda sweep: sweep.cosine,
    "noisy": lambda noisy: None,
    "smallest": lambda smallest: [size for size in smallest.measured if size is not None],
    "pasted": lambda pasted: pasted.signal_to_noise[:, -1],
    "hunger": lambda hunger: hunger.accuracies("vit").mean(-1),
    "distillation": lambda distilled: distilled.accuracies("teacher"),
    "error": lambda scaling: scaling.errors("data").mean(-1),
    "tokens": lambda tokens: None,
    "distances": lambda task: task.networks["vit"].mean,
    "gains": lambda gains: gains.attention[0],
    "spectra": lambda spectra: spectra.without_residual[:, -1],
    "embedding": lambda embedding: None,
    "step": lambda step: None,
    "model": lambda macs: sorted(part / macs.total for part in vars(macs.blocks).values())[-1:],
    "seconds": lambda seconds: seconds.block,
    "memory": lambda memory: [1.0],
    "storage": lambda storage: [storage.maps / (storage.maps + storage.queries_and_keys)],
    "scaling": lambda scaling: scaling.parameters / 1e6,
    "sizes": lambda sizes: [answer.cosine for answer in sizes.interpolated],
}


def test_every_result_is_drawn_here_or_beside_the_library(measured: dict[str, Any]) -> None:
    assert list(measured) == list(MEASURED)
    here = {type(result) for result in measured.values()} | {type(make()) for make in RESULTS.values()}
    labs = {kind for kind in DRAWINGS if kind.__module__.startswith("vitviz.labs.")}
    assert labs - here == set()


@pytest.mark.parametrize("name", MEASURED)
def test_a_measurement_is_drawn_with_its_own_numbers(measured: dict[str, Any], name: str) -> None:
    figure, numbers = measured[name].figure(), MEASURED[name](measured[name])
    if numbers is None:  # a picture alone
        assert all(mark.source.startswith("data:image/") for mark in figure.data if mark.type == "image")
        assert len(set(measured[name].image(width_mm=40, dpi=60).convert("L").tobytes())) > 3
        return
    drawn = [
        np.asarray(getattr(mark, axis), float).ravel() for mark in figure.data for axis in "xyz" if _numeric(mark, axis)
    ]
    wanted = np.asarray(numbers, float).ravel()
    assert any(np.isin(np.round(wanted, 5), np.round(values, 5)).all() for values in drawn), name


def _numeric(mark: Any, axis: str) -> bool:
    return np.asarray(getattr(mark, axis, None)).dtype.kind in "fiu"


@pytest.mark.parametrize("name", RESULTS)
def test_a_lab_result_shows_itself_in_three_ways(name: str) -> None:
    result = RESULTS[name]()
    assert isinstance(result.figure(), go.Figure)
    assert result.image(width_mm=80).mode == "RGB"
    assert "<svg" in result._repr_html_() or "data:image/" in result._repr_html_()
    assert vitviz.show(result).figure().data


def test_a_chart_says_every_text_in_the_language_of_its_page(measured: dict[str, Any]) -> None:
    results = [*measured.values(), *(make() for make in RESULTS.values())]
    told = [result for result in results if "say" in signature(DRAWINGS[type(result)]).parameters]
    assert len(told) >= 10
    for result in told:
        figure = DRAWINGS[type(result)](result, say=lambda text: f"‹{text}›").figure()
        texts = [figure.layout.xaxis.title.text, figure.layout.yaxis.title.text]
        texts += [mark.name for mark in figure.data if mark.name and mark.showlegend is not False]
        assert [text for text in texts if text and not text.startswith("‹")] == [], type(result).__name__
        assert "say" not in options(result)
