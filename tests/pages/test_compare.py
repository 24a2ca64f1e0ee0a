"""The Compare page: what B is, grids that differ, models without classes, what is refused, what is taken away."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import vitviz
from tests.pages.dashboard import NAMES
from vitviz.analysis.map_comparison import compare_maps, same_crop
from vitviz.analysis.redrawn import redrawn
from vitviz.numbers import Signed

PAGE = "compare"
SWIN = "timm:swin_tiny_patch4_window7_224"


def arrays(app: Any) -> dict[str, Any]:
    return dict(app.export.arrays())


def scene_of(app: Any) -> Any:
    return app.exports[-1][0]


def words(app: Any) -> str:
    shown = [*app.app.caption, *app.app.markdown, *app.app.info]
    return " ".join(each.value for each in shown).replace("\\", "")


@pytest.mark.parametrize("model", NAMES)
def test_at_first_the_map_is_compared_with_that_of_random_weights(dashboard, model):
    app = dashboard(PAGE, model=model).sound()
    scene, found = scene_of(app), arrays(app)
    target = None if model == "tiny:embedding" else scene.original.top(1)[0][0]
    first, second = (
        vitviz.attribute("gradient_rollout", vit, scene.original.pixels, target=target)
        for vit in (scene.vit, redrawn(scene.vit))
    )
    expected = compare_maps(first.values, second.values, (scene.vit.grid,) * 2)
    np.testing.assert_allclose(found["first"], expected.first, atol=1e-6)
    np.testing.assert_allclose(found["map"], expected.difference, atol=1e-5)
    assert np.abs(found["first"]).sum() == pytest.approx(1)
    assert app.app.metric[0].value == f"{Signed(expected.correlation):+.2f}"
    assert app.export.png().startswith(b"\x89PNG")
    assert "against" not in app.link


def test_two_classes(dashboard):
    app = dashboard(PAGE, against="class", target=3, other_class=5, unit="value").sound()
    scene, found = scene_of(app), arrays(app)
    maps = [
        vitviz.attribute("gradient_rollout", scene.vit, scene.original.pixels, target=index).values for index in (3, 5)
    ]
    np.testing.assert_allclose(found["map"], maps[0] - maps[1], atol=1e-6)
    assert app.manifest["settings"]["second"]["target"] == 5
    app.app.selectbox(key="choice_other_class").set_value("7").run()
    assert app.sound().link["other_class"] == "7"
    best, second = (index for index, _share in scene.original.top(2))
    app.put(target="", other_class="").sound()
    told = app.manifest["settings"]
    assert (told["first"]["target"], told["second"]["target"]) == (best, second)


def test_two_photos_of_one_class(dashboard):
    app = dashboard(PAGE, against="photo", other_photo="koala", target=3).sound()
    told = app.manifest["settings"]
    assert (told["second"]["picture"], told["second"]["target"]) == ("koala", 3)
    assert told["first"]["digest"] != told["second"]["digest"]
    app = dashboard(PAGE, against="photo", other_photo="tea").told("There is no photo tea here")
    assert app.link["other_photo"] != "tea"
    assert "map" in arrays(app)


def test_another_model_opens_without_a_network_and_never_on_the_same_one(dashboard):
    app = dashboard(PAGE, against="model").sound()  # the shipped model beside another one
    assert "other_model" not in app.link
    vit = "timm:vit_tiny_patch16_224"
    app = dashboard(PAGE, model=vit, weights="random", against="model", other_model=vit, other_weights="random").sound()
    assert (app.link["other_size"], app.link["other_options"]) == ("144", "own")
    assert app.app.session_state["choice_other_options"] == "own"
    assert arrays(app)["map"].shape == (9, 9)  # of 14 × 14 and 9 × 9
    titles = {f"**{side}: {vit}, random weights, {size} × {size} px**" for side, size in (("A", 224), ("B", 144))}
    assert titles <= {each.value.replace("\\", "") for each in app.app.markdown}


def test_models_of_other_grids_are_laid_on_the_coarser_one(dashboard):
    app = dashboard(
        PAGE, model="timm:vit_tiny_patch16_224", weights="random", size=64, against="model",
        other_model="tiny:wide", by="occlusion",
    ).sound()  # fmt: skip
    assert "different classes" in words(app)
    app.app.button(key="ask_both").click().run()
    found = arrays(app.sound())
    assert found["map"].shape == (3, 4)  # of 4 × 4 and 3 × 5
    assert "A has 4 × 4 patches and B has 3 × 5: both are laid on 3 × 4 cells" in words(app)
    assert not app.has("button", "ask_both")
    assert not app.has("button", "stop_both")


def test_a_model_without_a_classifier_explains_what_sets_the_image_apart(dashboard):
    app = dashboard(PAGE, against="model", other_model="tiny:embedding").sound()
    assert "tiny:embedding has no classifier. B explains: what sets the image apart" in words(app)
    assert "no classifier, so no answers" in words(app)
    assert "map" in arrays(app)
    app = dashboard(PAGE, model="tiny:embedding", against="class").sound()
    assert "no classes to compare" in words(app)
    assert "map" not in arrays(app)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"against": "tea"}, "against='tea', which cannot be used"),
        ({"by": "tea"}, "There is no method 'tea'"),
        ({"unit": "tea"}, "unit='tea'"),
        ({"against": "class", "other_class": "99"}, "There is no class 99"),
        ({"target": "99"}, "There is no class 99"),
        ({"against": "model", "other_weights": "random", "other_model": SWIN}, "windows"),
        ({"against": "model", "other_model": "tea"}, "tea"),
        ({"model": "tiny:plain", "by": "class_attention"}, "tiny:plain has no class token"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_told_and_the_page_is_there(dashboard, given, message):
    app = dashboard(PAGE, **given).told(message)
    assert app.export.png().startswith(b"\x89PNG")
    json.dumps(app.manifest)


def test_weights_that_cannot_be_had_are_offered_at_random(dashboard):
    name = "timm:vit_tiny_patch16_224"
    app = dashboard(PAGE, against="model", other_model=name).told("could not be downloaded")
    app.app.button(key="other_random").click().run()
    assert app.sound().link["other_weights"] == "random"
    assert app.manifest["settings"]["second"]["weights"].startswith("random")


@pytest.mark.parametrize("against", ["random", "photo", "model"])
def test_the_python_of_the_view_gives_its_numbers(dashboard, against):
    vit = "timm:vit_tiny_patch16_224"
    app = dashboard(
        PAGE, model=vit, weights="random", size=32, against=against, by="saliency",
        other_model=vit, other_weights="random", other_photo="bee",
    ).sound()  # fmt: skip
    names: dict[str, Any] = {}
    exec(app.app.code[0].value, names)
    np.testing.assert_allclose(names["values"], arrays(app)["map"], atol=1e-5)


def test_the_crop_is_the_same_for_both_models(dashboard):
    scene = scene_of(dashboard(PAGE))
    same = same_crop(scene.vit, scene.vit, scene.photo.image)
    ours = scene.original.pixels
    assert same.shape == ours.shape
    assert float(np.corrcoef(same.flatten(), ours.flatten())[0, 1]) > 0.99


def test_a_knob_holds_for_both_maps(dashboard):
    app = dashboard(PAGE, by="class_attention", knobs="class_attention:layer:0").sound()
    assert app.manifest["settings"]["knobs"] == {"layer": 0}
    assert "layer=0" in app.app.code[0].value
