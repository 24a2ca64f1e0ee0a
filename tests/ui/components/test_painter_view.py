"""PainterView: what is sent to the browser, and the stroke that it sends back."""

import re

import pytest

from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.ui.components.labels import painter_labels
from vitviz.ui.components.packing import unpack
from vitviz.ui.components.painter_view import PainterView
from vitviz.ui.components.sources import PAINTER

GRID = PatchGrid(3, 5, (8, 8))


def view(**changes):
    given = {"photo": b"photo", "changed": b"new", "grid": GRID, "painted": frozenset({7, 2})}
    return PainterView(**{**given, "effect": "→ Grey", "stroke": 4, **changes})


def test_the_blob_holds_the_pictures_and_the_painting():
    meta, parts = unpack(view().pack())
    assert (meta["rows"], meta["columns"], meta["painted"], meta["stroke"]) == (3, 5, [2, 7], 4)
    assert parts == {"photo": b"photo", "changed": b"new"}
    plain, parts = unpack(view(changed=None).pack())
    assert not plain["changed"]
    assert parts == {"photo": b"photo"}
    assert plain["content"] != meta["content"]


def test_a_patch_outside_the_grid_is_refused():
    with pytest.raises(OptionError, match="Patch 15 does not exist; there are 15"):
        view(painted=frozenset({15}))


def test_a_stroke_is_read():
    assert view().read_stroke({"painted": [1, 14, 1], "stroke": 5}) == (frozenset({1, 14}), 5, False)
    assert view().read_stroke({"painted": [], "stroke": 6, "live": True}) == (frozenset(), 6, True)


@pytest.mark.parametrize("sent", [
    None, {}, {"painted": [1]}, {"stroke": 1}, {"painted": [15], "stroke": 1}, {"painted": 3, "stroke": 1},
    {"painted": ["1"], "stroke": 1}, {"painted": [1], "stroke": -1}, {"painted": [0.5], "stroke": 1},
])  # fmt: skip
def test_what_is_no_stroke_is_none(sent):
    assert view().read_stroke(sent) is None


def test_labels_name_everything_that_the_script_asks_for():
    script = PAINTER.js.split("class PatchPainter")[1]
    asked = set(re.findall(r"labels\.(\w+)", script)) | {
        "hint",
        "hint_touch",
        "undo",
        "clear",
        "invert",
        "peek",
        "random",
    }
    assert asked == set(painter_labels())
