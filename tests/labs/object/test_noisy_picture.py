"""The noisy picture: where the object lies, what the patches are, and what cannot be drawn."""

import numpy as np
import pytest

from vitviz.errors import GridError, OptionError
from vitviz.labs.object.detector import ALIGNMENTS, Detector
from vitviz.labs.object.noisy_picture import run, whole_patches


def test_patch_means_are_means_in_their_own_deviations():
    result = run(Detector(patch_size=4, noise=0.5), 3, image_size=16)
    means = np.array([
        [result.pixels[row : row + 4, column : column + 4].mean() for column in range(0, 16, 4)]
        for row in range(0, 16, 4)
    ])  # fmt: skip
    assert np.allclose(result.means, means / (0.5 / 4))


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize(("patch", "size"), [(8, 3), (8, 8), (8, 13), (16, 5), (4, 15)])
def test_the_object_covers_what_the_formula_says(patch, size, alignment):
    """The shares of the touched patches are those of ``Detector.coverage``, and they add up to the object."""
    detector = Detector(patch_size=patch, alignment=alignment)
    result = run(detector, size, image_size=32)
    assert result.coverage.sum() * patch**2 == pytest.approx(size**2)
    assert np.allclose(result.coverage[result.touched], detector.coverage(size).ravel())


def test_without_noise_the_object_is_seen_where_it_is():
    result = run(Detector(patch_size=8, noise=1e-9), 5, image_size=32)
    assert (result.detected & result.touched).sum() == result.hits == 1
    left, top, right, bottom = result.box
    assert (right - left, bottom - top) == (5, 5)
    assert result.pixels[int(top) + 2, int(left) + 2] == pytest.approx(1)


def test_noise_alone_raises_false_alarms_as_often_as_the_tail_says():
    """4,096 patches at k = 1: 15.9% of them, within four standard deviations."""
    result = run(Detector(patch_size=4, threshold=1.0), 1)
    share = result.false_alarms / result.means.size
    assert share == pytest.approx(0.1587, abs=4 * (0.1587 * 0.8413 / 4096) ** 0.5)


def test_the_pool_is_the_mean_of_the_touched_patches():
    result = run(Detector(patch_size=8), 24, image_size=64)
    assert result.touched.sum() == 9
    assert result.pool == pytest.approx(result.means[result.touched].sum() / 3)


def test_the_seed_is_the_picture():
    first, same, other = (run(Detector(), 8, seed=seed).pixels for seed in (0, 0, 1))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_patches_that_do_not_cover_the_picture_are_told():
    with pytest.raises(GridError, match="48 pixels do not cover .* 256 pixels: 16 pixels.*to 240.*32, 64 pixels"):
        run(Detector(patch_size=48), 8)
    assert whole_patches(256, 48) == 240
    with pytest.raises(GridError, match="patch of 300 pixels does not fit into a picture of 256"):
        whole_patches(256, 300)


@pytest.mark.parametrize(("patch", "alignment", "room"), [(64, "inside", 64), (64, "corner", 0), (16, "corner", 64)])
def test_an_object_that_does_not_fit_is_told(patch, alignment, room):
    with pytest.raises(OptionError, match=f"65 pixels does not fit there: wanted at most {room} "):
        run(Detector(patch_size=patch, alignment=alignment), 65, image_size=64)
