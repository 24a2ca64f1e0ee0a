"""Attention from scratch: four experiments, every knob at its ends, limits, the real model, files and code."""

import json
import math
import re

import numpy as np
import pytest

import vitviz
from vitviz.figures.export import html_of_figures
from vitviz.grid import PatchGrid
from vitviz.labs import temperature
from vitviz.models.vit import ViT
from vitviz.numbers import Signed
from vitviz.ui.choices.attention_from_scratch import (
    EXAMPLE,
    FACTORS,
    HAND_EXAMPLE,
    TEMPERATURES,
    factor_of,
    layers_of,
    matrices_of,
    rows_of,
    temperature_of,
    text_of,
)
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.scratch import encodings, head, real_head, rollout, several
from vitviz.ui.learn.scratch.temperature_example import edited
from vitviz.ui.words import labels

PAGE = "attention_from_scratch"


@pytest.fixture(autouse=True)
def _forget_results():
    yield
    encodings._computed.clear()


@pytest.fixture
def results(monkeypatch):
    """The results that the page takes to its foot, the last one last."""
    kept = []
    footer = lesson.footer
    monkeypatch.setattr(lesson, "footer", lambda result: (kept.append(result), footer(result)))
    return kept


def words(app):
    return "\n".join(each.value for each in (*app.app.info, *app.app.caption, *app.app.markdown))


def metrics(app):
    return {each.label: each.value for each in app.app.metric}


def test_every_slider_text_is_a_number_and_the_ends_are_the_limits():
    assert [temperature_of(text) for text in (TEMPERATURES[0], TEMPERATURES[-1])] == [0, math.inf]
    values = [temperature_of(text) for text in TEMPERATURES]
    assert values == sorted(values)
    assert [factor_of(text) for text in FACTORS] == [2**power for power in (-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3)]
    assert text_of(rows_of(EXAMPLE)) == EXAMPLE


@pytest.mark.parametrize("tau", ["0", "0.05", "inf"])
def test_the_small_example_at_every_kind_of_temperature(dashboard, results, tau):
    app = dashboard(PAGE, scratch="temperature", tau=tau).sound()
    arrays = results[-1].arrays()
    table = np.array(rows_of(EXAMPLE))
    wanted = temperature.run(table[:, :2], table[:, 2:], temperature_of(tau))
    assert np.array_equal(arrays["attention"], wanted.attention)
    assert np.isfinite(arrays["entropy"]).all()
    if tau == "0":
        assert "τ = 0 is the limit" in words(app)
        assert arrays["attention"][0].tolist() == [0.5, 0, 0, 0, 0.5]  # its two best keys tie
        assert arrays["entropy"][0] == pytest.approx(math.log(2))
    if tau == "inf":
        assert "τ = ∞ is the limit" in words(app)
        assert np.allclose(arrays["entropy"], math.log(5))
    assert app.has("plotly_chart", "small_attention")
    assert app.has("plotly_chart", "small_entropy")


def test_a_link_brings_its_own_tokens(dashboard, results):
    app = dashboard(PAGE, scratch="temperature", tokens="9_9_9_9~-9_-9_-9_-9~0_0_0_0~0_0_0_0~0_0_0_0", tau="0").sound()
    assert results[-1].arrays()["attention"][0].tolist() == [1, 0, 0, 0, 0]
    assert results[-1].arrays()["attention"][2].tolist() == [0.2] * 5  # all scores are 0
    app.app.button(key="tokens_back").click().run()
    assert "tokens" not in app.sound().link


@pytest.mark.parametrize(("model", "factor"), [
    ("tiny:wide", FACTORS[0]), ("tiny:wide", "1"), ("tiny:embedding", FACTORS[-1]),
])  # fmt: skip
def test_the_model_at_another_temperature(dashboard, results, model, factor):
    app = dashboard(PAGE, scratch="temperature", model=model, factor=factor).sound()
    assert app.has("plotly_chart", "model_entropy")
    arrays = results[-1].arrays()
    before, after = arrays["model_entropy_before"][0], arrays["model_entropy_after"][0]
    if factor == "1":
        assert np.array_equal(before, after)
        assert metrics(app)["Cosine"] == "1.0000"
    else:
        assert ((after > before) == (float(factor) > 1)).all()  # the first layer: fixed scores
    assert ("Plain answer" in metrics(app)) == (model == "tiny:wide")


def test_the_two_maps_are_told_in_words_of_the_reader(dashboard, monkeypatch):
    monkeypatch.setattr(labels, "_", lambda text: f"[{text}]")
    app = dashboard(PAGE, scratch="temperature", factor=FACTORS[0]).sound()
    told = [image.alt for each in app.app.get("image") for image in each.proto.imgs]
    assert sum(text.startswith("[Strongest patches: ") for text in told) == 2


def test_the_sweep_of_one_layer(dashboard, results):
    app = dashboard(PAGE, scratch="temperature", heated="1").sound()
    app.app.toggle(key="choice_heat_sweep").set_value(True).run()
    assert app.sound().has("plotly_chart", "heat_sweep")
    played = app.component("heat_film")
    assert (len(played["frames"]), played["frames"][played["start"]]) == (len(FACTORS), "2 × √d")
    arrays = results[-1].arrays()
    assert arrays["cosine"][list(FACTORS).index("1")] == pytest.approx(1, abs=1e-12)
    assert len(arrays["cosine"]) == len(FACTORS)


@pytest.mark.parametrize("weight", [-8, 0, 8])
def test_four_patches(dashboard, results, weight):
    app = dashboard(PAGE, scratch="places", liking=weight).sound()
    arrays = results[-1].arrays()
    assert arrays["outputs"][0] == pytest.approx(math.tanh(weight / 2), abs=1e-12)
    assert not arrays["outputs_without_positions"].any()
    assert metrics(app)["Output for A on the diagonal"] == f"{Signed(math.tanh(weight / 2) + 0.0):+.4f}"
    assert app.has("plotly_chart", "places_curve")


@pytest.mark.parametrize("tokens", [2, 64])
def test_order_in_a_random_layer(dashboard, results, tokens):
    dashboard(PAGE, scratch="order", permuted=tokens, permuted_seed=99).sound()
    blank, placed = results[-1].arrays()["layer"]
    assert blank[0] < 1e-5
    assert blank[2] < 1e-5
    assert blank[1] > 0.01
    assert placed[0] > 1e-3


def test_order_in_the_loaded_model(dashboard, results):
    app = dashboard(PAGE, scratch="order", shuffle=1, permuted_model=1).sound()
    assert app.has("plotly_chart", "shuffle_curve")
    arrays = results[-1].arrays()
    assert arrays["model"][0, [0, 2]].max() < 1e-5
    assert arrays["model"][1, 2] > 1e-3
    assert np.allclose(arrays["cosine_without_positions"], 1, atol=1e-4)


def test_a_model_without_class_token_has_no_row_for_it(dashboard, results):
    dashboard(PAGE, model="tiny:plain", scratch="order", permuted_model=1).sound()
    assert np.isnan(results[-1].arrays()["model"][:, 2]).all()


@pytest.mark.parametrize(("model", "width"), [("tiny:wide", "16"), ("tiny:relative", "384")])
def test_encodings_side_by_side(dashboard, results, model, width):
    app = dashboard(PAGE, model=model, scratch="encodings", encoding_width=width, patch=14).sound()
    own = "Relative bias" if model == "tiny:relative" else "Learned"
    for name in (own, "Sine–cosine, 1-D", "Sine–cosine, 2-D", "Rotary"):
        assert f"**{name}**" in words(app)
    read_out = results[-1].settings["read_out"]
    assert read_out["sine-cosine-2d"][0] > 0.9
    assert len(results[-1].arrays()) == 4


def test_a_model_without_positions_shows_the_formulas_alone(dashboard, tiny_models, build_vit):
    tiny_models["tiny:none"] = ViT.from_module(build_vit(pos_embed="none"), name="tiny:none")
    try:
        app = dashboard(PAGE, model="tiny:none", scratch="encodings").sound()
    finally:
        del tiny_models["tiny:none"]
    assert "no position encoding of its own" in re.sub(r"\\", "", words(app))


def test_what_a_link_cannot_have_is_told(dashboard):
    app = dashboard(PAGE, scratch="temperature", tau=5, tokens="1_2~3", liking="inf", heated="2", permuted=65)
    app.told(
        "tau='5'.*wanted one of '0'",
        "wanted 5 tokens of 4 numbers",
        "wanted a number from -8 to 8",
        "no layer 2: this model has layers 0 to 1",
        "permuted='65'.*wanted a whole number from 2 to 64",
    )
    too_large = dashboard(PAGE, scratch="temperature", tokens=EXAMPLE.replace("2", "99"), heated="late")
    too_large.told("wanted a number from -9 to 9", "heated='late'.*wanted a whole number")
    dashboard(PAGE, scratch="rollout", hand="1_2", rolled="~".join(["0_" * 15 + "0"] * 2)).told(
        "wanted 5 tables of numbers", "wanted rows with a number above 0"
    )


@pytest.mark.parametrize(("experiment", "name"), [
    ("temperature", "attention"), ("places", "outputs"), ("order", None), ("encodings", None),
    ("head", "output"), ("several", "output"), ("rollout", "rollout"),
])  # fmt: skip
def test_the_code_gives_the_numbers_and_the_files_hold_them(
    dashboard, results, tiny_models, monkeypatch, experiment, name
):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, scratch=experiment, tau="inf", heated="1").sound()
    result, scope = results[-1], {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    if name:
        assert np.allclose(scope["values"], result.arrays()[name])
    elif experiment == "order":
        assert np.allclose(scope["values"], result.arrays()["layer"][0])
    else:
        arrays = list(result.arrays().values())
        assert all(np.allclose(*pair) for pair in zip(scope["values"], arrays, strict=True))
    told = lesson.manifest(result)
    assert json.loads(json.dumps(told))["settings"]["experiment"] == experiment
    assert result.figures()
    if experiment == "encodings":
        page = html_of_figures(result.figures(), result.title, manifest=told)
        assert page.count("<h2>") == 2


def test_what_is_typed_into_a_sheet_goes_into_the_link_and_back(dashboard, results, monkeypatch):
    sheets = {}
    for room in (head, real_head, several, rollout):
        monkeypatch.setattr(room, "matrix_sheet", lambda view, *, key, **calls: sheets.update({key: (view, calls)}))
    app = dashboard(PAGE, model="tiny:registers", patch="register 2", real_head=9, hand=HAND_EXAMPLE).sound()
    assert "hand" not in app.link
    view, _calls = sheets["real_sheet"]
    shown = {matrix.symbol: matrix for matrix in view.matrices}
    assert shown["q"].rows == ["[R2]"]
    for stage in view.stages:  # what is shown, and the rest of the sum, are the result
        if stage.kind == "product":
            product = shown[stage.left].values @ shown[stage.right].values + stage.rest
            assert np.allclose(product, shown[stage.result].values, atol=1e-4)
    total = np.exp(shown["s/√d"].values).sum() + view.stages[3].rest
    assert np.allclose(np.exp(shown["s/√d"].values) / total, shown["A"].values)

    app.put(scratch="rollout", rolled_photo="none such").sound()
    _view, calls = sheets["rollout_sheet"]
    monkeypatch.setattr(rollout.link, "get", lambda choice: choice.default)
    kept = {}
    monkeypatch.setattr(
        rollout.link, "put", lambda *settings: kept.update({setting.name: setting.value for setting in settings})
    )
    calls["on_edit"](rollout.SECOND, 0, 0, 1.0)
    assert layers_of(kept["rolled"])[1][0].tolist() == [1, 0, 0, 0]
    head.hand.set_number("W_O", 3, 3, -2.5)
    assert matrices_of(kept["hand"])["W_O"][3, 3] == -2.5


def test_what_is_typed_into_the_table_changes_its_cell():
    text = edited(EXAMPLE, {1: {"k2": -3.5}, 4: {"q1": None}})
    rows = rows_of(text)
    assert rows[1] == [0, 1, 0.5, -3.5]
    assert rows[4] == [0, 1, 2, 0.5]
    assert rows[0] == rows_of(EXAMPLE)[0]


def test_profiles_are_means_over_pairs_of_places():
    """A grid of 1 × 3 and of 3 × 1 with a similarity of ten times row plus column, by hand."""
    table = np.add.outer(10.0 * np.arange(3), np.arange(3)).astype(np.float32)
    line = PatchGrid(rows=1, columns=3, patch_size=(8, 8))
    column = PatchGrid(rows=3, columns=1, patch_size=(8, 8))
    assert encodings.row_profile(table, line).tolist() == [11, 6.5, 2]
    assert encodings.column_profile(table, column).tolist() == [11, 6.5, 2]
    assert encodings.row_profile(table, column).tolist() == [11]
