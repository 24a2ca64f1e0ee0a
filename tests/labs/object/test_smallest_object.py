"""The smallest object a token can see: closed forms, simulated pictures against them, limits and messages."""

import math

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.object.detector import ALIGNMENTS, CORNER, EDGE, INSIDE, Detector
from vitviz.labs.object.smallest_object import detection_rate, measured_smallest, run

DEFAULT = Detector()  # Δ = σ = 1, k = 3: kσ/Δ is 3 pixels


@pytest.mark.parametrize(("patch", "wanted"), [(3, 3.0), (12, 6.0), (48, 12.0), (2, None)])
def test_the_smallest_object_by_hand(patch, wanted):
    """√(3p): 3 for p = 3, 6 for 12, 12 for 48; a patch of 2 pixels sees nothing."""
    assert Detector(patch_size=patch).smallest == wanted


@pytest.mark.parametrize("patch", [3, 5, 6, 7, 20, 64])
@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_the_smallest_object_has_exactly_the_threshold(patch, alignment):
    """At the smallest size the signal-to-noise ratio is k and the chance one half; a little below it is less."""
    one = Detector(patch_size=patch, alignment=alignment)
    assert one.signal_to_noise(one.smallest) == pytest.approx(one.threshold)
    assert one.chance(one.smallest) == pytest.approx(0.5)
    assert one.chance(0.99 * one.smallest) < 0.5


def test_the_worst_corner_quarters_the_signal_and_doubles_the_size():
    inside, corner = Detector(patch_size=16), Detector(patch_size=16, alignment=CORNER)
    assert corner.signal_to_noise(8) == inside.signal_to_noise(8) / 4
    assert corner.smallest == 2 * inside.smallest
    assert corner.coverage(8).tolist() == [[1 / 16, 1 / 16], [1 / 16, 1 / 16]]


def test_a_border_halves_the_signal():
    """√2 times the size while the object fits a patch; beyond, one side no longer counts: 2kσ/Δ."""
    assert Detector(patch_size=24, alignment=EDGE).smallest == pytest.approx(math.sqrt(2 * 3 * 24))
    assert Detector(patch_size=6, alignment=EDGE).smallest == pytest.approx(6)
    assert Detector(patch_size=4, alignment=EDGE).smallest == pytest.approx(6)


def test_a_token_that_is_filled_sees_no_more():
    """The ratio stops at Δp/σ; that is why p < kσ/Δ is blind."""
    one = Detector(patch_size=2)
    assert one.blind
    assert one.signal_to_noise(2) == one.signal_to_noise(200) == one.cap == 2
    assert measured_smallest(one, trials=200) is None
    assert Detector(patch_size=2, brightness=1.5).smallest == pytest.approx(2)


@pytest.mark.parametrize("patch", [1, 2, 3, 4, 6])
def test_a_pool_sees_k_sigma_over_delta_whatever_the_patch(patch):
    """kσ/Δ = 12 pixels for every patch that divides 12."""
    one = Detector(patch_size=patch, threshold=12)
    assert one.pooled_smallest == pytest.approx(12)
    assert one.pooled_signal_to_noise(12) == pytest.approx(12)


def test_a_pool_of_tokens_that_are_covered_in_part_needs_more():
    """With p = 5, kσ/Δ = 12: three patches a side, √(12 · 3 · 5)."""
    assert Detector(patch_size=5, threshold=12).pooled_smallest == pytest.approx(math.sqrt(180))
    assert Detector(patch_size=48).pooled_smallest == Detector(patch_size=48).smallest


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize("patch", [2, 5, 16])
def test_the_pool_is_the_first_size_that_reaches_the_threshold(patch, alignment):
    one = Detector(patch_size=patch, alignment=alignment)
    sizes = np.arange(0.02, one.pooled_smallest, 0.02)
    assert one.pooled_signal_to_noise(one.pooled_smallest) == pytest.approx(one.threshold)
    assert max(one.pooled_signal_to_noise(size) for size in sizes) < one.threshold


def test_pooling_four_corners_costs_root_two_instead_of_two():
    one = Detector(patch_size=48, alignment=CORNER)
    assert one.pooled_smallest == pytest.approx(one.smallest / math.sqrt(2))


def test_simulated_pictures_agree_with_the_formula_and_the_slope_is_one_half():
    """Monte Carlo over p = 4 … 64: slope 0.50 ± 0.03, sizes within 2%."""
    result = run(trials=3000, seed=1)
    assert result.formula == tuple(math.sqrt(3 * patch) for patch in (4, 8, 16, 32, 64))
    assert result.slope == pytest.approx(0.5, abs=0.03)
    assert result.formula_slope == pytest.approx(0.5)
    assert result.largest_difference < 0.02


def test_on_a_border_the_formula_s_own_slope_is_less_than_one_half():
    """It is flat from kσ/Δ to 2kσ/Δ, here 3 to 6 pixels, so the smallest patch pulls the slope down."""
    result = run(detector=Detector(alignment=EDGE), trials=3000, seed=1)
    sizes = [6, *(math.sqrt(6 * patch) for patch in (8, 16, 32, 64))]
    assert result.formula == pytest.approx(sizes)
    slope = np.polyfit(np.log([4, 8, 16, 32, 64]), np.log(sizes), 1)[0]
    assert result.formula_slope == pytest.approx(slope)
    assert slope < 0.46
    assert result.slope == pytest.approx(slope, abs=0.03)


def test_simulated_corners_double_the_size():
    inside = measured_smallest(Detector(patch_size=32), trials=3000)
    corner = measured_smallest(Detector(patch_size=32, alignment=CORNER), trials=3000)
    assert corner == pytest.approx(2 * inside, rel=1e-6)


@pytest.mark.parametrize(("patch", "size", "pooled"), [
    (16, 6.0, False), (16, 8.0, False), (2, 2.0, True), (2, 4.0, True),
])  # fmt: skip
def test_the_share_of_detections_is_that_of_the_normal_distribution(patch, size, pooled):
    one = Detector(patch_size=patch)
    result = detection_rate(one, size, pooled=pooled, trials=4000, seed=2)
    chance = one.chance(size, pooled=pooled)
    assert result == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / 4000))


def test_false_alarms_are_the_tail_beyond_the_threshold():
    assert Detector(threshold=3).false_alarm == pytest.approx(0.0013499, abs=1e-7)


def test_no_slope_where_fewer_than_two_patches_see():
    result = run(patch_sizes=(1, 2, 4), trials=50)
    assert result.formula[:2] == result.measured[:2] == (None, None)
    assert result.slope is None
    assert run(patch_sizes=(1, 2), trials=50).largest_difference is None


@pytest.mark.parametrize(("options", "message"), [
    ({"patch_size": 0}, "patch of 0 pixels does not exist; wanted at least 1"),
    ({"brightness": 0.0}, "brightness is 0.0; wanted a positive"),
    ({"noise": math.inf}, "noise is inf; wanted a positive, finite"),
    ({"threshold": math.nan}, "threshold must be a number; got nan"),
    ({"alignment": "middle"}, "Alignment 'middle' is unknown; wanted one of 'inside'"),
])  # fmt: skip
def test_what_a_detector_cannot_be(options, message):
    with pytest.raises(OptionError, match=message):
        Detector(**options)


def test_messages():
    with pytest.raises(OptionError, match="An object of 0 pixels cannot be seen; wanted a positive"):
        DEFAULT.chance(0)
    with pytest.raises(OptionError, match="9 trials say little; wanted at least 10"):
        measured_smallest(DEFAULT, trials=9)
    with pytest.raises(OptionError, match="no patch sizes; wanted at least one"):
        run(patch_sizes=())
    assert DEFAULT.alignment == INSIDE
