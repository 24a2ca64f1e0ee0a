"""Long work on every page that has some: beside the page, once for all readers, stopped, refused, asked for again."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.cost import compute
from vitviz.ui.explore.evidence import curves, maps, weights
from vitviz.ui.explore.patches import drop_curve, sizes
from vitviz.ui.explore.positions import input_sizes
from vitviz.ui.kept import shelf
from vitviz.ui.learn.cost import clock, passes
from vitviz.ui.learn.detail import pasted_object, patch_sizes
from vitviz.ui.learn.scratch import order, temperature_model
from vitviz.ui.work import long_work

SOON = 90
OCCLUSION = {"methods": "occlusion", "target": "1"}
NO_MEMORY = RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate")
BUTTONS = [
    ("evidence", OCCLUSION, "occlusion", maps, "attribute"),
    ("evidence", {"methods": "rollout", "target": "1"}, "test", curves, "deletion_insertion"),
    ("evidence", {"methods": "rollout", "target": "1"}, "weights", weights, "model_randomisation"),
    ("compare", {"by": "occlusion", "against": "class"}, "both", maps, "attribute"),
    ("patches", {}, "drop", drop_curve, "drop_curve"),
    ("patches", {}, "occlusion", maps, "attribute"),
    ("patches", {"patch_sizes": "8"}, "sizes", sizes, "patch_sizes"),
]
SWITCHES = [
    ("positions", {}, "input_sizes", input_sizes, "input_size_steps"),
    ("cost", {"cost_width": 32}, "cost_seconds", clock, "time_block"),
    ("cost", {"cost_experiment": "memory", "cost_size": 64, "cost_model": "ViT-Ti/16"}, "cost_block", passes,
     "compare_blocks"),
    ("cost", {"cost_experiment": "memory"}, "cost_passes", passes, "compare_model"),
    ("patches_and_detail", {"detail": "object"}, "pasted", pasted_object.lab, "run"),
    ("patches_and_detail", {"detail": "patch_size"}, "repatched", patch_sizes, "patch_sizes"),
    ("attention_from_scratch", {"scratch": "order"}, "permuted_model", order.lab, "on_model"),
    ("attention_from_scratch", {"scratch": "temperature"}, "heat_sweep", temperature_model.lab, "run"),
]  # fmt: skip


@pytest.fixture
def slow(monkeypatch):
    """Occlusion that takes its time: it begins, counted, and goes on when the gate opens, unless it is stopped."""
    gate, begun, compute = threading.Event(), [], maps.attribute

    def attribute(name, *given, progress=None, **options):
        if name == "occlusion":
            begun.append(threading.get_ident())
            while progress(1, 9) and not gate.wait(0.01):
                pass
        return compute(name, *given, progress=progress, **options)

    monkeypatch.setattr(maps, "attribute", attribute)
    return gate, begun


def job(app):
    """The number of the reader's only job."""
    (number,) = app.app.session_state["vitviz_runs"].values()
    return number


@pytest.mark.usefixtures("beside")
def test_two_readers_who_ask_for_the_same_compute_it_once_and_one_who_stops_leaves_it_to_the_other(dashboard, slow):
    gate, begun = slow
    ann, bob = (dashboard("evidence", **OCCLUSION).sound() for _ in range(2))
    for app in (ann, bob):
        app.app.button(key="ask_occlusion").click().run()
        assert app.sound().has("button", "stop_occlusion")
    assert job(ann) == job(bob)
    bob.app.button(key="stop_occlusion").click().run()
    assert bob.sound().has("button", "ask_occlusion")
    assert ann.run().sound().has("button", "stop_occlusion")
    gate.set()
    assert long_work.queue().wait(job(ann), SOON).state == "done"
    for app in (ann, bob):  # a finished map serves every reader
        assert "occlusion" in app.run().sound().export.arrays()
        assert not app.has("button", "ask_occlusion")
    assert len(begun) == 1


@pytest.mark.usefixtures("beside")
def test_clicks_and_other_pages_leave_it_going_and_stop_stops_it(dashboard, slow):
    _gate, begun = slow
    app = dashboard("evidence", **OCCLUSION).sound()
    app.app.button(key="ask_occlusion").click().run()
    number = job(app)
    for _click in range(3):
        assert app.run().sound().has("button", "stop_occlusion")
    assert not app.put(target="2").sound().has("button", "stop_occlusion")  # another map
    app.go("heads").sound()
    app.put(target="1")
    assert app.go("evidence").sound().has("button", "stop_occlusion")
    assert app.go("patches").sound().has("button", "stop_occlusion")  # the same map
    assert len(begun) == 1
    app.app.button(key="stop_occlusion").click().run()
    assert long_work.queue().wait(number, SOON).state == "stopped"
    assert app.run().sound().has("button", "ask_occlusion")


@pytest.mark.usefixtures("beside")
def test_after_a_reload_it_is_found_again(dashboard, slow, monkeypatch):
    gate, begun = slow
    monkeypatch.setattr(long_work, "connected", lambda session: False)  # as a reload leaves the window before it
    dashboard("evidence", **OCCLUSION).sound().app.button(key="ask_occlusion").click().run()
    again = dashboard("evidence", **OCCLUSION).sound()
    assert again.has("button", "stop_occlusion")
    gate.set()
    assert long_work.queue().wait(job(again), SOON).state == "done"
    assert "occlusion" in again.run().sound().export.arrays()
    assert len(begun) == 1


def fail_first(monkeypatch, module, name, errors):
    """Have a function fail once with each error, in their order, before it does its work."""
    errors, compute = list(errors), getattr(module, name)

    def measure(*given, **options):
        if errors:
            raise errors.pop(0)
        return compute(*given, **options)

    monkeypatch.setattr(module, name, measure)


ERRORS = {"too little memory for that": NO_MEMORY, "not today": OptionError("not today")}


@pytest.mark.parametrize(("page", "link", "name", "module", "function"), BUTTONS, ids=str)
def test_a_refusal_is_told_at_the_button_which_tries_again(dashboard, monkeypatch, page, link, name, module, function):
    app = dashboard(page, **link).sound()
    fail_first(monkeypatch, module, function, ERRORS.values())
    for told in ERRORS:
        app.app.button(key=f"ask_{name}").click().run()
        app.told(told).run().told(told)
    app.app.button(key=f"ask_{name}").click().run()
    assert not app.sound().has("button", f"ask_{name}")


@pytest.mark.parametrize(("page", "link", "name", "module", "function"), SWITCHES, ids=str)
def test_a_refusal_is_told_at_the_switch_which_tries_again(dashboard, monkeypatch, page, link, name, module, function):
    monkeypatch.setattr(compute, "lengths_to_time", lambda width: (16, 32))  # test_cost.py times all of them
    app = dashboard(page, **link).sound()
    fail_first(monkeypatch, module, function, ERRORS.values())
    for told in ERRORS:
        app.put(**{name: True})
        app.told(told).run().told(told)
        assert app.app.toggle(key=f"choice_{name}").value is False
        assert name not in app.link
    app.app.toggle(key=f"choice_{name}").set_value(True).run()
    assert app.sound().link[name] == "1"


def test_a_quick_map_that_was_refused_is_tried_again(dashboard, monkeypatch):
    fail_first(monkeypatch, maps, "attribute", ERRORS.values())
    app = dashboard("evidence", methods="saliency", target=1)
    for told in ERRORS:
        app.told(told).run().told(told)
        app.app.button(key="retry_saliency").click().run()
    assert "saliency" in app.sound().export.arrays()
    assert not app.has("button", "retry_saliency")


def test_a_method_that_cannot_serve_the_model_is_not_tried_again(dashboard):
    app = dashboard("evidence", model="tiny:pooled", methods="class_attention").told("no class token")
    assert not app.has("button", "retry_class_attention")


@pytest.mark.usefixtures("beside")
def test_a_switch_wants_its_newest_settings_alone(dashboard, monkeypatch):
    gate = threading.Event()

    def run(vit, image, *, layer, progress, **options):
        while progress(1, 9) and not gate.wait(0.01):
            pass
        raise OptionError(f"stopped at {layer}")

    monkeypatch.setattr(temperature_model.lab, "run", run)
    app = dashboard("attention_from_scratch", scratch="temperature", heat_sweep=1, heated="0").sound()
    first = job(app)
    assert app.put(heated="1").sound().has("button", "stop_heat_sweep")
    assert long_work.queue().wait(first, SOON).readers == frozenset()
    app.app.button(key="stop_heat_sweep").click().run()
    assert app.sound().app.toggle(key="choice_heat_sweep").value is False
    gate.set()


def test_what_was_measured_until_it_was_stopped_stays_and_is_not_measured_again(dashboard, monkeypatch):
    steps, asked = input_sizes.input_size_steps, []

    def two_at_most(vit, image, *, sizes):
        asked.append(list(sizes))
        for place, answer in enumerate(steps(vit, image, sizes=sizes)):
            if place == 2:
                raise OptionError("enough")
            yield answer

    monkeypatch.setattr(input_sizes, "SIZES", (16, 24, 32, 40))
    monkeypatch.setattr(input_sizes, "input_size_steps", two_at_most)
    app = dashboard("positions", input_sizes=1).told("enough")
    assert len(app.table()) == 2
    app.app.toggle(key="choice_input_sizes").set_value(True).run()
    assert len(app.sound().table()) == 4
    assert asked == [[16, 24, 32, 40], [32, 40]]
    assert np.isfinite(app.export.arrays()["input_size_cosine"]).all()
    assert shelf.results().get(("input sizes", *app_key(app)))


def app_key(app):
    scene = app.exports[-1][0]
    return scene.model_key, scene.photo.digest
