"""AttentionView: what it refuses, what it packs, and how it reads what a browser sent."""

import re
from dataclasses import replace

import numpy as np
import pytest

from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.ui.components.attention_view import VIEWER_PALETTES, AttentionView
from vitviz.ui.components.labels import viewer_labels
from vitviz.ui.components.packing import unpack
from vitviz.ui.components.sources import VIEWER

GRID = PatchGrid(2, 3, (4, 4), ("class", "register 1"))


def view(**changes):
    generator = np.random.default_rng(0)
    arrays = {name: generator.normal(size=(2, GRID.tokens, 4)).astype(np.float32) for name in ("queries", "keys")}
    options = {"photo": b"photo", "grid": GRID, "layer": 1, "layers": 3, "query": "class", **arrays}
    return AttentionView(**{**options, **changes})


def test_the_blob_holds_the_arrays_the_photo_and_one_table_a_palette():
    shown = view()
    meta, parts = unpack(shown.pack())
    assert np.array_equal(np.frombuffer(parts["queries"], "<f4").reshape(2, 8, 4), shown.queries)
    assert np.array_equal(np.frombuffer(parts["keys"], "<f4").reshape(2, 8, 4), shown.keys)
    assert parts["photo"] == b"photo"
    assert all(len(parts[f"palette {name}"]) == 768 for name in VIEWER_PALETTES)
    assert (meta["rows"], meta["columns"], meta["heads"], meta["channels"]) == (2, 3, 2, 4)
    assert (meta["width"], meta["height"]) == (12, 8)


def test_maps_replace_queries_and_keys():
    maps = np.full((2, 8, 8), 1 / 8, dtype=np.float32)
    meta, parts = unpack(view(queries=None, keys=None, maps=maps).pack())
    assert meta["channels"] == 0
    assert "queries" not in parts
    assert np.array_equal(np.frombuffer(parts["maps"], "<f4").reshape(maps.shape), maps)


def test_equal_views_pack_to_equal_bytes_and_content_follows_the_arrays():
    assert view().pack() == view().pack()
    other = unpack(view(keys=np.zeros((2, 8, 4), np.float32)).pack())[0]["content"]
    assert unpack(view().pack())[0]["content"] != other
    assert unpack(view(opacity=0.1).pack())[0]["content"] == unpack(view().pack())[0]["content"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"queries": np.zeros((2, 7, 4), np.float32)}, GridError, r"queries .* shape \(2, 7, 4\)"),
        ({"keys": np.zeros((3, 8, 4), np.float32)}, GridError, r"keys .* shape \(3, 8, 4\)"),
        ({"keys": None}, OptionError, "but not both"),
        ({"maps": np.zeros((2, 8, 8), np.float32)}, OptionError, "but not both"),
        ({"keys": np.full((2, 8, 4), np.nan, np.float32)}, OptionError, "keys .* NaN or infinity"),
        ({"query": "distillation"}, OptionError, "no token 'distillation'"),
        ({"query": "6"}, OptionError, "0 to 5"),
        ({"head": 2}, OptionError, "Head 2 does not exist"),
        ({"head": "median"}, OptionError, "Head must be a whole number; got 'median'"),
        ({"layer": 3}, OptionError, "Layer 3 does not exist"),
        ({"direction": "sideways"}, OptionError, "Direction 'sideways'"),
        ({"scale": "head"}, OptionError, "Scale 'head'"),
        ({"scale": "model"}, OptionError, "Give model_maximum"),
        ({"palette": "jet"}, OptionError, "Palette 'jet'"),
        ({"names": ("raw",), "head": 0}, OptionError, "2 maps and 1 names"),
        ({"names": ("raw", "rollout")}, OptionError, "Head must be a whole number; got 'mean'"),
        ({"opacity": 1.2}, OptionError, r"\[0, 1\]; got 1.2"),
    ],
)
def test_impossible_views_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        view(**changes)


def test_a_state_from_the_browser_is_taken_over():
    sent = {"query": "4", "head": 1, "direction": "attended_by", "scale": "layer", "hide_special": False}
    sent |= {"opacity": 0.25, "palette": "spotlight", "interpolate": True, "layer": 2}
    state = view().read_state(sent)
    assert {name: getattr(state, name) for name in sent} == sent


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": "register 9"},
        {"query": 4},
        {"head": 7},
        {"head": True},
        {"scale": "model"},
        {"opacity": float("nan")},
        {"opacity": "1"},
        {"palette": "<script>"},
        {"layer": -1},
        {"hide_special": "yes"},
        {"unknown": 1},
    ],
)
def test_a_choice_that_does_not_fit_falls_back_and_the_others_stay(wrong):
    shown = view()
    state = shown.read_state({"direction": "attended_by", **wrong})
    assert state == replace(shown.state, direction="attended_by")


def test_labels_name_everything_that_the_script_asks_for():
    asked = set(re.findall(r"labels\.(\w+)", VIEWER.js))
    assert asked, "the script uses labels"
    assert asked <= set(viewer_labels())
