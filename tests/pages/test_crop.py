"""How a photo of another shape is brought to the model's, on the pages and in what they hand out."""

from __future__ import annotations

import pytest

from vitviz.examples import example
from vitviz.images import open_photo
from vitviz.models.loading import load_vit


def seen(app):
    return app.manifest["picture"]


MODEL = {"model": "timm:test_vit", "weights": "random"}
"""A small model of timm, of which other sizes can be loaded."""


def test_the_crop_is_told_chosen_and_followed(dashboard):
    app = dashboard("attention", example="alps", crop="1.00", **MODEL).sound()
    vit, photo = load_vit(MODEL["model"], weights=MODEL["weights"]), open_photo(example("alps").path)
    picture = app.exports[-1][0].trace.pixels
    assert (picture == vit.with_crop(1.0).preprocess(photo)).all()
    assert (seen(app)["crop"], seen(app)["seen"][2]) == (1.0, 1.0)
    assert "crop=1.0" in app.app.code[0].value
    assert any("left out: " in each.value for each in app.app.caption)
    app.app.radio(key="crop_way").set_value("pad").run()
    assert app.sound().link["crop"] == "pad"
    assert seen(app)["seen"] == [0, 0, 1, 1]
    assert any("are bars" in each.value for each in app.app.caption)
    app.app.radio(key="crop_way").set_value("grid").run()
    grid = app.sound().exports[-1][0].trace.grid
    assert grid.columns / grid.rows == pytest.approx(1020 / 484, abs=0.3)
    assert f"image_size={grid.image_size}" in app.app.code[0].value
    app.app.radio(key="crop_way").set_value("moved").run()
    app.app.slider(key="crop_place").set_value(0.25).run()
    assert app.sound().link["crop"] == "0.25"
    for page in ("compare", "tokens", "heads"):
        assert app.go(page).sound().link["crop"] == "0.25"
    app.put(crop="grid", against="photo").go("compare").sound()
    app.app.radio(key="crop_way").set_value("trained").run()
    assert "crop" not in app.sound().link
    app.put(example="cat-and-dog").sound()
    assert seen(app)["seen"] == pytest.approx([0.025, 0.025, 0.975, 0.975], abs=0.01), "the margin that it cuts off"


def test_a_crop_that_cannot_be_had_is_told_and_the_trained_one_kept(dashboard):
    dashboard("attention", crop="sideways").told("crop=.*wanted trained, pad, squash, grid, or a number from 0 to 1")
    app = dashboard("attention", model="tiny:class", crop="grid", example="alps").told("tiny:class")
    assert "crop" not in app.run().sound().link
