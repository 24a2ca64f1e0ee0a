"""The head wall's data: colours by hand, what the browser may send back, labels that exist."""

import re
from dataclasses import replace

import numpy as np
import pytest

from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.ui.components.labels import film_labels, wall_labels
from vitviz.ui.components.packing import unpack
from vitviz.ui.components.sources import FILM, WALL
from vitviz.ui.components.wall_view import WallView

GRID = PatchGrid(rows=1, columns=3, patch_size=(8, 8), prefix=("class",))  # four tokens: the even share is 1/4
MAPS = np.array([[[0.25, 0.025, 0.0], [0.5, 0.25, 0.25]], [[0.1, 0.2, 0.4], [np.nan] * 3]], np.float32)[:, :, None]
VIEW = WallView(
    photo=b"photo", grid=GRID, maps=MAPS, statistic=np.array([[1, 2], [3, np.nan]], np.float32), limits=(1, 3),
    label="Distance", unit="patches", query="class", selected=(1, 0), pinned=((0, 1),), off=((0, 0),),
)  # fmt: skip


def test_the_colours_of_the_three_scales():
    ten, layer, own = (VIEW.levels(scale)[:, :, 0].tolist() for scale in ("ten", "layer", "map"))
    assert ten[0][0] == [85, 0, 0]  # even: a third of the way from a tenth to a hundred times it
    assert ten[0][1] == [round(255 * (np.log10(2) + 1) / 3), 85, 85]
    assert layer[0] == [[128, 13, 0], [255, 128, 128]]
    assert own[0] == [[255, 26, 0], [255, 128, 128]]
    assert own[1] == [[64, 128, 255], [0, 0, 0]]  # the head that is not there


def test_what_is_sent_to_the_browser_and_what_is_read_from_it():
    meta, parts = unpack(VIEW.pack())
    assert (meta["selected"], meta["pinned"], meta["off"]) == (2, [1], [0])
    assert parts["levels ten"] == VIEW.levels("ten").tobytes()
    assert list(parts["missing"]) == [0, 0, 0, 1]
    assert list(np.frombuffer(parts["strongest"], "<u4")) == [0, 0, 2, 0]
    assert VIEW.read_place({"layer": 1, "head": 0}) == (1, 0)
    for sent in (None, "x", {}, {"layer": 1, "head": 1}, {"layer": 2, "head": 0}):
        assert VIEW.read_place(sent) is None
    assert VIEW.read_places({"heads": [[1, 0], [0, 1]]}) == [(1, 0), (0, 1)]  # in the order of the browser
    for sent in (None, "x", {}, {"heads": 1}, {"heads": [[1, 1]]}, {"heads": [[0]]}, {"heads": ["ab"]}):
        assert VIEW.read_places(sent) is None
    assert [VIEW.read_query({"query": name}) for name in ("2", "class", "3", 2)] == ["2", "class", None, None]


def test_maps_and_heads_that_do_not_fit_are_refused():
    with pytest.raises(GridError, match=r"wanted \(layers, heads, 1, 3\)"):
        replace(VIEW, maps=MAPS[:1])
    with pytest.raises(OptionError, match="Layer 1 has no head 1"):
        replace(VIEW, selected=(1, 1))


@pytest.mark.parametrize(("source", "labels"), [(WALL, wall_labels), (FILM, film_labels)])
def test_every_word_that_the_script_asks_for_is_there(source, labels):
    asked = set(re.findall(r"labels\.(\w+)", source.js)) - {"hint", "hint_touch"}  # of shared.js, for who has them
    assert asked
    assert asked <= set(labels())
