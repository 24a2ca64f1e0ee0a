"""The Evidence page's box and its check of the weights: what the link says, what the browser sends, the numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vitviz
from vitviz.analysis.faithfulness_checks import model_randomisation
from vitviz.attribution.attribute import find_method
from vitviz.errors import OptionError
from vitviz.numbers import percent
from vitviz.ui.choices.evidence import box_of
from vitviz.ui.explore.evidence import curves
from vitviz.ui.work import long_work

TWO = "rollout-input_x_gradient"


def scene_of(app):
    return app.exports[-1][0]


def table(app):
    return app.table()


def test_a_box_of_the_link_gives_pointing_game_and_energy(dashboard):
    app = dashboard("evidence", methods=TWO, target=3, box="8.0.24.16").sound()
    scene, box = scene_of(app), (8, 0, 24, 16)
    for row, name in enumerate(TWO.split("-")):
        found = vitviz.attribute(name, scene.vit, scene.original.pixels, target=3)
        inside = vitviz.pointing_game(found.values, scene.vit.grid, box)
        energy = vitviz.energy_in_box(found.values, scene.vit.grid, box)
        label, hit, share, times = table(app).iloc[row]
        assert label == find_method(name).label
        assert hit == ("inside" if inside else "outside")
        assert (share, times) == (percent(energy), f"{energy / 0.25:.2f} ×")
    assert list(table(app).iloc[2])[2:] == ["25%", "1.00 ×"]
    assert app.component("evidence_box")["box"] == [8, 0, 24, 16]
    assert app.link["box"] == "8.0.24.16"
    assert app.manifest["settings"]["box"] == [8, 0, 24, 16]
    assert "box = (8, 0, 24, 16)" in app.app.code[0].value
    assert "box" not in app.go("heads").sound().link


def test_what_the_browser_draws_is_kept_and_removed(dashboard):
    app = dashboard("evidence", methods="rollout").sound()
    assert app.component("evidence_box")["box"] is None
    assert not app.app.table
    assert app.put(box="0.0.32.32").sound().link["box"] == "0.0.32.32"
    assert table(app).iloc[0, 2] == "100%"
    assert "box" not in app.put(box="").sound().link


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ("8.0.24.33", r"box \(8, 0, 24, 33\) is empty or reaches outside the picture"),
        ("99999.0.99999.16", "wanted a box that is not empty"),
        ("8.8.8.9", "wanted a box that is not empty"),
        ("1.2.3", "wanted a box such as 28.14.196.210"),
        ("-1.2.3.4", "wanted a box such as"),
        ("tea", "wanted a box such as"),
    ],
)
def test_a_box_that_cannot_be_is_told_and_left_out(dashboard, box, message):
    app = dashboard("evidence", methods="rollout", box=box).told(message)
    assert app.link.get("box") is None
    assert app.run().sound().component("evidence_box")["box"] is None


def test_a_box_goes_when_another_model_has_a_smaller_picture(dashboard):
    app = dashboard("evidence", methods="rollout", box="0.0.32.32").sound()
    app.put(model="tiny:wide").told(r"outside the picture; wanted .* ≤ 40 and .* ≤ 24")
    assert app.link.get("box") is None


def test_texts_of_boxes():
    assert box_of("1.2.30.40") == (1, 2, 30, 40)
    for text in ("", "1.2.3.4.5", "1,2,3,4", "1.2.3.x", "5.5.5.9", "5.9.9.5"):
        with pytest.raises(OptionError, match="wanted a box"):
            box_of(text)


def test_a_refused_test_is_told_where_it_was_asked_for_and_can_be_tried_again(dashboard, monkeypatch):
    refusals, compute = [OptionError("not today")], curves.deletion_insertion

    def measure(*given, **options):
        if refusals:
            raise refusals.pop()
        return compute(*given, **options)

    monkeypatch.setattr(curves, "deletion_insertion", measure)
    app = dashboard("evidence", methods="rollout", target=1).sound()
    app.app.button(key="ask_test").click().run()
    for _click in range(2):  # the next click leaves it there
        app.told("not today").run()
    assert not app.has("button", "stop_test")
    app.app.button(key="ask_test").click().run()
    assert app.sound().has("plotly_chart", "deletion")


def test_what_was_asked_for_one_photo_is_not_begun_for_another(dashboard, monkeypatch):
    monkeypatch.setattr(long_work.queue(), "start", lambda run: None)  # it takes for ever
    app = dashboard("evidence", methods="rollout", example="cat", target=1).sound()
    for name in ("test", "weights"):
        app.app.button(key=f"ask_{name}").click().run()
        assert app.sound().has("button", f"stop_{name}")
        for other in ({"example": "dog"}, {"model": "tiny:registers"}):
            assert app.put(**other, target="1").sound().has("button", f"ask_{name}")
            app.put(example="cat", model="tiny:class", target="1").sound()
            assert app.has("button", f"stop_{name}")


def test_the_maps_are_made_again_with_random_weights(dashboard):
    app = dashboard("evidence", methods="rollout-gradient_rollout", target=3).sound()
    assert not app.has("plotly_chart", "weights")
    app.app.button(key="ask_weights").click().run()
    assert app.sound().has("plotly_chart", "weights")
    scene = scene_of(app)

    def explain(vit):
        return vitviz.attribute("gradient_rollout", vit, scene.original.pixels, target=3).values

    expected = model_randomisation(scene.vit, explain)
    chart = next(each for each in app.app.get("plotly_chart") if each.key == "weights")
    spec = json.loads(chart.proto.spec)
    assert spec["layout"]["xaxis"]["ticktext"] == ["nothing", "head", "1", "0", "embedding"]
    assert len(spec["data"]) == 2
    assert np.isfinite(expected.correlations).all()
    assert np.allclose(app.export.arrays()["gradient_rollout_randomised_correlation"], expected.correlations)
    assert "vitviz.model_randomisation(vit, explain)" in app.app.code[0].value
    assert not app.has("button", "ask_weights")
    assert app.put(target="4").has("button", "ask_weights")
