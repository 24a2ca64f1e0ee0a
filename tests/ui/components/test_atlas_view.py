"""AtlasView: limits, cells, refusals, and the head that a browser sent."""

import re

import numpy as np
import pytest

from vitviz.errors import GridError, OptionError
from vitviz.ui.components.atlas_view import AtlasView
from vitviz.ui.components.labels import atlas_labels
from vitviz.ui.components.packing import unpack
from vitviz.ui.components.sources import ATLAS

VALUES = np.array([[1, 2, 3], [4, np.nan, 6]], dtype=np.float32)


def test_limits_are_the_extremes_unless_given():
    assert AtlasView(values=VALUES, label="x").limits == (1, 6)
    assert AtlasView(values=VALUES, label="x", minimum=0, maximum=10).limits == (0, 10)
    assert AtlasView(values=np.full((1, 1), np.nan, np.float32), label="x").limits == (0, 0)


def test_cells_count_row_by_row():
    view = AtlasView(values=VALUES, label="x", selected=(1, 0), ticked=((1, 2), (0, 1)))
    meta, parts = unpack(view.pack())
    assert (meta["selected"], meta["ticked"]) == (3, [1, 5])
    assert np.array_equal(np.frombuffer(parts["values"], "<f4").reshape(2, 3), VALUES, equal_nan=True)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"values": np.zeros(3, np.float32)}, GridError, r"got shape \(3,\)"),
        ({"values": np.array([[np.inf]], np.float32)}, OptionError, "infinite"),
        ({"minimum": 7.0}, OptionError, "from 7.0 to 6.0"),
        ({"palette": "jet"}, OptionError, "jet"),
        ({"selected": (2, 0)}, OptionError, "Layer 2 does not exist"),
        ({"ticked": ((0, 3),)}, OptionError, "Head 3 does not exist"),
    ],
)
def test_impossible_atlases_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        AtlasView(**{"values": VALUES, "label": "x", **changes})


@pytest.mark.parametrize("sent", [None, {}, {"layer": 1}, {"layer": 2, "head": 0}, {"layer": "1", "head": 0}])
def test_a_head_that_the_atlas_has_not_is_no_head(sent):
    assert AtlasView(values=VALUES, label="x").read_place(sent) is None


def test_a_head_that_was_sent_is_read():
    assert AtlasView(values=VALUES, label="x").read_place({"layer": 1, "head": 2}) == (1, 2)


def test_labels_name_everything_that_the_script_asks_for():
    asked = set(re.findall(r"labels\.(\w+)", ATLAS.js.split("class HeadAtlas")[1]))
    assert asked
    assert asked <= set(atlas_labels())
