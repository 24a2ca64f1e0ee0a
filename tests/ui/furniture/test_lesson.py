"""The frame of a Learn page: formula with symbols, caveat, links, files that hold what was computed."""

from __future__ import annotations

import inspect
import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from vitviz.errors import OptionError
from vitviz.export.arrays import read_npz
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.export import html_of_figures
from vitviz.figures.line_chart import line_chart
from vitviz.ui.furniture import lesson
from vitviz.ui.learn import anatomy, cost, depth, detail, long_range, scratch, training

LESSONS = (anatomy, cost, depth, detail, long_range, scratch, training)


def drawn():
    import numpy

    from tests.ui.furniture.test_lesson import curve
    from vitviz.ui.furniture import lesson

    lesson.question("Why?", "This is seen.")
    lesson.formula("a + b", {"a": "one, in pixels", "b": "two"})
    lesson.caveat("Not the whole truth.")
    lesson.try_next(["Turn the knob."])
    lesson.footer(
        lesson.Result(
            page="start",
            title="Why?",
            settings={"knob": 3},
            code="print(3)\n",
            arrays=lambda: {"values": numpy.arange(3)},
            figures=lambda: {"curve": curve()},
        )
    )


def curve() -> go.Figure:
    return line_chart([Curve("a", [0, 1], [2, 3])], x=Axis("x"), y=Axis("y"))


def test_a_section_has_its_question_formula_caveat_and_files():
    app = AppTest.from_function(drawn).run(timeout=60)
    assert not app.exception
    assert app.header[0].value == "Why?"
    assert app.latex[0].value.strip("$\n ") == "a + b"
    assert any(each.value == "$a$ one, in pixels · $b$ two" for each in app.caption)
    assert app.info[0].value == "Not the whole truth."
    labels = [each.label for each in app.expander]
    assert labels == ["This result in Python", "Share and export"]
    keys = [each.key for each in app.get("download_button")]
    assert keys[:3] == ["download_npz", "download_json", "download_html"]


def test_the_files_hold_the_settings_and_the_numbers():
    result = lesson.Result(
        "start", "Why?", {"knob": 3}, "", lambda: {"values": np.arange(3)}, lambda: {"curve": curve()}
    )
    told = lesson.manifest(result)
    assert told["settings"] == {"knob": 3}
    assert json.dumps(told)
    arrays, kept = read_npz(lesson.npz_bytes(result.arrays(), told))
    assert arrays["values"].tolist() == [0, 1, 2]
    assert kept["page"] == "start"
    page = html_of_figures({"one <": curve(), "two": curve()}, "Why?", manifest=told)
    assert page.count("<h2>") == 2
    assert "one &lt;" in page
    assert 4e6 < len(page) < 6e6  # Plotly once


def test_a_page_without_figures_is_refused():
    with pytest.raises(OptionError, match="no figure to write"):
        html_of_figures({}, "Why?")


@pytest.mark.parametrize("package", LESSONS, ids=lambda package: package.__name__.rpartition(".")[2])
def test_a_lesson_has_a_section_for_every_value_of_its_choice(package) -> None:
    made = package.LESSON
    for section in made.sections:
        assert made.choice.read(section.name) == section.name
        assert section.title
        assert [*inspect.signature(section.draw).parameters] in (["scene"], ["_scene"])
    with pytest.raises(OptionError) as wrong:
        made.choice.read("\0")
    assert {section.name for section in made.sections} == set(re.findall(r"'(\w+)'", str(wrong.value)))


@pytest.mark.parametrize("package", LESSONS, ids=lambda package: package.__name__.rpartition(".")[2])
def test_the_caveat_comes_last_in_every_section(package) -> None:
    for module in {inspect.getmodule(section.draw) for section in package.LESSON.sections}:
        code = inspect.getsource(module)
        places = [code.find(f"lesson.{part}(") for part in ("formula", "try_next", "caveat")]
        assert places[1] < places[2], module.__name__
