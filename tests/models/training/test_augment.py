"""Random views have the right size, depend on the generator alone and show a part of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from vitviz.models.training.augment import jitter_colour, random_crop, random_view


def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [70, 112, 168])
def test_a_view_has_the_size_asked_for_and_repeats_with_its_seed(size: int) -> None:
    first = random_view(picture(), size, np.random.default_rng(5))
    assert first.shape == (size, size, 3)
    assert first.dtype == np.uint8
    assert (first == random_view(picture(), size, np.random.default_rng(5))).all()
    assert (first != random_view(picture(), size, np.random.default_rng(6))).any()


def test_the_picture_itself_stays_as_it_was() -> None:
    original = picture()
    random_view(original, 98, np.random.default_rng(0))
    assert (original == picture()).all()


def test_half_the_views_are_mirrored() -> None:
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (64, 1, 3))
    views = [random_view(ramp, 28, np.random.default_rng(seed)) for seed in range(60)]
    mirrored = sum(int(view[:, 0].mean() > view[:, -1].mean()) for view in views)
    assert 18 <= mirrored <= 42


def test_a_crop_lies_in_the_picture_and_keeps_the_area_and_the_ratio() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        left, upper, right, lower = random_crop(48, 64, generator, smallest_area=0.5)
        assert 0 <= left < right <= 64
        assert 0 <= upper < lower <= 48
        width, height = right - left, lower - upper
        if width < 64 and height < 48:  # not cut off at the border
            assert 0.5 - 1e-9 <= width * height / (48 * 64) <= 1
            assert 3 / 4 - 1e-9 <= width / height <= 4 / 3 + 1e-9


def test_colour_jitter_of_grey_stays_grey() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    jittered = jitter_colour(grey, np.random.default_rng(1)).astype(int)
    assert np.ptp(jittered) <= 1  # the luma weights add to 1 only up to rounding
    assert 69 <= jittered.mean() <= 131
