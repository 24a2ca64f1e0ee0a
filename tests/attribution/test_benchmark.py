"""Measurements of a photo against the functions that they are made of; tables by hand; plans that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor

import vitviz
from vitviz.analysis.faithfulness import area_under
from vitviz.attribution import attribute
from vitviz.attribution.benchmark import METRICS, Measurement, Plan, measure_photo, peak_memory
from vitviz.attribution.benchmark_table import benchmark_table
from vitviz.errors import OptionError
from vitviz.models.vit import ViT
from vitviz.trace.target import Target, likeness

CLASS = Target(4, "class 4")
BOX = (8, 0, 32, 16)


def test_a_measurement_is_what_the_single_tests_say(vit: ViT, pixels: Tensor) -> None:
    plan = Plan(methods=("gradient_rollout", "saliency"), replacement="black", steps=10, random_maps=2)
    measurements = measure_photo(vit, pixels, CLASS, plan, box=BOX, seed=3)
    assert [each.method for each in measurements] == ["gradient_rollout", "saliency", "random"]
    for each in measurements[:2]:
        mapped = attribute(each.method, vit, pixels, target=4)
        curves = vitviz.deletion_insertion(vit, pixels, mapped, steps=10, replacement="black", random_maps=0)
        chefer = vitviz.perturbation_test(vit, pixels, mapped, random_maps=0)
        assert each.deletion == pytest.approx(curves.first.area, abs=1e-6)
        assert each.insertion == pytest.approx(curves.second.area, abs=1e-6)
        assert each.difference == pytest.approx(each.insertion - each.deletion)
        for area, curve in ((each.positive, chefer.first), (each.negative, chefer.second)):
            assert curve.correct is not None
            assert area == pytest.approx(area_under(curve.fractions, curve.correct), abs=1e-6)
        assert each.pointing == float(vitviz.pointing_game(mapped.values, vit.grid, BOX))
        assert each.energy == pytest.approx(vitviz.energy_in_box(mapped.values, vit.grid, BOX))
        assert each.seconds > 0
    again = measure_photo(vit, pixels, CLASS, plan, box=BOX, seed=3)
    assert again[-1] == measurements[-1]
    assert measure_photo(vit, pixels, CLASS, plan, seed=4)[-1].deletion != measurements[-1].deletion


def test_a_similarity_has_no_top_answer_and_no_box_no_place(headless: ViT, pixels: Tensor) -> None:
    own = likeness(vitviz.trace(headless, pixels).embedding, "its own embedding")
    plan = Plan(methods=("rollout",), replacement="removed", steps=2, random_maps=1)
    for each in measure_photo(headless, pixels, own, plan):
        assert (each.positive, each.negative, each.pointing, each.energy) == (None,) * 4
        assert np.isfinite(each.difference)


def test_memory_grows_with_the_layers_that_are_kept(vit: ViT, pixels: Tensor) -> None:
    plan = Plan(methods=("class_attention", "gradient_rollout"))
    peaks = peak_memory(vit, pixels, CLASS, plan)
    assert 0 < peaks["class_attention"] < peaks["gradient_rollout"] < 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ("tea",)}, "There is no method 'tea'"),
        ({"methods": ("rise",), "knobs": {"rise": {"tea": 1}}}, "rise has no knob 'tea'"),
        ({"methods": ("rise",), "knobs": {"legrad": {}}}, "Knobs are given for legrad, which is not"),
        ({"methods": ("rise",), "replacement": "tea"}, "Replacement 'tea' is unknown"),
        ({"methods": ("rise",), "steps": 1}, "steps is 1; wanted at least 2"),
        ({"methods": ("rise",), "random_maps": 0}, "random_maps is 0; wanted at least 1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(vit: ViT, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Plan(**options).check(vit)


def test_a_method_that_cannot_serve_the_model_is_left_out(averaging: ViT, pixels: Tensor) -> None:
    plan = Plan(methods=("class_attention", "rollout"), steps=2, random_maps=1)
    _served, refused = plan.served(averaging)
    assert "no class token" in refused["class_attention"]
    measurements = measure_photo(averaging, pixels, CLASS, plan)
    assert [each.method for each in measurements] == ["rollout", "random"]


def measured(method: str, difference: float, energy: float | None = None) -> Measurement:
    rest: dict[str, Any] = dict.fromkeys(metric.name for metric in METRICS)
    return Measurement(method, **(rest | {"difference": difference, "energy": energy, "seconds": 1.0}))


def test_rows_are_means_and_intervals_by_hand() -> None:
    photos = {
        "a": [measured("one", 0.4, 0.5), measured("random", 0.1, 0.25)],
        "b": [measured("one", 0.2), measured("random", 0.1, 0.75)],
    }
    first, second = benchmark_table(photos, {"one": 12.0})
    assert (first.method, second.method) == ("one", "random")
    cell = first.cells["difference"]
    assert cell.mean == pytest.approx(0.3)
    assert cell.half == pytest.approx(1.96 * 0.1)  # standard deviation 0.1 √2, by √2 photos
    assert (cell.gain, cell.gain_half) == (pytest.approx(0.2), pytest.approx(1.96 * 0.1))
    assert (first.cells["energy"].mean, first.cells["energy"].photos) == (0.5, 1)
    assert np.isnan(first.cells["energy"].half)
    assert "deletion" not in first.cells
    assert "seconds" not in second.cells
    assert (first.peak_megabytes, second.peak_megabytes) == (12.0, None)
    with pytest.raises(OptionError, match="Nothing was measured"):
        benchmark_table({})
