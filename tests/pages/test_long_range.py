"""The Long range page: both tasks, every knob at its ends, moves, links that do not fit, files."""

import io
import json
import re

import numpy as np
import pytest

from vitviz.export.arrays import npz_bytes
from vitviz.labs.long_range import counting, moves, results
from vitviz.labs.long_range.contents import BAND, COLUMNS, ROWS, bar, half
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.long_range import board, take_away

PAGE = "long_range"


def open_page(dashboard, **link):
    link = {"task": "counting", **link}
    return dashboard(PAGE, **{f"range_{name}": value for name, value in link.items()})


def right_answer(app):
    sent = app.component("range_picture")
    chosen = str(sent["chosen"])
    return sent["answers"][sent["verdicts"][chosen][chosen][0]]


@pytest.fixture
def taken(monkeypatch):
    """What the page offered to take away, one a run."""
    found = []
    footer = lesson.footer

    def keep(result):
        found.append(result)
        footer(result)

    monkeypatch.setattr(lesson, "footer", keep)
    return found


def test_the_page_answers_at_first_sight(dashboard, taken):
    app = open_page(dashboard).sound()
    for key in ("range_verdicts", "range_curves", "range_matrix", "range_count"):
        assert app.has("plotly_chart", key)
    assert app.component("range_picture")["attention"]
    sent = app.component("range_picture")
    assert [name for name, _colour in sent["networks"]] == ["ViT", "CNN, field 24 px", "CNN, field 120 px"]
    chosen = str(sent["chosen"])
    truth, answers, _shares, able, _words = sent["verdicts"][chosen][chosen]
    assert (sent["answers"][answers[0]], sent["answers"][truth]) == ("2 whole", "2 whole")
    assert able[:2] == [True, False]  # five cells apart: what the small field gets right is luck
    assert taken[-1].settings["answers"]["vit"] == taken[-1].settings["right_answer"] == 2


def test_far_away_the_vit_is_right_and_the_small_field_guesses(dashboard, taken):
    right = {"vit": 0, "limited": 0, "large": 0}
    for seed in range(2):
        for pairs in (0, 3):
            open_page(dashboard, distance=6, pairs=pairs, seed=seed).sound()
            for name, answer in taken[-1].settings["answers"].items():
                right[name] += answer == pairs
    assert right["vit"] >= 3
    assert right["limited"] <= 3


@pytest.mark.parametrize(
    "link",
    [
        {"distance": 1, "pairs": 0, "extra": 0, "beta": 0},
        {"distance": 7, "pairs": 3, "extra": 2, "beta": 12, "query": "class", "head": "1.3"},
        {"task": "occluder", "distance": 1, "match": 0, "extra": 0, "query": "class"},
        {"task": "occluder", "distance": 7, "extra": 2, "head": "0.0", "seed": 999_999},
    ],
    ids=["near", "far", "no band", "widest band"],
)
def test_every_knob_at_its_ends(dashboard, link):
    app = open_page(dashboard, **link).sound()
    assert {f"range_{name}" for name in link if name not in ("beta", "task")} <= set(app.link)


@pytest.mark.parametrize("task", ["counting", "occluder"])
@pytest.mark.parametrize("training", [0, 1, 2])
def test_the_head_that_links_best_is_chosen_for_the_one_who_looks(dashboard, taken, task, training):
    measured = results.results(task)
    for looker in ("object", "class"):
        open_page(dashboard, task=task, query=looker, training=training).sound()
        settings = taken[-1].settings
        assert (settings["layer"], settings["head"]) == measured.best_head(training, looker)


def test_the_class_token_looks_at_both_bars(dashboard):
    summary = (
        open_page(dashboard, task="occluder", query="class").sound().component("range_picture")["labels"]["summary"]
    )
    bar, partner = (float(share) for share in re.findall(r"([\d.]+)%", summary.replace("\xa0", ""))[:2])
    assert min(bar, partner) > 10, summary


def test_dragging_changes_board_link_and_verdict(dashboard):
    app = open_page(dashboard, pairs=1, distance=1).sound()
    before = app.component("range_picture")
    start, end = before["partner"], before["free"][-1]
    layout = counting.sample(1, generator=np.random.default_rng([0, 4]), distance=1, pairs=1, distractors=1)[0]
    after = moves.text_of(moves.moved(layout, start, end))
    promised = before["verdicts"][str(start)][str(end)]
    app.put(range_board=after, range_cell=end).sound()
    assert app.link["range_board"] == after
    sent = app.component("range_picture")
    kept = sent["verdicts"][str(end)][str(end)]
    assert kept[:2] == promised[:2], "what the drag showed is what the networks say of the new picture"
    assert np.allclose(kept[2], promised[2], atol=1e-3)
    assert (sent["chosen"], sent["partner"]) == (end, before["chosen"])
    assert sent["content"] != before["content"]
    app.app.button(key="range_undo").click()
    app.run().sound()
    assert "range_board" not in app.link
    assert app.component("range_picture")["content"] == before["content"]


def test_a_bar_turns_and_the_right_answer_turns_with_it(dashboard):
    app = open_page(dashboard, task="occluder").sound()
    assert right_answer(app) == "match"
    app.app.button(key="range_turn").click()
    app.run().sound()
    assert right_answer(app) == "differ"


def test_the_next_picture_is_another_one(dashboard):
    app = open_page(dashboard).sound()
    before = app.component("range_picture")["content"]
    app.app.button(key="range_next").click()
    app.run().sound()
    assert app.link["range_seed"] == "1"
    assert app.component("range_picture")["content"] != before


def test_a_new_distance_forgets_what_was_moved(dashboard):
    text = "1" + "0" * 30 + "2"
    app = open_page(dashboard, board=text).sound()
    assert app.component("range_picture")["partner"] == 31
    app.app.slider(key="choice_range_distance").set_value(2)
    app.run().sound()
    assert "range_board" not in app.link


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"board": "0" * 32}, "none of ours"),
        ({"distance": 9}, "whole number from 1 to 7"),
        ({"beta": "nan"}, "number from 0 to 12"),
        ({"head": "9.9"}, "no head 9.9"),
        ({"head": "all"}, "wanted best"),
        ({"training": 98}, "no networks of that training"),
        ({"task": "driving"}, "counting"),
    ],
)
def test_a_link_that_does_not_fit_is_told_and_the_page_is_there(dashboard, link, message):
    open_page(dashboard, **link).told(message)


def test_a_board_of_the_other_task_is_left_out(dashboard):
    app = open_page(dashboard, task="occluder", board="1" + "0" * 30 + "2").sound()
    assert "range_board" not in app.link


def test_a_half_without_partner_is_told(dashboard):
    text = moves.text_of(_board({0: half(0, 0), 9: half(3, 1)}))
    app = open_page(dashboard, board=text, cell=0).sound()
    assert "has no partner in the picture" in app.component("range_picture")["labels"]["summary"]
    assert right_answer(app) == "0 whole"


def test_a_move_that_is_not_allowed_is_told_and_nothing_moves(monkeypatch):
    told, put = [], []
    monkeypatch.setattr(board.link, "notice", told.append)
    monkeypatch.setattr(board.link, "put", lambda *settings: put.append(settings))
    layout = _board({8: bar(0), 10: bar(1)})
    layout[:, 1] = BAND
    board.move(layout, 8, 3)
    assert "past the other bar" in told[0]
    assert not put


def test_the_files_hold_what_the_page_shows(dashboard, taken):
    open_page(dashboard, task="occluder", distance=3).sound()
    result = taken[-1]
    arrays = np.load(io.BytesIO(npz_bytes(result.arrays(), {})))
    measured = results.results("occluder")
    assert np.array_equal(arrays["vit_accuracy"], measured.networks["vit"].accuracy)
    assert arrays["attention"].shape[-1] == 1 + ROWS * COLUMNS
    assert json.dumps(lesson.manifest(result))
    assert set(result.figures()) == {"What the networks answered when this was saved", "How far does each network see?"}
    compile(result.code, "snippet", "exec")
    assert moves.text_of(arrays["board"]) in result.code
    assert result.opening().count("<template") == 1  # the board, without the windows of the other task


def test_the_snippet_runs_and_answers_as_the_page(dashboard, taken, capsys):
    open_page(dashboard, distance=4).sound()
    exec(taken[-1].code, {})
    said = capsys.readouterr().out.splitlines()
    for line, (name, answer) in zip(said, taken[-1].settings["answers"].items(), strict=False):
        assert line.startswith(f"{name} {answer} ")


def test_both_tasks_have_a_question_and_next_steps():
    for task in ("counting", "occluder"):
        assert take_away.question(task)[0].endswith("?")
        assert len(take_away.next_steps(task)) >= 3


def _board(cells):
    layout = np.zeros((ROWS, COLUMNS), np.int64)
    for cell, content in cells.items():
        layout.flat[cell] = content
    return layout
