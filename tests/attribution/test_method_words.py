"""Every method says how long it takes, and every knob what it is."""

from __future__ import annotations

import pytest

from vitviz.attribution import METHODS, Method
from vitviz.grid import PatchGrid

GRID = PatchGrid(3, 4, (16, 16), ("class",))
PASSES = {
    "occlusion": {"stride": 2},  # 2 × 2 places
    "rise": {"n_masks": 10},
    "kernel_shap": {"n_samples": 20},
    "integrated_gradients": {"n_steps": 8},
    "smooth_grad": {"n_samples": 5},
    "gradient_shap": {"n_samples": 5},
}
BY_HAND = {
    "occlusion": 4,
    "rise": 10,
    "kernel_shap": 20,
    "integrated_gradients": 24,  # a forward and a backward pass, which counts twice
    "smooth_grad": 15,
    "gradient_shap": 20,
}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_slow_method_counts_its_passes_and_a_quick_one_has_none(method: Method) -> None:
    if method.name not in PASSES:
        assert method.passes is None
        return
    assert method.passes is not None
    assert method.passes(method.choose(PASSES[method.name], 12), GRID) == BY_HAND[method.name]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_knob_has_a_label_that_is_no_keyword(method: Method) -> None:
    for knob in method.knobs:
        assert knob.label
        assert "_" not in knob.label
        assert knob.label[0].isupper()
    assert len({knob.label for knob in method.knobs}) == len(method.knobs)
