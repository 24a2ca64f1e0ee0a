"""Overlays: identities at both ends of the opacity, crisp cells, outline, grid, spotlight."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.overlay import blend, darken, draw_grid, grey, outline, overlay
from vitviz.figures.palettes import MISSING, QUERY, colour
from vitviz.figures.scale import Scale, scale_for

MAP = np.array([[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]])
PHOTO = np.random.default_rng(0).integers(0, 256, size=(40, 60, 3), dtype=np.uint8)
SCALE = scale_for(MAP)


def test_opacity_zero_is_the_photo():
    assert (overlay(PHOTO, MAP, opacity=0) == PHOTO).all()


def test_under_colours_the_photo_is_grey_so_that_every_hue_is_the_maps():
    red = np.full_like(PHOTO, (200, 0, 0))
    over_red, over_grey = (overlay(picture, MAP, opacity=0.4) for picture in (red, grey(red)))
    assert (over_red == over_grey).all()
    half = overlay(red, MAP, opacity=1 / 6).astype(int)  # half grey
    colours = overlay(red, MAP, opacity=1).astype(int)
    below = np.array([200 + 60, 60, 60]) / 2  # luma 0.299 × 200
    assert np.abs(half - np.rint(below * 5 / 6 + colours / 6)).max() <= 1


def test_opacity_one_is_the_palette_colour_of_each_cell():
    painted = overlay(PHOTO, MAP, opacity=1)
    cells = colour(MAP, "viridis", 0.0, 0.5)
    assert painted.shape == PHOTO.shape
    for row in range(2):
        for column in range(3):
            block = painted[row * 20 : row * 20 + 20, column * 20 : column * 20 + 20]
            assert (block == cells[row, column]).all()


def test_half_opacity_is_the_mean():
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 200, np.uint8)
    assert blend(black, white, 0.5).tolist() == [[[100, 100, 100]]]


def test_a_photo_that_is_no_multiple_of_the_grid_keeps_every_cell():
    photo = np.zeros((7, 8, 3), np.uint8)
    painted = overlay(photo, MAP, opacity=1)
    assert len({tuple(pixel) for pixel in painted.reshape(-1, 3)}) == 6


def test_interpolation_is_opt_in_and_stays_inside_the_range():
    smooth = overlay(PHOTO, MAP, opacity=1, interpolated=True)
    crisp = overlay(PHOTO, MAP, opacity=1)
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > 6
    assert (smooth[0, 0] == crisp[0, 0]).all()
    assert (smooth[-1, -1] == crisp[-1, -1]).all()


def test_the_scale_is_the_one_given():
    wide = Scale(0.0, 1.0, scope="absolute")
    assert (overlay(PHOTO, MAP, scale=wide, opacity=1)[0, 0] == colour(0.0, "viridis", 0, 1)).all()
    assert (overlay(PHOTO, MAP, scale=wide, opacity=1)[-1, -1] == colour(0.5, "viridis", 0, 1)).all()


def test_a_signed_map_has_a_neutral_zero():
    signed = np.array([[-1.0, 0.0, 1.0]])
    painted = overlay(PHOTO, signed, scale=scale_for(signed, signed=True), opacity=1)
    assert (painted[:, 20:40] == 247).all()


def test_the_spotlight_darkens_and_adds_no_hue():
    lit = overlay(PHOTO, MAP, spotlight=True, opacity=0.8)
    assert (lit <= PHOTO).all()
    assert (lit[20:, 40:] == PHOTO[20:, 40:]).all()
    assert (lit[:20, :20] == np.rint(PHOTO[:20, :20] * np.float32(0.2))).all()
    photo = np.full((40, 60, 3), 90, np.uint8)
    shaded = darken(photo, MAP, SCALE)
    assert (shaded[..., 0] == shaded[..., 1]).all()
    assert (shaded[..., 1] == shaded[..., 2]).all()


def test_the_spotlight_can_be_interpolated():
    photo = np.full((40, 60, 3), 90, np.uint8)
    assert len(np.unique(darken(photo, MAP, SCALE, interpolated=True))) > 6


def test_the_outline_is_orange_at_the_border_and_leaves_the_inside_alone():
    drawn = overlay(PHOTO, MAP, opacity=0, query=(1, 2))
    assert (drawn[20, 45] == QUERY).all()
    assert (drawn[30, 50] == PHOTO[30, 50]).all()
    assert (drawn[:10] == PHOTO[:10]).all()


def test_grid_lines_lie_between_the_cells():
    drawn = draw_grid(np.zeros((40, 60, 3), np.uint8), 2, 3)
    bright = drawn[..., 0] > 0
    assert bright.any(axis=1).all()  # the two vertical lines cross every row
    assert np.flatnonzero(bright[:, 5]).tolist() == [20]
    assert np.flatnonzero(bright[5]).tolist() == [20, 40]


def test_missing_cells_are_hatched_grey():
    gap = MAP.copy()
    gap[0, 1] = np.nan
    painted = overlay(PHOTO, gap, scale=SCALE, opacity=1)
    block = painted[:20, 20:40].reshape(-1, 3)
    greys = {tuple(int(channel) for channel in pixel) for pixel in block}
    assert MISSING in greys
    assert len(greys) == 2
    assert all(red == green == blue for red, green, blue in greys)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: overlay(PHOTO, MAP, opacity=1.5), r"Opacity must lie between 0 .*got 1\.5"),
        (lambda: overlay(PHOTO / 255.0, MAP), "got shape .* of float64"),
        (lambda: overlay(PHOTO[..., 0], MAP), r"got shape \(40, 60\)"),
        (lambda: overlay(PHOTO[:1], MAP), "2 cells do not fit into 1 pixels"),
        (lambda: overlay(PHOTO, MAP[0], scale=SCALE), r"got shape \(3,\)"),
        (lambda: overlay(PHOTO, MAP, query=(2, 0)), "no patch in row 2, column 0; wanted a row from 0 to 1"),
        (lambda: outline(PHOTO, 2, 3, (0, -1)), "no patch in row 0, column -1"),
        (lambda: overlay(PHOTO, np.where(MAP > 0.4, np.nan, MAP)), "1 of 6 map values are NaN"),
        (
            lambda: overlay(PHOTO, MAP * np.nan, scale=SCALE, interpolated=True),
            r"6 cells have no value .*interpolated=False",
        ),
        (lambda: darken(PHOTO, MAP, Scale(-1, 1, signed=True)), "spotlight cannot show signs"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(OptionError, match=message):
        call()


def test_a_picture_that_is_grey_stays_as_it_is():
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    assert (grey(levels) == levels).all()


def test_grey_is_the_luma_of_the_colours_rounded():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 31]]], np.uint8)
    assert grey(picture).tolist() == [[[76] * 3, [150] * 3, [29] * 3, [18] * 3]]  # 18.264 down, 149.685 up
