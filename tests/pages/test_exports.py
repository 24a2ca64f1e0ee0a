"""What a page gives away beyond the common contract: its colours, its code for other models. And pins."""

import hashlib
import json

import numpy as np
import pytest

import vitviz
from tests.pages.dashboard import PAGES

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
    chosen = page in ("attention", "rollout")  # the others have colours of their own
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


def test_two_pins_show_their_difference(dashboard):
    app = pin(dashboard("attention", layer=1, head=0).sound())
    assert not app.has("plotly_chart", "difference")
    first = app.export.view.values
    pin(app.put(head="1").sound()).sound()
    spec = json.loads(next(each for each in app.app.get("plotly_chart") if each.key == "difference").proto.spec)
    assert len(spec["data"]) >= 3
    second = app.export.view.values
    assert "A − B" in json.dumps(spec, ensure_ascii=False)
    pinned = app.app.session_state["vitviz_pins"]
    assert np.array_equal(pinned[0].values, first)
    assert np.array_equal(pinned[1].values, second)
    for page in ("rollout", "heads", "attention"):
        assert app.go(page).sound().has("plotly_chart", "difference")
    app.app.button(key="unpin").click().run()
    assert not app.sound().has("plotly_chart", "difference")
    assert not app.has("button", "unpin")


def test_the_same_map_is_pinned_once_and_a_third_takes_the_second_place(dashboard):
    app = pin(pin(dashboard("attention", head=0).sound()))
    assert len(app.app.session_state["vitviz_pins"]) == 1
    for head in ("1", "mean"):
        pin(app.put(head=head))
    labels = [each.label for each in app.app.session_state["vitviz_pins"]]
    assert len(labels) == 2
    assert "head 0" in labels[0]
    assert "mean" in labels[1]


def test_a_map_without_a_head_is_another_pin_than_with_it(dashboard):
    app = pin(dashboard("attention", layer=1).sound())
    pin(app.put(ablate="0.0").sound()).sound()
    labels = [each.label for each in app.app.session_state["vitviz_pins"]]
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
    labels = [each.label for each in app.app.session_state["vitviz_pins"]]
    assert "rollout of layers 0 to 1" in labels[1]
    assert app.has("plotly_chart", "difference")
