"""The Depth page: the residual path as a filter and the place of the LayerNorm; knobs, divergence, files."""

import io
import re

import numpy as np
import pytest

import vitviz
from tests.pages.dashboard import RELATIVE
from vitviz.export.arrays import npz_bytes
from vitviz.figures.palettes import table
from vitviz.labs import residual_filter, stream_growth
from vitviz.labs.attention_filter import attention_gain
from vitviz.labs.layer_norm.runs import shipped_runs
from vitviz.labs.residual_filter import gain
from vitviz.numbers import percent
from vitviz.trace import trace
from vitviz.ui.components.packing import unpack
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.depth import layer_norm, residual_model

PAGE = "depth"
NORM = {"depth_experiment": "layer_norm", "depth_width": 16}


@pytest.fixture(autouse=True)
def results(monkeypatch):
    """What the page hands to its foot; what was measured on a tiny model is forgotten afterwards."""
    taken = []
    monkeypatch.setattr(lesson, "_downloads", lambda result: taken.append((result, lesson.manifest(result))))
    yield taken
    for kept in (residual_model.measured, layer_norm.initial):
        kept.clear()


def captions(app):
    return "\n".join(each.value for each in app.app.caption)


@pytest.mark.parametrize("model", ["tiny:wide", "tiny:registers", "tiny:embedding", RELATIVE])
def test_the_filter_opens_on_every_kind_of_model(dashboard, results, model):
    app = dashboard(PAGE, model=model).sound()
    assert "**Low-pass**" in app.app.success[0].value
    for key in ("depth_gain", "depth_amplitudes", "depth_signals", "depth_attention_gain"):
        assert app.has("plotly_chart", key)
    found = results[-1][0].arrays()
    assert found["attention_gain"].max() <= 1 + 1e-6
    assert np.allclose(found["attention_gain"][:, 0], 1)


def test_the_numbers_are_those_of_the_formula(dashboard, results):
    dashboard(PAGE, depth_graph="cycle", depth_nodes=12, depth_alpha=0.2, depth_blocks=5).sound()
    found = results[-1][0].arrays()
    assert np.allclose(found["frequencies"], [2 - 2 * np.cos(np.pi / 6), 4])
    expected = found["amplitudes"][0] * gain(0.2, found["frequencies"], 5)
    assert np.allclose(found["amplitudes"][-1], expected)


@pytest.mark.parametrize(
    ("graph", "alpha", "blocks", "word"),
    [*((graph, 1.0, 96, "Divergence") for graph in residual_filter.GRAPHS), ("grid", 1.0, 1, "Divergence"),
     ("path", 0.0, 96, "α = 0"), ("cycle", 0.12, 1, "Low-pass"), ("grid", 0.2, 96, "Sign flips")],
)  # fmt: skip
def test_every_graph_at_the_ends_of_strength_and_depth(dashboard, results, graph, alpha, blocks, word):
    link = {"depth_graph": graph, "depth_alpha": alpha, "depth_blocks": blocks}
    app = dashboard(PAGE, **link, depth_nodes=20 if graph == "grid" else 64, depth_high=1)
    if word == "Divergence":
        app.told(word)
        assert ("passed 1,000" in app.warnings) == (blocks == 96)
    else:
        app.sound()
        assert f"**{word}**" in app.app.success[0].value
    result = results[-1][0]
    assert all(np.isfinite(values).all() for values in result.arrays().values())
    assert len(result.figures()) >= 4
    assert app.has("plotly_chart", "depth_signals") == (graph != "grid")
    told, parts = unpack(app.blob("depth_film"))
    assert len(told["frames"]) == len(result.arrays()["signals"])
    assert parts["palette"] == table("RdBu").tobytes(), "the signal has a sign"


def test_a_smaller_graph_and_no_high_frequency(dashboard):
    dashboard(PAGE, depth_nodes=3, depth_high=0, depth_graph="path").sound()
    app = dashboard(PAGE, depth_nodes=64, depth_graph="grid")
    app.told("grid has at most 20 nodes")
    assert app.link["depth_nodes"] == "20"


def test_the_gain_of_the_loaded_model_is_that_of_its_trace(dashboard, results, tiny_models):
    dashboard(PAGE, example="dog").sound()
    vit = tiny_models["tiny:class"]
    expected = attention_gain(trace(vit, vitviz.examples.example("dog").path))
    assert np.allclose(results[-1][0].arrays()["attention_gain"], expected.attention)


def test_a_model_with_a_grid_without_inside_says_so(dashboard, tiny_models, build_vit):
    tiny_models["tiny:two"] = vitviz.ViT.from_module(build_vit(img_size=(16, 16)), name="tiny:two")
    app = dashboard(PAGE, model="tiny:two").sound()
    assert "2 × 2 patches has no spatial frequencies" in re.sub(r"\\(.)", r"\1", app.app.info[0].value)
    del tiny_models["tiny:two"]


@pytest.mark.parametrize(
    "link",
    [
        {"depth_layers": 1, "depth_growth": 0, "depth_branch": 0},
        {"depth_layers": 96, "depth_growth": 1, "depth_branch": 10, "depth_seed": 99},
    ],
)
def test_layer_norm_at_the_ends_of_its_knobs(dashboard, results, link):
    app = dashboard(PAGE, **NORM, **link).sound()
    for key in ("depth_laws", "depth_stream", "depth_gradients", "depth_training"):
        assert app.has("plotly_chart", key)
    found = results[-1][0].arrays()
    depth, stream = link["depth_layers"], found["stream_none"]
    growth = (stream[-1] / stream[0]) ** (1 / depth)
    assert f"grows by a factor of {growth:.2f} a block" in captions(app)
    if depth == 1:
        expected = stream_growth.run("none", depth=1, width=16, heads=1, seed=0)
        assert np.allclose(stream, expected.stream)


def test_the_shipped_training_is_told_with_its_deviation(dashboard):
    app = dashboard(PAGE, **NORM, depth_layers=2).sound()
    runs = [run for run in shipped_runs() if run.order == "pre" and not run.warmup_steps]
    found = [run.accuracy for run in runs]
    assert f"Pre-LN {percent(np.mean(found))} ± {percent(np.std(found, ddof=1))}, Post-LN" in captions(app)


@pytest.mark.parametrize(
    ("link", "pattern"),
    [
        ({"depth_alpha": "inf"}, "depth_alpha='inf'.*wanted a number from 0 to 1"),
        ({"depth_blocks": "97"}, "wanted a whole number from 1 to 96"),
        ({"depth_width": "17"}, "depth_width='17'"),
    ],
)
def test_what_a_link_cannot_have_is_told(dashboard, link, pattern):
    dashboard(PAGE, **link).told(pattern)


@pytest.mark.parametrize("link", [{"depth_blocks": 3}, {**NORM, "depth_layers": 2}])
def test_the_files_and_the_code_give_the_numbers(dashboard, results, tiny_models, monkeypatch, link):
    monkeypatch.setattr(vitviz, "load_vit", lambda name, **options: tiny_models[name])
    app = dashboard(PAGE, **link).sound()
    result, told = results[-1]
    with np.load(io.BytesIO(npz_bytes(result.arrays(), told)), allow_pickle=False) as stored:
        kept = {name: stored[name] for name in result.arrays()}
    scope = {}
    exec(compile(app.app.code[0].value, PAGE, "exec"), scope)
    name = "amplitudes" if "depth_blocks" in link else "stream_none"
    assert np.allclose(scope["values"], kept[name])
