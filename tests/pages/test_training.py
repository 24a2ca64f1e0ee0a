"""The Training page: shipped results at once, knobs at their extremes, real runs beside the page, two readers."""

from __future__ import annotations

import json
import pickle
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from vitviz.analysis.input_sizes import SIZES
from vitviz.assets import LABS
from vitviz.figures.export import html_of_figures
from vitviz.labs.digits.distillation_search import SEEDS, shipped_search
from vitviz.labs.digits.intervals import mean_interval
from vitviz.labs.digits.results import shipped_distillation, shipped_hunger
from vitviz.labs.digits.scaling import GROWING
from vitviz.labs.digits.scaling_runs import shipped_scaling
from vitviz.labs.input_size_runs import FILE, as_text, shipped_sizes
from vitviz.labs.layer_norm.runs import shipped_runs
from vitviz.ui.choices import training as choices
from vitviz.ui.furniture import lesson, show
from vitviz.ui.learn.training import layer_norm
from vitviz.ui.learn.training.distillation_figures import verdict
from vitviz.ui.work import long_work

PAGE = "training"
SOON = 90
QUICK = {
    choices.DISTILLATION: {"distil_size": 10, "distil_seeds": 1, "distil_steps": 20},
    choices.HUNGER: {"hunger_largest": 60, "hunger_seeds": 1, "hunger_steps": 20},
    choices.LAYER_NORM: {"norm_depth": 1, "norm_steps": 20},
}


pytestmark = pytest.mark.usefixtures("beside")


@pytest.fixture
def results(monkeypatch):
    """The results of the pages, as they are handed to the foot."""
    kept = []
    footer = lesson.footer

    def keep(result):
        kept.append(result)
        footer(result)

    monkeypatch.setattr(lesson, "footer", keep)
    return kept


def words(app):
    shown = [*app.app.markdown, *app.app.caption, *app.app.info]
    return "\n".join(each.value for each in shown)


def ended(app, experiment):
    """Wait for the run of a reader and open the page again."""
    number = app.app.session_state["vitviz_runs"][experiment]
    view = long_work.queue().wait(number, SOON)
    app.run()
    return view


@pytest.mark.parametrize("experiment", choices.EXPERIMENTS)
def test_every_experiment_has_its_question_formula_caveat_worksheet_and_files(dashboard, results, experiment):
    app = dashboard(PAGE, training=experiment).sound()
    assert len(app.app.header) == 1
    assert app.app.latex
    assert app.app.info
    labels = [each.label for each in app.app.main.expander]
    assert labels[-2:] == ["This result in Python", "Share and export"]
    assert any(label.startswith("1.") for label in labels)  # the worksheet of the section
    result = results[-1]
    assert lesson.manifest(result)["settings"]["experiment"] == experiment
    assert result.arrays()
    compile(result.code, PAGE, "exec")
    if experiment != choices.SIZES:
        page = html_of_figures(result.figures(), result.title, manifest=lesson.manifest(result))
        assert "<h2>" in page


def test_shipped_results_are_shown_at_once_with_their_numbers(dashboard, results):
    app = dashboard(PAGE).sound()
    assert "Shipped runs of these settings" in words(app)
    shipped = shipped_distillation()
    gain = (shipped.accuracies("soft") - shipped.accuracies("alone")).mean() * 100
    assert f"Hinton's loss: {gain:+.1f} percentage points" in words(app)
    app = dashboard(PAGE, training=choices.HUNGER).sound()
    hunger = shipped_hunger()
    gaps = (hunger.accuracies("convnet") - hunger.accuracies("vit")).mean(-1) * 100
    assert f"ahead by {gaps[0]:.1f} percentage points with 20 digits" in words(app)
    assert np.array_equal(results[-1].arrays()["accuracy_vit"], hunger.accuracies("vit"))
    app = dashboard(PAGE, training=choices.LAYER_NORM).sound()
    assert "Post-LN, warm-up of 60" in words(app)


@pytest.mark.parametrize("link", [
    {"distil_size": 1200, "distil_alpha": 0.9, "distil_temperature": 20.0, "distil_steps": 1000},
    {"distil_size": 10, "distil_alpha": 0.0, "distil_temperature": 0.5, "distil_seeds": 1},
    {"training": choices.HUNGER, "hunger_largest": 60, "hunger_steps": 20, "hunger_shifts": 1},
    {"training": choices.LAYER_NORM, "norm_depth": 24, "norm_rate": 0.05, "norm_warmup": 400},
    {"training": choices.LAYER_NORM, "norm_depth": 1, "norm_rate": 0.0003, "norm_steps": 20},
])  # fmt: skip
def test_settings_without_a_run_say_so_and_show_the_shipped_one(dashboard, link):
    app = dashboard(PAGE, **link).sound()
    assert "Nothing was trained with these settings yet" in words(app)
    assert all(app.link[name] == str(value) for name, value in link.items())


@pytest.mark.parametrize(("link", "pattern"), [
    ({"distil_steps": 100000}, "distil_steps='100000'.*from 20 to 1000"),
    ({"distil_alpha": "nan"}, "distil_alpha='nan'.*from 0 to 1"),
    ({"norm_rate": 0}, "norm_rate='0'.*from 0.0001 to 0.05"),
    ({"training": "gan"}, "training='gan'"),
    ({"sizes_rows": 0}, "sizes_rows='0'.*from 2 to 37"),
])  # fmt: skip
def test_what_a_link_cannot_have_is_told(dashboard, link, pattern):
    dashboard(PAGE, **link).told(pattern)


def here(function, **settings):
    """Do what ``apart`` does without a process of its own, which takes two seconds; all of it is pickled as there."""
    call = pickle.dumps(partial(function, **settings))
    return lambda report: pickle.loads(pickle.dumps(pickle.loads(call)(progress=report)))


@pytest.mark.parametrize("experiment", QUICK)
def test_a_run_starts_at_a_click_and_its_result_replaces_the_shipped_one(dashboard, results, monkeypatch, experiment):
    if experiment != choices.DISTILLATION:  # it has its own process
        monkeypatch.setattr("vitviz.ui.learn.training.own_run.apart", here)
    app = dashboard(PAGE, training=experiment, **QUICK[experiment]).sound()
    app.app.button(key=f"start_{experiment}").click().run()
    assert not app.app.exception
    assert ended(app, experiment).state == "done"
    app.sound()
    assert "Nothing was trained" not in words(app)
    assert app.app.button(key=f"start_{experiment}")
    other = dashboard(PAGE, training=experiment, **QUICK[experiment]).sound()
    assert "Nothing was trained" not in words(other)  # a finished run serves every reader
    assert results[-1].figures()
    told = lesson.manifest(results[-1])["settings"]
    assert {each["steps"] for each in told.get("runs", [told])} == {20}


def test_two_readers_train_at_once_and_each_stops_only_their_own(dashboard):
    slow = {"distil_steps": 1000, "distil_seeds": 5}
    ann, bob = (dashboard(PAGE, distil_size=size, **slow, **QUICK[choices.HUNGER]) for size in (10, 20))
    for app in (ann, bob):
        app.app.button(key="start_distillation").click().run()
        assert not app.app.exception
        assert app.app.button(key="stop_distillation")
    numbers = [app.app.session_state["vitviz_runs"]["distillation"] for app in (ann, bob)]
    assert len(set(numbers)) == 2
    ann.app.button(key="stop_distillation").click().run()
    assert long_work.queue().wait(numbers[0], SOON).state == "stopped"
    assert long_work.queue().view(numbers[1]).active
    ann.run()
    assert "Stopped after" in ann.warnings
    bob.app.button(key="stop_distillation").click().run()
    assert long_work.queue().wait(numbers[1], SOON).state == "stopped"
    bob.run()
    assert not bob.app.exception


def test_after_a_reload_a_run_is_seen_and_can_be_stopped_and_no_other_one(dashboard, monkeypatch):
    slow = {"distil_size": 30, "distil_steps": 1000, "distil_seeds": 5}
    app = dashboard(PAGE, **slow)
    monkeypatch.setattr(long_work, "connected", lambda session: here.is_set())
    here = threading.Event()
    here.set()
    app.app.button(key="start_distillation").click().run()
    number = app.app.session_state["vitviz_runs"]["distillation"]
    other = dashboard(PAGE, **slow).sound()
    assert other.app.button(key="start_distillation")  # the window is open: it is another reader's
    here.clear()  # as a reload leaves it
    other = dashboard(PAGE, **slow | {"distil_size": 40}).sound()
    assert other.app.button(key="start_distillation")
    again = dashboard(PAGE, **slow).sound()
    assert "began before this page was loaded again" in words(again)
    again.app.button(key="stop_distillation").click().run()
    assert long_work.queue().wait(number, SOON).state == "stopped"
    again.run()
    assert "Stopped after" in again.warnings


UNTRAINED = {
    choices.DISTILLATION: {"distil_size": 770, "distil_alpha": 0.25},
    choices.HUNGER: {"hunger_largest": 60, "hunger_steps": 740},
    choices.LAYER_NORM: {"norm_depth": 3, "norm_steps": 380},
}


@pytest.mark.parametrize("experiment", QUICK)
def test_files_tell_the_settings_of_what_is_shown_and_not_those_of_the_knobs(dashboard, results, experiment):
    dashboard(PAGE, training=experiment, **UNTRAINED[experiment]).sound()
    told = lesson.manifest(results[-1])["settings"]
    if experiment == choices.LAYER_NORM:
        runs = shipped_runs()
        assert [each["seed"] for each in told["runs"]] == [run.seed for run in runs]
        assert {(each["depth"], each["steps"]) for each in told["runs"]} == {(12, 200)}
        assert "'depth': 12, 'width': 32" in results[-1].code
        return
    shipped = shipped_distillation() if experiment == choices.DISTILLATION else shipped_hunger()
    wanted = {name: getattr(shipped, name) for name in told if name != "experiment"}
    assert told == {"experiment": experiment, **wanted}
    assert len(told) >= 7 - (experiment == choices.HUNGER)
    assert f"steps={shipped.steps}" in results[-1].code


def test_the_code_of_the_layer_norm_runs_trains_them(capsys):
    asked = [
        {"order": order, "depth": 1, "width": 16, "learning_rate": 1e-3, "steps": 2, "seed": seed}
        for order, seed in (("pre", 0), ("post", 0), ("post", 1))
    ]
    exec(layer_norm._code(asked), {})
    told = capsys.readouterr().out.splitlines()
    assert [each.split("}")[0] for each in told] == [
        f"{{'order': '{each['order']}', 'seed': {each['seed']}" for each in asked
    ]


def test_a_reader_with_too_many_runs_is_told(dashboard, monkeypatch):
    app = dashboard(PAGE, **QUICK[choices.DISTILLATION], distil_alpha=0.35)
    monkeypatch.setattr(long_work.queue(), "_owner_limit", 0)
    app.app.button(key="start_distillation").click().run()
    app.told("0 of your runs wait or run; wanted at most 0")


def test_the_input_sizes_are_measured_on_demand(dashboard, results, monkeypatch):
    monkeypatch.setattr("vitviz.ui.learn.training.input_size.SIZES", (24, 32, 48))
    app = dashboard(PAGE, training=choices.SIZES, sizes_rows=3, sizes_columns=6).sound()
    assert "changes the vectors by 0." in words(app)
    assert results[-1].arrays()["interpolated"].shape == (3, 6)
    app.app.button(key="start_input_size").click().run()
    assert not app.app.exception
    assert ended(app, choices.SIZES).state == "done"
    app.sound()
    assert app.has("plotly_chart", "sizes_cosine")
    arrays = results[-1].arrays()
    assert arrays["sides"].tolist() == [24, 32, 48]
    assert arrays["cosine_interpolated"][1] == pytest.approx(1)
    assert len(app.table()) == 3


@pytest.mark.parametrize("model", ["tiny:plain", "tiny:registers", "tiny:wide", "tiny:relative"])
def test_the_input_size_of_other_models(dashboard, model):
    app = dashboard(PAGE, training=choices.SIZES, model=model)
    assert not app.app.exception
    refused = "adds no position vectors" in words(app).replace("\\", "")
    assert refused == (model == "tiny:relative")
    if not refused:  # else there is no picture to come to
        app.sound()


def test_the_card_of_the_runs_gives_their_numbers():
    card = (show.TEXT.parent / "labs/TRAINING.md").read_text(encoding="utf-8")
    hunger, taught = shipped_hunger(), shipped_distillation()
    for network in ("vit", "convnet"):
        for mean in hunger.accuracies(network).mean(-1):
            assert f"{mean:.1%}" in card
    for name in ("teacher", "alone", "soft", "hard"):
        found = taught.accuracies(name)
        assert f"{found.mean():.1%} ± {found.std(ddof=1):.1%}" in card


def test_the_shipped_input_sizes_are_those_of_the_shipped_model():
    sizes = shipped_sizes()
    for way in (sizes.interpolated, sizes.truncated):
        assert [max(answer.image_size) for answer in way] == list(SIZES)
        assert [answer.tokens for answer in way] == [1 + (side // 14) ** 2 for side in SIZES]
        assert [answer.cosine == 1 for answer in way] == [answer.native for answer in way]
        assert all(np.isnan(answer.seconds) for answer in way)
    assert json.loads(as_text(sizes)) == json.loads(FILE.read_text(encoding="utf-8"))


def test_the_title_of_the_distillation_says_what_the_intervals_of_the_paired_gains_say():
    shown = shipped_distillation()
    assert shown.seeds >= 5
    low, high = mean_interval(shown.accuracies("soft") - shown.accuracies("alone"))
    assert shown.gain_interval("soft") == pytest.approx((low, high))
    assert ("a gain: ViT, probabilities (Hinton)" in verdict(shown)) == (low > 0)
    alone = shown.accuracies("alone")
    for change, told in ((0.05, "a gain"), (-0.05, "a loss")):
        runs = [replace(run, points=(replace(run.points[-1], accuracy=alone[run.seed] + change),))
                if run.name == "soft" else run for run in shown.runs]  # fmt: skip
        assert f"These runs show {told}: ViT, probabilities (Hinton)" in verdict(replace(shown, runs=tuple(runs)))
    same = [replace(run, points=(replace(run.points[-1], accuracy=alone[run.seed]),)) for run in shown.runs]
    assert verdict(replace(shown, runs=tuple(same))) == "These runs show no gain"
    assert verdict(replace(shown, seeds=1, runs=shown.runs[:4])) == ""


def test_the_search_decided_the_settings_of_the_distillation_and_the_card_holds_all_of_it():
    shown, trials = shipped_distillation(), shipped_search()
    chosen = max(trials, key=lambda trial: np.mean(trial.gains))
    assert (shown.alpha, shown.temperature) == (chosen.alpha, chosen.temperature)
    assert not set(SEEDS) & {run.seed for run in shown.runs}
    card = (show.TEXT.parent / "labs/TRAINING.md").read_text(encoding="utf-8")
    for trial in trials:
        row = " | ".join(f"{100 * gain:+.1f}" for gain in trial.gains)
        assert f"| {trial.alpha:g} | {trial.temperature:g} | {100 * trial.gain:+.1f} | {row} |" in card
    for name in ("soft", "hard"):
        low, high = shown.gain_interval(name)
        assert f"{100 * shown.gains(name).mean():+.1f} | {100 * low:+.1f} to {100 * high:+.1f}" in card


@pytest.mark.parametrize("growing", GROWING)
def test_the_scaling_section_says_the_law_that_its_runs_give(dashboard, results, growing):
    app = dashboard(PAGE, training=choices.SCALING, growing=growing).sound()
    arrays = results[-1].arrays()
    sizes, errors = arrays[f"{growing}_values"], arrays[f"{growing}_errors"]
    exponents = -np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    low, high = mean_interval(exponents)
    told = words(app).replace("−", "-")
    assert f"b = {exponents.mean():.2f}, 95% interval {low:.2f} to {high:.2f}" in told
    assert ("The interval holds zero: these runs" in told) == (low <= 0)
    law = shipped_scaling().law(growing)
    assert f"{growing} | {law.exponent:.2f} | {low:.2f} to {high:.2f}" in (LABS / "TRAINING.md").read_text("utf-8")
    if growing == GROWING[0]:
        scope = {}
        exec(compile(results[-1].code, PAGE, "exec"), scope)
        assert scope["result"].law(growing).exponent == pytest.approx(exponents.mean())
