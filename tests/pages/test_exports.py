"""What a page gives away beyond the common contract: its colours, its code for other models. And pins."""

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.pages.dashboard import PAGES
from vitviz.ui.furniture import board, pins

EACH_PAGE = pytest.mark.parametrize("page", PAGES)
VIEW = {
    "example": "koala",
    "layer": 0,
    "head": 1,
    "patch": 6,
    "direction": "attended_by",
    "fusion": "max",
    "discard": 0.3,
    "residual": 0.4,
    "start": 1,
    "statistic": "entropy",
    "ablate": "0.1",
}


@EACH_PAGE
def test_a_download_is_the_same_outside_the_session(dashboard, page):
    """Streamlit makes a file in a thread of its own, which has no session to ask for choices."""
    pictures = {}
    for palette in ("viridis", "spotlight"):
        app = dashboard(page, palette=palette, opacity=1.0, layer=0, patch=6).sound()
        pictures[palette] = hashlib.sha256(app.export.png()).hexdigest()
    chosen = page in ("attention", "heads", "rollout", "evidence")  # the others have colours of their own
    assert (pictures["viridis"] != pictures["spotlight"]) == chosen


@EACH_PAGE
@pytest.mark.parametrize("model", ["tiny:wide", "tiny:pooled", "tiny:relative"])
def test_the_code_of_a_page_gives_its_numbers_on_other_models(dashboard, tiny_models, monkeypatch, page, model):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(page, model=model, **VIEW).sound()
    scope = {}
    exec(compile(app.app.code[0].value, page, "exec"), scope)
    arrays = app.export.arrays()
    expected = arrays["maps"] if page == "start" else arrays["entropy" if page == "heads" else "map"]
    assert np.allclose(np.asarray(scope["values"]), expected, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("page", ["attention", "heads"])
def test_the_code_runs_with_a_model_by_its_name(dashboard, page):
    app = dashboard(page, model="timm:vit_tiny_patch16_224", weights="random", size=32, layer=3).sound()
    code = app.app.code[0].value
    assert "weights='random', seed=0, image_size=(32, 32)" in code
    scope = {}
    exec(compile(code, page, "exec"), scope)
    arrays = app.export.arrays()
    expected = arrays["distance" if page == "heads" else "map"]
    assert np.allclose(np.asarray(scope["values"]), expected, atol=1e-5, equal_nan=True)


def pin(app):
    app.app.button(key="pin").click().run()
    return app


def pinned(app):
    """The maps of the pins in the link, in its order."""
    maps = app.app.session_state["vitviz_pin_maps"]
    return [maps[text] for text in app.link["pins"].split("~~")]


def test_two_pins_show_their_difference(dashboard):
    app = pin(dashboard("attention", layer=1, head=0).sound())
    assert not app.has("plotly_chart", "difference")
    first = app.export.view.values
    pin(app.put(head="1").sound()).sound()
    spec = json.loads(next(each for each in app.app.get("plotly_chart") if each.key == "difference").proto.spec)
    assert len(spec["data"]) >= 3
    second = app.export.view.values
    assert "A − B" in json.dumps(spec, ensure_ascii=False)
    assert np.array_equal(pinned(app)[0].values, first)
    assert np.array_equal(pinned(app)[1].values, second)
    for page in ("rollout", "heads", "attention"):
        assert app.go(page).sound().has("plotly_chart", "difference")
    app.app.button(key="unpin").click().run()
    assert not app.sound().has("plotly_chart", "difference")
    assert not app.has("button", "unpin")


def test_any_number_is_pinned_each_once_and_a_full_link_is_told(dashboard, monkeypatch):
    app = pin(pin(dashboard("attention", head=0).sound()))
    assert app.link["pins"] == "attention~example.red-panda~model.tiny:class~patch.class~layer.1~head.0"
    for head in ("1", "mean", "max"):
        pin(app.put(head=head))
    labels = [each.label for each in pinned(app.sound())]
    assert ["head 0" in labels[0], "head 1" in labels[1], "mean" in labels[2], len(labels)] == [True, True, True, 4]
    monkeypatch.setattr(pins, "MOST_CHARACTERS", len(app.link["pins"]))
    full = app.link["pins"]
    pin(app.put(layer=0)).told("There is no room for another pin")
    assert app.link["pins"] == full


def test_a_board_is_in_the_link_arranged_and_taken_away(dashboard, tiny_models):
    app = pin(dashboard("attention", layer=1, head=0, example="cat").sound())
    app.put(crop="pad", layer=0, palette="cividis", patch="3")
    pin(pin(app).go("rollout").sound())
    link, maps = app.link["pins"], [each.values for each in pinned(app)]
    again = dashboard("heads", pins=link, palette="cividis").sound()  # another session: a reload, or the receiver
    assert again.link["pins"] == link
    for values, other in zip(maps, pinned(again), strict=True):
        assert np.allclose(values, other.values, atol=1e-6)
    assert "with bars" in pinned(again)[1].label
    again.app.button(key="pin_later_0").click().run()
    again.app.button(key="pin_out_2").click().run()
    texts = link.split("~~")
    assert again.sound().link["pins"] == "~~".join([texts[1], texts[0]])
    shown = [(text, made) for text, made in zip(texts[1::-1], pinned(again), strict=True)]
    picture = Image.open(io.BytesIO(board.sheet([made.panel() for _text, made in shown], 2)))
    assert picture.width > 1000
    assert board.pdf(board.sheet([shown[0][1].panel()], 2)).startswith(b"%PDF")
    assert np.array_equal(board.arrays(shown)["map_1"], maps[1])
    record = board.record(shown)
    assert [entry["label"] for entry in record["maps"]] == [made.label for _text, made in shown]
    assert "crop='pad'" in record["maps"][0]["code"]
    assert record["maps"][1]["settings"]["head"] == 0


def test_pins_that_cannot_be_had_are_told_beside_the_others(dashboard):
    text = "attention~example.own:never~layer.0~~attention~example.cat~layer.1~~rollout~model.timm:nothing"
    app = dashboard("attention", pins=text)
    assert len(app.app.session_state["vitviz_pin_maps"].keys()) == 1
    app.told("Its photo is somebody's own", "timm has no model called")
    dashboard("attention", pins="attention~colour.red").told("wanted pins such as attention~example.cat~layer.3")
    dashboard("attention", pins="attention~layer.x").told("pins=.*wanted a whole number")


def test_a_map_without_a_head_is_another_pin_than_with_it(dashboard):
    app = pin(dashboard("attention", layer=1).sound())
    pin(app.put(ablate="0.0").sound()).sound()
    labels = [each.label for each in pinned(app)]
    assert len(labels) == 2
    assert "without L0·H0" in labels[1]
    assert app.has("plotly_chart", "difference")


def test_pins_of_different_grids_are_told_apart(dashboard):
    app = pin(dashboard("attention").sound())
    pin(app.put(model="tiny:wide"))
    app.told("A has 4 × 4 patches and B has 3 × 5: maps on different grids have no difference")
    assert not app.has("plotly_chart", "difference")


def test_rollouts_and_attention_can_be_pinned_together(dashboard):
    app = pin(dashboard("attention", layer=1).sound())
    pin(app.go("rollout").sound()).sound()
    labels = [each.label for each in pinned(app)]
    assert "rollout of layers 0 to 1" in labels[1]
    assert app.has("plotly_chart", "difference")
