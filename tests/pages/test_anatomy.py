"""The Anatomy page: every view on every kind of model, steps and knobs at their extremes, numbers from the tensors."""

from __future__ import annotations

import re

import numpy as np
import pytest

import vitviz
from tests.pages.dashboard import NAMES, RELATIVE
from vitviz.analysis.convnet import ConvNet
from vitviz.figures.export import html_of_figures
from vitviz.labs.parameters import counted_parameters
from vitviz.labs.shift import plain_convolutions
from vitviz.numbers import Signed
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.furniture import lesson
from vitviz.ui.kept import networks
from vitviz.ui.learn.anatomy import gelu, locality, mlp, parameters, shift, steps
from vitviz.ui.learn.anatomy.stream import stream_norms
from vitviz.ui.words import labels

PAGE = "anatomy"


@pytest.fixture(autouse=True)
def small_convnet(monkeypatch):
    """A small CNN in the place of the trained one, and nothing kept under the names of tiny models."""

    def convnet(height, width):
        return ConvNet.from_module(plain_convolutions(layers=1), image_size=(height, width))

    monkeypatch.setattr(networks, "convnet", convnet)
    yield
    for kept in (
        steps._embedding,
        steps._block,
        mlp._steps,
        locality.measured,
        stream_norms,
        parameters._counted,
        gelu._activations,
        shift._measured,
    ):
        kept.clear()


@pytest.fixture
def results(monkeypatch):
    kept = []
    footer = lesson.footer

    def keep(result):
        kept.append(result)
        footer(result)

    monkeypatch.setattr(lesson, "footer", keep)
    return kept


def words(app):
    shown = [*app.app.markdown, *app.app.caption, *app.app.info]
    return re.sub(r"\\(.)", r"\1", "\n".join(each.value for each in shown))


@pytest.mark.parametrize("view", choices.EXPERIMENTS)
def test_every_view_has_its_question_formula_caveat_worksheet_and_files(dashboard, results, view):
    app = dashboard(PAGE, anatomy=view, layer=0).sound()
    assert len(app.app.header) == 1
    assert app.app.latex
    labels = [each.label for each in app.app.main.expander]
    assert labels[-2:] == ["This result in Python", "Share and export"]
    result = results[-1]
    told = lesson.manifest(result)
    assert told["settings"]["experiment"] == view
    assert "<h2>" in html_of_figures(result.figures(), result.title, manifest=told)
    assert result.arrays()
    compile(result.code, PAGE, "exec")


@pytest.mark.parametrize("model", NAMES)
def test_the_steps_of_every_kind_of_model(dashboard, results, model):
    app = dashboard(PAGE, model=model, anatomy_step="blocks", layer=1).sound()
    table = app.table()
    rows, columns = (3, 5) if model == "tiny:wide" else (4, 4)
    here = table["Here"].tolist()
    assert here[1].startswith(f"{rows * columns} = ")
    assert here[2] == f"{rows * columns} × 192"
    prefix = {"tiny:registers": 5, "tiny:plain": 0, "tiny:pooled": 0}.get(model, 1)
    assert here[4] == f"{rows * columns + prefix} × 32"
    assert here[-1] == ("no classifier" if model == "tiny:embedding" else "10")
    assert ("no class token" in words(app)) == (prefix == 0)
    assert ("learned query" in words(app)) == (prefix == 0)
    assert ("Registers are" in words(app)) == (model == "tiny:registers")
    assert ("adds no positions" in words(app)) == (model == RELATIVE)
    assert len(app.app.metric) == 5
    assert results[-1].arrays()["start"].shape == (rows * columns + prefix, 32)


@pytest.mark.parametrize("model", ["tiny:wide", "tiny:pooled", RELATIVE])
@pytest.mark.parametrize("step", choices.STEP_NAMES)
def test_every_step_draws_its_picture(dashboard, step, model):
    app = dashboard(PAGE, model=model, anatomy_step=step).sound()
    framed = any(block.proto.popover.label.startswith("Sees") for block in app.app.get("popover"))
    shown = len(app.app.get("image")) - 1 - framed  # the strip has one, and one of how the photo is cropped
    charts = len(app.app.get("plotly_chart"))
    wanted = {"patches": 2, "flatten": 2, "project": 4, "positions": 2, "blocks": 3, "mlp": 3, "head": 1}
    assert shown == wanted[step] + 2 * (step == "positions" and model != RELATIVE)  # E_pos and one of its vectors
    assert charts == {"blocks": 1, "head": 1}.get(step, 0)


@pytest.mark.parametrize(("link", "chart", "title"), [
    ({"anatomy_step": "head"}, "anatomy_answer", "Probability"),
    ({"anatomy": "parameters"}, "anatomy_shares", "Share of all parameters"),
])  # fmt: skip
def test_bars_without_an_intervention_have_no_before_and_no_after(dashboard, results, link, chart, title):
    app = dashboard(PAGE, **link).sound()
    drawn = next(each for each in app.app.get("plotly_chart") if each.key == chart)
    assert drawn.proto.alt.startswith(f"{title}: ")
    assert "before" not in drawn.proto.spec
    if "anatomy" in link:
        (kept,) = results[-1].figures().values()
        assert (kept.layout.xaxis.title.text, kept.data[0].name) == (title, title)


def test_tokens_before_the_patches_have_their_names_in_words(dashboard, monkeypatch):
    monkeypatch.setattr(labels, "_", lambda text: f"[{text}]")
    app = dashboard(PAGE, anatomy_step="blocks", model="tiny:registers").sound()
    assert "n = 5: [class], [register 1], [register 2]" in words(app).replace("\\", "")
    drawn = next(each for each in app.app.get("plotly_chart") if each.key == "anatomy_norms")
    assert "[class token]" in drawn.proto.alt


def test_the_followed_patch_is_chosen_by_row_and_column(dashboard, results):
    app = dashboard(PAGE, anatomy_step="flatten", patch="class").sound()
    app.app.number_input(key="anatomy_row").set_value(4).run()
    app.app.number_input(key="anatomy_column").set_value(1).run()
    assert app.sound().link["patch"] == "12"
    vector = results[-1].arrays()["patches"][12].ravel()
    assert f"run from {Signed(vector.min()):.2f} to {Signed(vector.max()):.2f}" in words(app)


def test_the_norms_of_a_block_are_those_of_its_tensors(dashboard, results):
    app = dashboard(PAGE, anatomy_step="blocks", layer=1).sound()
    arrays = results[-1].arrays()
    shown = [float(each.value) for each in app.app.metric]
    streams = [arrays[f"block_{name}"] for name in ("before", "between", "after")]
    assert shown[::2] == pytest.approx([float(np.linalg.norm(each, axis=-1).mean()) for each in streams], abs=0.006)
    app.app.slider(key="choice_layer").set_value(0).run()
    assert app.sound().link["layer"] == "0"


def test_parameters_are_counted_and_the_difference_is_told(dashboard, tiny_models):
    app = dashboard(PAGE, anatomy="parameters").sound()
    total = sum(counted_parameters(tiny_models["tiny:class"].module).values())
    assert [each.value for each in app.app.metric] == [f"{total:,}"] * 2
    assert "exactly what is there" in words(app)
    app = dashboard(PAGE, anatomy="parameters", model="tiny:pooled").sound()
    assert "more than the formula" in words(app)


@pytest.mark.parametrize("link", [
    {"anatomy_scaled": "side", "anatomy_depth": 48, "anatomy_width": 2048, "anatomy_side": 640},
    {"anatomy_scaled": "width", "anatomy_depth": 1, "anatomy_width": 64, "anatomy_side": 64},
])  # fmt: skip
def test_scaling_at_its_extremes(dashboard, link):
    app = dashboard(PAGE, anatomy="scaling", **link).sound()
    tokens = (link["anatomy_side"] // 16) ** 2 + 1
    assert app.app.metric[2].value == f"{tokens:,}"
    assert "86,567,656" in app.table()["Parameters"].tolist()


@pytest.mark.parametrize("model", ["tiny:wide", "tiny:plain", RELATIVE])
@pytest.mark.parametrize("view", [choices.GELU, choices.SHIFT, choices.REACH])
def test_measured_views_of_other_models(dashboard, view, model):
    app = dashboard(PAGE, anatomy=view, model=model).sound()
    assert app.app.get("plotly_chart")


@pytest.mark.parametrize(("link", "pattern"), [
    ({"anatomy": "heart"}, "anatomy='heart'.*wanted one of"),
    ({"anatomy_step": "7"}, "anatomy_step='7'"),
    ({"anatomy_side": 10_000}, "anatomy_side='10000'.*from 64 to 640"),
])  # fmt: skip
def test_what_a_link_cannot_have_is_told(dashboard, link, pattern):
    dashboard(PAGE, **link).told(pattern)


def test_the_code_gives_the_numbers(dashboard, results, tiny_models, monkeypatch):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    dashboard(PAGE, anatomy_step="blocks", layer=1).sound()
    scope = {}
    code = results[-1].code.replace("print(", "told = (")
    exec(compile(code, PAGE, "exec"), scope)
    assert scope["told"][:2] == (
        results[-1].arrays()["patches"].reshape(16, -1).shape,
        results[-1].arrays()["start"].shape,
    )
