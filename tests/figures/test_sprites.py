"""Sheets of maps: every map in its place, one scale a row, labels and marks."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.palettes import QUERY, colour, table
from vitviz.figures.scale import Scale, layer_scales, scale_for
from vitviz.figures.sprites import Layout, map_grid

LAYERS = np.arange(2 * 3 * 2 * 3, dtype=float).reshape(2, 3, 2, 3) / 36
MAPS = LAYERS.reshape(6, 2, 3)
LABELS = [f"L{layer}·H{head}" for layer in range(2) for head in range(3)]
SHARED = scale_for(MAPS, "model")


def corner(place: int, *, columns: int = 3) -> tuple[int, int]:
    return Layout(6, columns, 40, 60, 5, 11, 0).corner(place)


def sheet(**options):
    defaults = {"columns": 3, "scale": SHARED, "cell_pixels": 60}
    return np.asarray(map_grid(MAPS, LABELS, **(defaults | options)))


def test_every_map_is_painted_crisply_in_its_place():
    picture = sheet()
    for place, one in enumerate(MAPS):
        left, top = corner(place)
        block = picture[top : top + 40, left : left + 60]
        cells = colour(one, "viridis", SHARED.low, SHARED.high)
        assert (block == cells.repeat(20, axis=0).repeat(20, axis=1)).all()


def test_a_patch_is_never_smaller_than_a_pixel():
    maps = np.random.default_rng(0).random((1, 30, 40))
    picture = map_grid(maps, ["x"], columns=1, scale=scale_for(maps[0]), cell_pixels=10)
    assert picture.width >= 40
    assert picture.height >= 30


def test_rows_may_have_their_own_scales_but_heads_may_not():
    scales = [scale for scale in layer_scales(LAYERS) for _ in range(3)]
    picture = sheet(scale=scales)
    left, top = corner(3)
    assert (picture[top, left] == table("viridis")[0]).all()  # the smallest of the second row
    assert picture.shape[1] > sheet().shape[1]  # the ranges need room
    with pytest.raises(OptionError, match="Row 0 of the sheet has 3 different scales"):
        sheet(scale=[scale_for(one) for one in MAPS])


def test_a_label_is_written_above_its_map():
    picture = sheet()
    left, top = corner(1)
    assert (picture[top - 15 : top - 1, left : left + 50] < 120).any()
    blank = np.asarray(map_grid(MAPS, [""] * 6, columns=3, scale=SHARED, cell_pixels=60))
    assert (blank[top - 15 : top - 1, left : left + 50] == 255).all()


def test_the_colour_bar_holds_the_whole_palette():
    picture = sheet().reshape(-1, 3)
    present = {tuple(pixel) for pixel in picture.tolist()}
    assert tuple(table("viridis")[0].tolist()) in present
    assert tuple(table("viridis")[255].tolist()) in present
    assert len(present & {tuple(one) for one in table("viridis").tolist()}) > 100


def test_the_selected_map_has_an_orange_frame_and_a_crossed_one_is_struck_out():
    plain, marked = sheet(), sheet(selected=4, crossed=[0])
    left, top = corner(4)
    assert (marked[top - 1, left + 30] == QUERY).all()
    assert (marked[top : top + 40, left : left + 60] == plain[top : top + 40, left : left + 60]).all()
    left, top = corner(0)
    assert (marked[top + 20, left + 30] == 255).all()


def test_the_query_is_outlined_in_every_map():
    picture = sheet(query=(0, 0))
    for place in range(6):
        left, top = corner(place)
        assert (picture[top, left] == QUERY).all()


def test_missing_values_are_grey():
    maps = MAPS.copy()
    maps[2, 1, 1] = np.nan
    picture = np.asarray(map_grid(maps, LABELS, columns=3, scale=SHARED, cell_pixels=60))
    left, top = corner(2)
    block = picture[top + 20 : top + 40, left + 20 : left + 40]
    assert (block[..., 0] == block[..., 2]).all()


def test_on_a_dark_ground_the_text_is_light():
    picture = sheet(background=(14, 17, 23))
    left, top = corner(1)
    assert picture[top - 15 : top - 1, left : left + 50].max() > 180


def test_a_signed_sheet_diverges():
    maps = MAPS - MAPS.mean()
    signed = scale_for(maps, "model", signed=True)
    picture = np.asarray(map_grid(maps, LABELS, columns=3, scale=signed, cell_pixels=60))
    left, top = corner(0)
    assert (picture[top, left] == colour(maps[0, 0, 0], "RdBu", signed.low, signed.high)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": 0}, "at least one column; got 0"),
        ({"scale": [SHARED]}, "1 scales for 6 maps"),
        ({"selected": 6}, "Selected map 6 does not exist; there are 6"),
        ({"crossed": [-1]}, "Crossed map -1 does not exist"),
        ({"scale": [SHARED] * 3 + [Scale(-1, 1, signed=True)] * 3}, "Some scales are signed and some are not"),
    ],
)
def test_errors_name_what_does_not_fit(options, message):
    with pytest.raises(OptionError, match=message):
        sheet(**options)


def test_maps_and_labels_must_fit():
    with pytest.raises(OptionError, match="5 labels for 6 maps"):
        map_grid(MAPS, LABELS[:5], columns=3, scale=SHARED)
    with pytest.raises(OptionError, match=r"got shape \(2, 3\)"):
        map_grid(MAPS[0], ["x"], columns=1, scale=SHARED)
