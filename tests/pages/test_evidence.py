"""The Evidence page: targets, methods, what is computed when asked for, what is refused, the test of the maps."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.pages.dashboard import NAMES
from vitviz.analysis.faithfulness import deletion_insertion
from vitviz.errors import OptionError
from vitviz.numbers import number
from vitviz.trace.target import contrast
from vitviz.ui.choices.evidence import METHOD_SEPARATOR, knobs_of
from vitviz.ui.kept import shelf
from vitviz.ui.words.labels import about, duration


def maps(app):
    return {name: values for name, values in app.export.arrays().items() if name not in ("map", "picture")}


def captions(app):
    return " ".join(each.value for each in app.app.caption).replace("\\", "")


def scene_of(app):
    return app.exports[-1][0]


@pytest.mark.parametrize("model", NAMES)
def test_four_quick_maps_at_first_each_that_of_the_library(dashboard, model):
    app = dashboard("evidence", model=model).sound()
    scene, found = scene_of(app), maps(app)
    assert len(found) == 4
    for name, values in found.items():
        expected = vitviz.attribute(name, scene.vit, scene.original.pixels)
        assert np.allclose(values, expected.values, atol=1e-6), name
    assert "methods" not in app.link


def test_a_model_without_a_classifier_explains_what_sets_the_image_apart(dashboard):
    app = dashboard("evidence", model="tiny:embedding").sound()
    assert "what sets the image apart from its mean colour" in captions(app)
    scene = scene_of(app)
    for name, values in maps(app).items():
        assert np.allclose(values, vitviz.attribute(name, scene.vit, scene.original.pixels).values, atol=1e-6), name
    assert not app.has("selectbox", "choice_target")
    assert app.manifest["settings"]["target"] is None


def test_the_maps_of_a_target_share_one_forward_and_one_backward_pass(dashboard, tiny_models):
    app = dashboard("evidence", methods="class_attention").sound()
    passes = []
    block = tiny_models["tiny:class"].shell.blocks[0]

    def count(_block, _given, output):
        if output.shape[1] > 1:  # LeGrad runs the end of a block again for the class token alone
            passes.append(output.requires_grad)

    handle = block.register_forward_hook(count)
    app.put(methods="class_attention-rollout-gradient_rollout-legrad-saliency-token_grad_cam").sound()
    handle.remove()
    assert len(maps(app)) == 6
    assert passes == [True]


def test_a_target_without_a_gradient_is_told(dashboard, tiny_models, monkeypatch):
    monkeypatch.setattr(sys.modules["vitviz.trace.run"], "SHARE", 1e6)  # no gradient is long enough
    app = dashboard("evidence", methods="gradient_rollout-rollout").sound()
    assert captions(app).count("next to no gradient at this picture") == 1
    app = dashboard("compare", by="saliency").told("next to no gradient")
    assert app.warnings.count("next to no gradient at this picture") == 2


def test_another_target_is_another_map_of_the_methods_that_know_targets(dashboard):
    app = dashboard("evidence", methods="rollout-gradient_rollout").sound()
    best, second = (index for index, _share in scene_of(app).original.top(2))
    first = maps(app)
    assert app.app.button_group(key="evidence_answers").value in (best, [best])
    app.app.button_group(key="evidence_answers").set_value(second).run()
    assert app.sound().link["target"] == str(second)
    other = maps(app)
    assert np.array_equal(first["rollout"], other["rollout"])
    assert not np.allclose(first["gradient_rollout"], other["gradient_rollout"])
    assert f"for **{scene_of(app).vit.class_name(second)}**" in captions(app)
    assert app.manifest["settings"]["target"] == second


def test_one_class_rather_than_another(dashboard):
    app = dashboard("evidence", methods="input_x_gradient", target=3, versus=5).sound()
    scene = scene_of(app)
    target = contrast(scene.vit, 3, 5)
    expected = vitviz.attribute("input_x_gradient", scene.vit, scene.original.pixels, target=target)
    assert np.allclose(maps(app)["input_x_gradient"], expected.values, atol=1e-6)
    assert "rather than" in captions(app)
    assert "contrast(vit, 3, 5)" in app.app.code[0].value
    assert app.put(versus="3").sound().link.get("versus") is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "9999"}, "There is no class 9999: this model has classes 0 to 9"),
        ({"target": "abc"}, "target='abc', which cannot be used .wanted a whole number"),
        ({"target": "-1"}, "target='-1', which cannot be used"),
        ({"versus": "10"}, "There is no class 10: this model has classes 0 to 9"),
        ({"methods": "rollout-tea"}, "There is no method 'tea'"),
        ({"knobs": "occlusion:window:999"}, "window is 999; wanted a whole number from 1 to 64"),
        ({"knobs": "occlusion:tea:1"}, "occlusion has no knob 'tea'"),
        ({"knobs": "nonsense"}, "There is no method 'nonsense'"),
    ],
)
def test_a_link_that_cannot_be_used_is_told_and_the_page_is_there(dashboard, given, message):
    app = dashboard("evidence", **given).told(message)
    assert len(maps(app)) == 4
    assert app.run().sound().link.get("target") is None


def test_a_class_is_told_to_a_model_without_classes(dashboard):
    app = dashboard("evidence", model="tiny:embedding", target=3).told("has no classes")
    assert len(maps(app)) == 4


def test_another_model_starts_with_its_own_top_answer(dashboard):
    app = dashboard("evidence", target=3).sound()
    assert app.put(model="tiny:registers").sound().link.get("target") is None


def test_a_method_that_cannot_serve_the_model_says_why_and_the_others_go_on(dashboard):
    app = dashboard("evidence", model="tiny:plain", methods="class_attention-rollout")
    app.told("tiny:plain has no class token")
    assert list(maps(app)) == ["rollout"]
    assert list(app.manifest["settings"]["explanations"]) == ["rollout"]


def test_no_method_is_a_choice_too(dashboard):
    app = dashboard("evidence").sound()
    app.app.multiselect(key="evidence_methods").set_value([]).run()
    assert app.sound().link["methods"] == "none"
    assert maps(app) == {}
    assert "No method is chosen" in app.app.info[0].value
    assert app.export.png().startswith(b"\x89PNG")
    app.app.multiselect(key="evidence_methods").set_value(["legrad"]).run()
    assert (app.sound().link["methods"], list(maps(app))) == ("legrad", ["legrad"])


def test_a_slow_method_waits_until_it_is_asked_for(dashboard):
    app = dashboard("evidence", methods="occlusion-rollout", target=2).sound()
    assert list(maps(app)) == ["rollout"]
    app.app.button(key="ask_occlusion").click().run()
    scene = scene_of(app.sound())
    expected = vitviz.attribute("occlusion", scene.vit, scene.original.pixels, target=2)
    assert np.allclose(maps(app)["occlusion"], expected.values, atol=1e-6)
    film = app.component("occluder_film")
    falls = expected.values.ravel()
    assert (len(film["frames"]), film["start"]) == (16, falls.argmax())
    told = [("falls" if fall >= 0 else "rises") + f" by {number(abs(fall))}" for fall in falls]
    assert film["panels"][1]["captions"] == told
    assert film["panels"][0]["boxes"][5] == [0.25, 0.25, 0.5, 0.5]
    assert not app.has("button", "ask_occlusion")
    assert not app.has("button", "stop_occlusion")
    assert app.put(target="4").has("button", "ask_occlusion")  # another target, another map
    assert not app.put(target="2").has("button", "ask_occlusion")


def test_a_knob_is_kept_in_the_link_and_changes_the_map(dashboard):
    app = dashboard("evidence", methods="rollout-class_attention").sound()
    before = maps(app)
    app.app.number_input(key="knob_class_attention_layer").set_value(0).run()
    assert app.sound().link["knobs"] == "class_attention:layer:0"
    after, scene = maps(app), scene_of(app)
    assert np.array_equal(before["rollout"], after["rollout"])
    expected = scene.original.grid.to_map(scene.original.attention_row(0, "class").mean(0))
    assert np.allclose(after["class_attention"], expected, atol=1e-6)
    assert "layer=0" in app.app.code[0].value
    app.app.selectbox(key="knob_rollout_head_fusion").set_value("max").run()
    assert app.sound().link["knobs"] == "class_attention:layer:0~rollout:head_fusion:max"
    app.app.selectbox(key="knob_rollout_head_fusion").set_value("mean").run()
    assert app.sound().link["knobs"] == "class_attention:layer:0"


def test_a_layer_that_the_model_has_not_is_told_in_its_panel(dashboard):
    app = dashboard("evidence", methods="class_attention-rollout", knobs="class_attention:layer:99")
    app.told("99")
    assert list(maps(app)) == ["rollout"]


def test_the_maps_are_tested_against_random_ones(dashboard, monkeypatch):
    app = dashboard("evidence", methods="rollout-legrad", target=1).sound()
    assert not app.has("plotly_chart", "deletion")
    plain, plain_page = Image.open(io.BytesIO(app.export.png(dpi=60))), app.export.html({})
    app.app.button(key="ask_test").click().run()
    app.sound()
    assert app.has("plotly_chart", "deletion")
    assert app.has("plotly_chart", "insertion")
    scene = scene_of(app)
    found = vitviz.attribute("legrad", scene.vit, scene.original.pixels, target=1)
    expected = deletion_insertion(scene.vit, scene.original.pixels, found, steps=10)
    table = app.table()
    assert list(table.iloc[1])[1:] == [f"{expected.first.area:.3f}", f"{expected.second.area:.3f}"]
    random = expected.first.random
    assert random is not None
    assert table.iloc[2, 1].startswith(f"{random.area:.3f} ({random.area_low:.3f}")
    assert not app.has("button", "ask_test")
    arrays = app.export.arrays()  # what is seen is exported: as a picture, as numbers, on the page, in Python
    assert np.array_equal(arrays["legrad_deletion"], expected.first.values)
    assert np.array_equal(arrays["random_insertion_mean"], expected.second.random.mean)
    assert Image.open(io.BytesIO(app.export.png(dpi=60))).height > plain.height
    assert (plain_page.count("image/svg"), app.export.html({}).count("image/svg")) == (0, 2)
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: scene.vit)
    scope = {}
    exec(compile(app.app.code[0].value, "evidence", "exec"), scope)
    assert scope["curves"].first.area == pytest.approx(expected.first.area)
    assert app.put(methods="rollout-legrad-saliency").has("button", "ask_test")


def test_the_maps_are_those_of_all_heads(dashboard):
    plain = maps(dashboard("evidence", methods="rollout").sound())
    app = dashboard("evidence", methods="rollout", ablate="0.1").sound()
    assert np.array_equal(plain["rollout"], maps(app)["rollout"])
    assert "all its heads switched on" in captions(app)


@pytest.mark.parametrize("method", [method.name for method in vitviz.METHODS])
def test_every_method_has_a_panel(dashboard, method):
    app = dashboard("evidence", methods=method).sound()
    if app.has("button", f"ask_{method}"):
        app.app.button(key=f"ask_{method}").click().run()
    assert list(maps(app.sound())) == [method]
    assert app.export.png().startswith(b"\x89PNG")


def test_a_shelf_drops_what_was_not_asked_for_longest():
    kept = shelf.Shelf(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_knobs_of_a_text():
    assert knobs_of("") == {}
    assert knobs_of("occlusion:window:3~rise:keep:0.4~occlusion:replacement:blur") == {
        "occlusion": {"window": 3, "replacement": "blur"},
        "rise": {"keep": 0.4},
    }
    with pytest.raises(OptionError, match="wanted a whole number from 0"):
        knobs_of("occlusion:window:many")


def test_what_is_not_computed_is_an_empty_frame_with_what_it_takes(dashboard):
    app = dashboard("evidence", methods=METHOD_SEPARATOR.join(("rise", "kernel_shap", "saliency"))).sound()
    frames = [element.proto.body for element in app.app.get("html") if '"vitviz-empty"' in element.proto.body]
    assert len(frames) == 2
    assert all("Not computed yet: about" in frame for frame in frames)
    assert app.app.button(key="ask_all").label.startswith("Compute all 2: about")
    app.app.button(key="ask_all").click().run()
    assert not app.app.exception


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.004, "under 0.01 s"),
        (0.043, "0.04 s"),
        (0.999, "1.0 s"),
        (7.24, "7.2 s"),
        (9.97, "10 s"),
        (150.2, "150 s"),
        (725, "12 min"),
    ],
)
def test_a_duration_is_told_as_people_say_it(seconds, told):
    assert duration(seconds) == told


def test_an_estimate_has_two_figures():
    assert [about(seconds) for seconds in (118.7, 2.44, 408)] == ["120 s", "2.4 s", "410 s"]
