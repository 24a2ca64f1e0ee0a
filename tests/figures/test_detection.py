"""Detection pictures and arrangement tiles: colours by kind, frames outside the object, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.arrangements import arrangement_sheet
from vitviz.figures.detection import KINDS, detection_map, grey_picture, kind_counts
from vitviz.figures.palettes import QUERY, colour

FOUND = np.array([[True, False], [True, False]])
THERE = np.array([[True, True], [False, False]])


def test_every_patch_has_the_colour_of_its_kind():
    picture = detection_map(FOUND, THERE, side=8)
    corners = [tuple(int(c) for c in picture[y, x]) for y, x in ((1, 1), (1, 6), (6, 1), (6, 6))]
    assert corners == list(KINDS.values())
    assert kind_counts(FOUND, THERE) == dict.fromkeys(KINDS, 1)


def test_grey_is_the_middle_and_the_frame_lies_outside_the_object():
    pixels = np.zeros((8, 8))
    pixels[2:4, 2:4] = 1.0
    picture = grey_picture(pixels, reach=1.0, box=(2, 2, 4, 4), side=80)
    assert picture.shape == (80, 80, 3)
    assert (picture[20:40, 20:40] == 255).all()  # the object itself is not covered
    assert tuple(picture[0, 0]) == (128, 128, 128)
    orange = (picture == QUERY).all(-1)
    rows, columns = np.nonzero(orange)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 43, 16, 43)


def test_a_frame_of_the_whole_map_scales_with_it():
    picture = detection_map(FOUND, THERE, side=100, box=(0.25, 0.25, 0.5, 0.5))
    orange = (picture == QUERY).all(-1)
    rows, _columns = np.nonzero(orange)
    assert (rows.min(), rows.max()) == (21, 53)


def test_tiles_have_the_colour_of_their_attention():
    sheet = np.asarray(arrangement_sheet(["ABBA"], [0.5, 0.0, 0.25, 0.25], ["+1"], per_row=1))
    first = tuple(sheet[4, 13 + 4])
    assert first == tuple(colour(np.array([[0.5]]), "viridis", 0, 0.5)[0, 0])
    assert sheet.shape[2] == 3


@pytest.mark.parametrize(("call", "message"), [
    (lambda: grey_picture(np.zeros((2, 2)), reach=0), "positive reach; got shape .2, 2. and 0"),
    (lambda: detection_map(FOUND, THERE[:1]), "do not fit; wanted .rows, columns. for both"),
    (lambda: arrangement_sheet(["AB"], [0.5] * 4, [""]), "1 labels and attention to 4 places"),
])  # fmt: skip
def test_messages(call, message):
    with pytest.raises(OptionError, match=message):
        call()
