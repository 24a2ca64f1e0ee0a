"""The results of the labs are drawn: each drawing function is run on what its lab returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

import vitviz
from vitviz.labs import attention_by_hand, gelu, residual_filter, rollout_by_hand, smallest_position, temperature
from vitviz.labs.cost.compute import block_macs
from vitviz.labs.digits.training import Point, Run
from vitviz.labs.input_size import PositionMaps
from vitviz.labs.layer_norm.training import LayerNormTraining
from vitviz.labs.long_range.counter import count
from vitviz.labs.long_range.verdict import Verdict
from vitviz.labs.shift import ShiftCurve, ShiftExperiment
from vitviz.labs.stream_growth import InitialSignal

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


@pytest.mark.parametrize("name", RESULTS)
def test_a_lab_result_shows_itself_in_three_ways(name: str) -> None:
    result = RESULTS[name]()
    assert isinstance(result.figure(), go.Figure)
    assert result.image(width_mm=80).mode == "RGB"
    assert "<svg" in result._repr_html_() or "data:image/" in result._repr_html_()
    assert vitviz.show(result).figure().data
