"""Encodings side by side: hand-computed kernels, what a line cannot say about columns, and what is refused."""

import math

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.labs.encodings import rotary_vectors, run
from vitviz.models.vit import ViT

GRID = PatchGrid(rows=6, columns=8, patch_size=(8, 8))


@pytest.fixture(scope="module")
def encodings():
    return {each.kind: each for each in run(GRID, channels=64)}


def test_the_rotary_kernel_is_the_mean_cosine_of_the_angle_differences():
    """4 channels: one frequency, 1, for each axis; places (0, 0) and (2, 3) give (cos 2 + cos 3) / 2."""
    vectors = rotary_vectors(GRID, 4).double()
    product = float(vectors[0] @ vectors[2 * 8 + 3]) / 2
    assert product == pytest.approx((math.cos(2) + math.cos(3)) / 2, abs=1e-6)
    kernel = {each.kind: each for each in run(GRID, channels=4)}["rotary"].similarity
    assert kernel[0, 2 * 8 + 3] == pytest.approx(product, abs=1e-6)


def test_rotary_and_sine_cosine_depend_on_the_offset_alone(encodings):
    for kind, one, other in (("rotary", (0, 9), (10, 19)), ("sine-cosine-2d", (0, 9), (10, 19))):
        table = encodings[kind].similarity
        assert table[one] == pytest.approx(table[other], abs=1e-5)


def test_a_line_makes_the_end_of_a_row_a_neighbour_of_the_start_of_the_next(encodings):
    table = encodings["sine-cosine-1d"].similarity
    assert table[7, 8] == pytest.approx(table[0, 1], abs=1e-5)
    assert encodings["sine-cosine-2d"].similarity[7, 8] < table[7, 8]


def test_a_plane_is_read_better_than_a_line(encodings):
    plane, line = encodings["sine-cosine-2d"].read_out, encodings["sine-cosine-1d"].read_out
    assert plane.row > 0.99
    assert plane.column > 0.99
    assert line.column < plane.column


def test_every_place_is_most_like_itself(encodings):
    for each in encodings.values():
        assert np.allclose(np.diag(each.similarity), 1, atol=1e-5)
        assert each.map(3).shape == (6, 8)
        assert each.map(3)[0, 3] == pytest.approx(1, abs=1e-5)


def test_the_model_s_own_encoding_comes_first(tiny_vit):
    vit = ViT.from_module(tiny_vit, name="tiny")
    own, *formulas = run(vit.grid, channels=32, vit=vit)
    assert (own.kind, own.model) == ("learned", "tiny")
    assert [each.kind for each in formulas] == ["sine-cosine-1d", "sine-cosine-2d", "rotary"]
    assert all(each.model == "" for each in formulas)


def test_too_few_places_have_no_read_out_and_no_positions_no_map(build_vit):
    small = PatchGrid(rows=1, columns=1, patch_size=(8, 8))
    assert all(each.read_out is None for each in run(small, channels=8))
    vit = ViT.from_module(build_vit(pos_embed="none"))
    assert len(run(vit.grid, channels=32, vit=vit)) == 3


def test_messages(tiny_vit):
    with pytest.raises(OptionError, match="Encodings of 6 channels cannot be compared; wanted a multiple of 4"):
        run(GRID, channels=6)
    with pytest.raises(OptionError, match="has 4 × 4 places; wanted 6 × 8"):
        run(GRID, vit=ViT.from_module(tiny_vit))
