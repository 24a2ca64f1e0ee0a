"""Scales by hand, and the refusal of scales that mislead."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.scale import Scale, layer_scales, scale_for

ONE = np.array([[0.1, 0.2, 0.3], [0.0, 0.15, 0.25]])
HEADS = np.stack([ONE, ONE / 2, np.full((2, 3), 1 / 6)])
MODEL = np.stack([HEADS, HEADS * 2])


def test_a_map_has_its_own_minimum_maximum_and_one_over_n():
    scale = scale_for(ONE, uniform=1 / 6)
    assert scale == Scale(0.0, 0.3, 1 / 6, "map", False)
    assert (scale.text(0.3), scale.text(scale.uniform)) == ("30%", "16.7%")


def test_a_layer_spans_all_its_heads():
    scale = scale_for(HEADS[1:], "layer")
    assert (scale.low, scale.high, scale.scope) == (0.0, 1 / 6, "layer")


def test_the_model_spans_all_layers():
    assert scale_for(MODEL, "model").high == pytest.approx(0.6)
    assert scale_for(MODEL.reshape(-1, 2, 3), "model").high == pytest.approx(0.6)


def test_absolute_is_zero_to_one_whatever_is_passed():
    assert (scale_for(HEADS, "absolute").low, scale_for(HEADS, "absolute").high) == (0.0, 1.0)
    signed = scale_for(-HEADS, "absolute", signed=True)
    assert (signed.low, signed.high) == (-1.0, 1.0)


def test_layer_scales_are_one_a_layer():
    first, second = layer_scales(MODEL)
    assert (first.high, second.high) == (pytest.approx(0.3), pytest.approx(0.6))
    assert first.uniform is None  # whether the values are shares, and of how many tokens, is not in the maps
    assert layer_scales(MODEL, uniform=1 / 7)[0].uniform == pytest.approx(1 / 7)


def test_a_signed_scale_is_symmetric_and_has_no_uniform():
    scale = scale_for([[-0.5, 0.2]], signed=True)
    assert (scale.low, scale.high, scale.uniform, scale.palette) == (-0.5, 0.5, None, "RdBu")
    assert scale.quantise([[0.0]]).item() == 128


def test_uniform_can_count_special_tokens_or_be_left_out():
    assert scale_for(ONE, uniform=1 / 7).uniform == pytest.approx(1 / 7)
    assert scale_for(ONE).uniform is None
    assert (scale_for(ONE).text(0.3), Scale(0, 1, shares=True).text(0.3)) == ("0.3", "30%")


def test_fraction_by_hand():
    assert Scale(1.0, 3.0).fraction([0.0, 1.0, 2.0, 4.0]).tolist() == [0.0, 0.0, 0.5, 1.0]
    assert Scale(2.0, 2.0).fraction([2.0]).tolist() == [0.5]


def test_a_grid_of_heads_gets_no_scale_per_head():
    with pytest.raises(OptionError, match="got 3 maps.*flat heads look sharp"):
        scale_for(HEADS, "map")


def test_several_layers_are_not_one_layer():
    with pytest.raises(OptionError, match="got 2 layers.*layer_scales"):
        scale_for(MODEL, "layer")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers_are_refused(bad):
    with pytest.raises(OptionError, match="1 of 6 map values are NaN or infinite"):
        scale_for(np.where(ONE == 0.0, bad, ONE))


@pytest.mark.parametrize(
    ("maps", "options", "message"),
    [
        (-ONE, {}, r"smallest value is -0\.3.*signed=True"),
        (ONE * 10, {"scope": "absolute"}, r"from 0 to 1; got values from 0 to 3"),
        (ONE, {"scope": "head"}, "Scale scope 'head'"),
        (np.zeros(4), {}, r"shape \(4,\); wanted \(rows, columns\)"),
        (np.zeros((0, 3)), {}, r"shape \(0, 3\)"),
    ],
)
def test_errors_say_what_was_given_and_what_is_wanted(maps, options, message):
    with pytest.raises(OptionError, match=message):
        scale_for(maps, **options)


def test_layer_scales_wants_layers():
    with pytest.raises(OptionError, match=r"got \(3, 2, 3\)"):
        layer_scales(HEADS)


def test_an_impossible_scale_cannot_be_made():
    with pytest.raises(OptionError, match="from 1 to 0 is impossible"):
        Scale(1, 0)
    with pytest.raises(OptionError, match="symmetric about 0; got -1 to 2"):
        Scale(-1, 2, signed=True)


def test_rounding_just_above_one_is_no_error():
    assert scale_for([[1.000001, 0.0]], "absolute").high == 1.0
