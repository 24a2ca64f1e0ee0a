"""The Rollout page: which of its two maps is shown, in the link, in the files and in the pins."""

import re

import numpy as np
import pytest

import vitviz
from tests.pages.dashboard import views_of
from vitviz.ui.choices import CHOICES
from vitviz.ui.components.attention_view import ViewState
from vitviz.ui.explore.rollout import depth_film, maps

PAGE = "rollout"
OPTIONS = {"fusion": "max", "residual": 0.3, "discard": 0.5, "patch": 6}


def pinned(app):
    app.app.button(key="pin").click().run()
    maps = app.sound().app.session_state["vitviz_pin_maps"]
    return [maps[text] for text in app.link["pins"].split("~~")]


@pytest.mark.parametrize("model", ["tiny:class", "tiny:plain"])
def test_a_layer_alone_is_in_the_link_the_files_the_code_and_the_pin(dashboard, tiny_models, monkeypatch, model):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, model=model, rollout_map="layer", **OPTIONS).sound()
    assert app.link["rollout_map"] == "layer"
    assert app.component("rollout_viewer")["state"]["head"] == 0
    trace = app.exports[-1][0].trace
    fused = trace.attention(1).amax(0)
    fused = (fused / fused.sum(-1, keepdim=True)).numpy()
    expected = trace.grid.to_map(fused[trace.grid.token("6")])
    arrays = app.export.arrays()
    assert np.allclose(arrays["layer"], fused, atol=1e-6)
    assert np.allclose(arrays["map"], expected, atol=1e-6)
    assert "rollout" not in arrays
    scope = {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    assert np.allclose(scope["values"], expected, atol=1e-6)
    told = app.manifest["settings"]
    assert (told["start_layer"], told["residual"]) == (1, 0.0)
    assert app.export.view.label.startswith("layer 1 alone, max of the heads: where patch 6")
    assert np.allclose(pinned(app)[0].values, expected, atol=1e-6)
    app.put(rollout_map="rollout").sound()
    assert [each.values.shape for each in pinned(app)] == [expected.shape] * 2
    assert "rollout_map" not in app.link


def test_the_offline_page_plays_the_film_over_both_maps(dashboard):
    app = dashboard(PAGE).sound()
    film, viewer = views_of(app.export.html({}))
    shown = app.component("rollout_film")
    assert {**shown, "choose": ""} == film, "all but the button that only the page can answer"
    assert (viewer["names"], viewer["standalone"]) == (app.component("rollout_viewer")["names"], True)


def test_a_reload_shows_the_same_map(dashboard):
    app = dashboard(PAGE, rollout_map="layer").sound()
    again = dashboard(PAGE, **app.link).sound()
    assert again.blob("rollout_viewer") == app.blob("rollout_viewer")
    assert dashboard(PAGE).sound().component("rollout_viewer")["state"]["head"] == 1


def test_rollouts_of_other_options_are_pinned_side_by_side(dashboard):
    app = dashboard(PAGE).sound()
    pinned(app)
    first, second = pinned(app.put(residual=0.2).sound())
    assert first.label.endswith("residual share 50%, smallest 0% discarded")
    assert second.label.endswith("residual share 20%, smallest 0% discarded")
    *_others, second = pinned(app.put(residual=0.5, discard=0.55).sound())
    assert second.label.endswith("residual share 50%, smallest 55% discarded")
    assert len(pinned(app)) == 3


@pytest.fixture
def link(monkeypatch):
    """The choices, without a session."""
    values = {name: choice.default for name, choice in CHOICES.items()}
    monkeypatch.setattr(maps.link, "get", lambda choice: values[choice.name])
    monkeypatch.setattr(
        maps.link, "put", lambda *given: values.update({setting.name: setting.value for setting in given})
    )
    return values


def clicked(**given):
    state = {
        "query": "class", "head": 1, "direction": "attends_to", "scale": "map", "hide_special": True,
        "opacity": 0.6, "palette": "viridis", "interpolate": False, "layer": 1,
    }  # fmt: skip
    return ViewState(**{**state, **given})


def test_a_click_keeps_the_chosen_map_and_the_scale_of_the_whole_model(link):
    link["scale"] = "model"  # which this page shows as "map"
    maps.keep(clicked(head=0))
    assert (link["rollout_map"], link["scale"]) == ("layer", "model")
    maps.keep(clicked(scale="absolute"))
    assert (link["rollout_map"], link["scale"]) == ("rollout", "absolute")
    maps.keep(clicked(scale="map"))
    assert link["scale"] == "map"


def test_the_strip_tells_how_far_the_rollout_spreads_and_never_more_than_it_does(dashboard):
    told = []
    for residual in (0.9, 0.0):
        app = dashboard(PAGE, residual=residual).sound()
        (caption,) = [each.value for each in app.app.caption if "Spread evenly" in each.value]
        told.append([float(number.replace(",", "")) for number in re.findall(r"[\d,]+\.\d", caption)])
    assert told[0][0] < told[0][1]  # a strong residual path: a few patches at first, more with depth
    assert all(1 <= number <= 256 for pair in told for number in pair)


@pytest.mark.parametrize(
    ("values", "patches"), [([[1, 1], [1, 1]], 4), ([[1, 0], [0, 0]], 1), ([[0.5, 0.5], [0, 0]], 2)]
)
def test_a_map_spread_evenly_over_some_patches_is_as_many(values, patches):
    assert depth_film.evenly_spread(np.array(values, dtype=np.float32)) == pytest.approx(patches)


@pytest.mark.parametrize(
    ("evenly", "frame"), [([1, 4, 16, 64, 256], 2), ([9.7, 17.1, 42.8, 87.5, 190.1], 2), ([200, 190], 0), ([7], 0)]
)
def test_the_film_opens_half_of_the_way_by_factors(evenly, frame):
    assert depth_film.halfway(evenly) == frame
