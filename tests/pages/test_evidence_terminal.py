"""The Evidence page and the terminal compute the same: equal arrays for every method, model and target."""

from pathlib import Path

import numpy as np
import pytest

import vitviz
from tests.pages.dashboard import MODELS
from vitviz.attribution import why_not
from vitviz.cli import main
from vitviz.cli.wording import flag_of
from vitviz.export.arrays import read_npz

FEW = 4
METHODS = [method.name for method in vitviz.METHODS]


def knobs_of(name):
    """Few samples, and the first block where a block is chosen: other values than the defaults."""
    (method,) = (method for method in vitviz.METHODS if method.name == name)
    few = {knob.name: max(int(knob.low), FEW) for knob in method.knobs if knob.name.startswith("n_")}
    return few | {knob.name: 0 for knob in method.knobs if knob.kind == "layer"}


def page_map(dashboard, name, model, turned, **link):
    """Return the map that the page exports, with the scene that it was made of."""
    knobs = "~".join(f"{name}:{knob}:{value}" for knob, value in turned.items())
    app = dashboard("evidence", methods=name, model=model, **({"knobs": knobs} if knobs else {}), **link).sound()
    if app.has("button", f"ask_{name}"):
        app.app.button(key=f"ask_{name}").click().run()
        app.sound()
    scene, export = app.exports[-1]
    return export.arrays(), scene


def terminal_map(name, scene, turned, options, folder: Path, monkeypatch):
    """Return the arrays that the terminal writes for the page's photo and model."""
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: scene.vit)
    photo, out = folder / "photo.png", folder / "a.npz"
    scene.photo.image.save(photo)
    flags = [f"{flag_of(knob)}={value}" for knob, value in turned.items()]
    assert main(["explain", str(photo), f"--method={name}", *flags, *options, f"--out={out}"]) == 0
    return read_npz(out)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_for_the_top_answer(name, model, dashboard, tmp_path, monkeypatch, tiny_models):
    if why_not(name, tiny_models[model]) is not None:
        pytest.skip("the method cannot serve the model")
    turned = knobs_of(name)
    page, scene = page_map(dashboard, name, model, turned)
    terminal, manifest = terminal_map(name, scene, turned, [], tmp_path, monkeypatch)
    np.testing.assert_allclose(terminal["values"], page[name], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(page["map"], page[name])
    np.testing.assert_array_equal(terminal["picture"], page["picture"])
    assert manifest["settings"].items() >= turned.items()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_for_one_class_rather_than_another(name, dashboard, tmp_path, monkeypatch):
    turned = knobs_of(name)
    page, scene = page_map(dashboard, name, "tiny:class", turned, target=3, versus=5)
    options = ["--target=3", "--rather-than=5"]
    terminal, manifest = terminal_map(name, scene, turned, options, tmp_path, monkeypatch)
    np.testing.assert_allclose(terminal["values"], page[name], rtol=1e-5, atol=1e-7)
    assert (manifest["target"]["class_index"], manifest["target"]["other"]) == (3, 5)
