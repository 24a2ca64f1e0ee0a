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


def page_maps(dashboard, names, model, **link):
    """Return the maps that the page exports, a method each, with the scene that they were made of."""
    knobs = [f"{name}:{knob}:{value}" for name in names for knob, value in knobs_of(name).items()]
    app = dashboard("evidence", methods="-".join(names), model=model, knobs="~".join(knobs), **link).sound()
    app.app.button(key="ask_all").click().run()
    scene, export = app.sound().exports[-1]
    return export.arrays(), scene


def terminal_map(name, scene, options, folder: Path, monkeypatch):
    """Return the arrays that the terminal writes for the page's photo and model."""
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: scene.vit)
    photo, out = folder / "photo.png", folder / f"{name}.npz"
    if not photo.exists():
        scene.photo.image.save(photo)
    flags = [f"{flag_of(knob)}={value}" for knob, value in knobs_of(name).items()]
    assert main(["explain", str(photo), f"--method={name}", *flags, *options, f"--out={out}"]) == 0
    return read_npz(out)


@pytest.mark.parametrize("model", MODELS)
def test_every_method_for_the_top_answer(model, dashboard, tmp_path, monkeypatch, tiny_models):
    names = [name for name in METHODS if why_not(name, tiny_models[model]) is None]
    assert len(names) > len(METHODS) / 2
    page, scene = page_maps(dashboard, names, model)
    np.testing.assert_array_equal(page["map"], page[names[0]])
    for name in names:
        terminal, manifest = terminal_map(name, scene, [], tmp_path, monkeypatch)
        np.testing.assert_allclose(terminal["values"], page[name], rtol=1e-5, atol=1e-7, err_msg=name)
        np.testing.assert_array_equal(terminal["picture"], page["picture"], err_msg=name)
        assert manifest["settings"].items() >= knobs_of(name).items()


def test_every_method_for_one_class_rather_than_another(dashboard, tmp_path, monkeypatch):
    page, scene = page_maps(dashboard, METHODS, "tiny:class", target=3, versus=5)
    for name in METHODS:
        options = ["--target=3", "--rather-than=5"]
        terminal, manifest = terminal_map(name, scene, options, tmp_path, monkeypatch)
        np.testing.assert_allclose(terminal["values"], page[name], rtol=1e-5, atol=1e-7, err_msg=name)
        assert (manifest["target"]["class_index"], manifest["target"]["other"]) == (3, 5)
