"""Patches and detail: every knob at its ends, what is said where knobs do not fit, the real model, files and code."""

import json
import re

import numpy as np
import pytest

import vitviz
from vitviz.analysis import patch_size
from vitviz.figures.export import html_of_figures
from vitviz.labs.object import noisy_picture, pasted_object
from vitviz.labs.object.detector import EDGE, Detector
from vitviz.ui.furniture import lesson

PAGE = "patches_and_detail"


@pytest.fixture
def results(monkeypatch):
    """The results that the page takes to its foot, the last one last."""
    kept = []
    footer = lesson.footer
    monkeypatch.setattr(lesson, "footer", lambda result: (kept.append(result), footer(result)))
    return kept


def infos(app):
    return "\n".join(each.value for each in app.app.info)


def metrics(app):
    return {each.label: each.value for each in app.app.metric}


def test_the_numbers_are_those_of_the_formula(dashboard, results):
    app = dashboard(PAGE).sound()
    one = Detector(patch_size=16, brightness=0.2, noise=0.2)
    shown = metrics(app)
    assert shown["Signal ÷ noise"] == f"{one.signal_to_noise(8):.2f}" == "4.00"
    assert shown["Seen by one token in"] == "84.1%"
    assert shown["Smallest object"] == "6.93 px"
    picture = noisy_picture.run(one, 8)
    assert np.array_equal(results[-1].arrays()["means"], picture.means)
    assert app.has("plotly_chart", "smallest_curve")
    assert [each.label for each in app.app.main.expander][-2:] == ["This result in Python", "Share and export"]


@pytest.mark.parametrize(("link", "message"), [
    ({"object_patch": 1, "object_size": 128, "object_place": "corner"}, "the token is full"),
    ({"object_patch": 128, "object_size": 128, "object_place": "edge"}, ""),
    ({"object_patch": 48, "brightness": 0.01, "noise": 1, "threshold": 6},
     "48 pixels do not fill 256: the last 16 rows.*cut to 240 × 240"),
    ({"object_patch": 8, "object_size": 20}, r"stays at Δp/σ = 8 however"),
    ({"object_patch": 65, "object_size": 128, "object_place": "corner"}, "last 61 rows"),
    ({"brightness": 1, "noise": 0.01, "threshold": 0.5}, ""),
])  # fmt: skip
def test_every_knob_at_its_ends(dashboard, link, message):
    app = dashboard(PAGE, **link).sound()
    assert app.has("plotly_chart", "smallest_curve")
    assert re.search(message, infos(app)), infos(app)


def test_a_blind_token_has_no_smallest_object_but_a_pool_has(dashboard):
    app = dashboard(PAGE, object_patch=2, object_size=2).sound()
    assert metrics(app)["Smallest object"] == "none"
    assert "3.46 px" in next(each.help for each in app.app.metric if each.label == "Smallest object")


def test_other_noise_is_another_picture(dashboard, results):
    app = dashboard(PAGE).sound()
    app.app.button(key="draw_again").click().run()
    assert app.sound().link["draw"] == "1"
    assert not np.array_equal(results[0].arrays()["pixels"], results[-1].arrays()["pixels"])


@pytest.mark.parametrize("model", ["tiny:wide", "tiny:embedding"])
def test_the_object_on_a_real_photo(dashboard, results, model):
    app = dashboard(PAGE, model=model, patch=4).sound()
    assert not app.has("plotly_chart", "pasted_ratio")
    app.app.toggle(key="choice_pasted").set_value(True).run()
    assert app.sound().link["pasted"] == "1"
    assert app.has("plotly_chart", "pasted_ratio")
    assert app.has("plotly_chart", "pasted_layers")
    arrays = results[-1].arrays()
    assert arrays["signal_to_noise"].shape == (7, 3)
    assert "at this model's input" in "\n".join(each.value for each in app.app.markdown)


def test_what_does_not_fit_into_the_photo_is_told_and_the_switch_goes_back(dashboard, monkeypatch):
    monkeypatch.setattr(pasted_object, "default_sizes", lambda vit: (40,))
    app = dashboard(PAGE, pasted=1)
    app.told("40 pixels does not fit there")
    assert "pasted" not in app.link
    assert app.app.toggle(key="choice_pasted").value is False
    app.run().told("40 pixels does not fit there")


def test_the_model_at_other_patch_sizes(dashboard, results):
    app = dashboard(PAGE, detail="patch_size").sound()
    assert app.has("plotly_chart", "patch_formula")
    assert results[-1].arrays()["patch_sizes"].tolist() == [7, 8, 10, 12, 14, 16, 20, 24, 28, 32]
    app.app.toggle(key="choice_repatched").set_value(True).run()
    app.sound()
    table = app.table()
    assert list(table["Patch"])[:2] == ["7 px", "8 px"]
    assert table["Tokens"][1] == "17"
    assert table["Answer"][1].endswith("●")
    assert "7, 10, 12" in "\n".join(each.value for each in app.app.caption)


def test_a_model_that_cannot_be_resized_says_so(dashboard, monkeypatch):
    monkeypatch.setattr(patch_size, "why_not_resizable", lambda vit: "its patches overlap")
    app = dashboard(PAGE, detail="patch_size", repatched=1)
    app.told("cannot be brought to another patch size")


def test_what_a_link_cannot_have_is_told(dashboard):
    link = {"object_patch": 129, "object_size": 0, "noise": "nan", "object_place": "middle"}
    dashboard(PAGE, detail="photo", **link).told(
        "object_patch='129'.*wanted a whole number from 1 to 128",
        "object_size='0'.*from 1 to 128",
        "noise='nan'.*wanted a number from 0.01 to 1",
        "wanted one of 'inside'",
        "wanted one of 'object', 'patch_size'",
    )


def test_the_code_gives_the_numbers_and_the_files_hold_them(dashboard, results, tiny_models, monkeypatch):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, object_patch=48, object_place="edge", pasted=1).sound()
    result, scope = results[-1], {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    arrays = result.arrays()
    assert np.allclose(scope["values"], arrays["means"])
    assert np.allclose(scope["measured"].signal_to_noise, arrays["signal_to_noise"])
    told = lesson.manifest(result)
    assert json.loads(json.dumps(told))["settings"]["alignment"] == "edge"
    assert html_of_figures(result.figures(), result.title, manifest=told).count("<h2>") == 3
    assert EDGE == "edge"
