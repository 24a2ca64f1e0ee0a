"""Worksheets: every section has questions, each with an answer, and its sheets print on at most two pages of A4."""

import re

import numpy as np
import pytest

from tests.pages.dashboard import ROOT
from tests.ui.furniture.test_lesson import LESSONS
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.ui.components.curve_sketch import SketchAxes
from vitviz.ui.furniture import sheet_figures, worksheet, worksheet_print
from vitviz.ui.furniture.guess import CurveGuess, OptionGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.furniture.worksheet_print import Question, Sheet

SHEETS = sorted((ROOT / "assets/text").glob("*/worksheet-*.md"))


def test_a_question_is_a_heading_below_its_section_and_its_answer_what_follows():
    text = "# first\n\n## How many?\n\nTwo,\nor three.\n\n# second\n\n## Why?\nBecause.\n"
    assert worksheet.parse(text) == {
        "first": [Question("How many?", "Two,\nor three.")],
        "second": [Question("Why?", "Because.")],
    }


def test_a_question_without_an_answer_is_refused():
    with pytest.raises(ValueError, match=r"no answer: \['Why\?'\]"):
        worksheet.parse("# one\n\n## Why?\n\n## How?\nSo.\n")


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_section_of_a_lesson_has_questions(path):
    page = path.stem.removeprefix("worksheet-")
    (lesson,) = [package.LESSON for package in LESSONS if package.LESSON.choice.pages == (page,)]
    text = path.read_text(encoding="utf-8")
    sheets = worksheet.parse(text)
    assert set(sheets) == {section.name for section in lesson.sections}
    assert all(sheets.values())
    asked = [question.question for sheet in sheets.values() for question in sheet]
    assert len(set(asked)) == len(asked)
    english = worksheet.parse((ROOT / "assets/text/en" / path.name).read_text(encoding="utf-8"))
    assert {name: len(sheet) for name, sheet in sheets.items()} == {name: len(sheet) for name, sheet in english.items()}
    assert not re.search(r"\$|\]\(|^[-*|] ", text, re.MULTILINE), "mathematics, links, lists"


def sheet(guess, figure=None):
    guidance = Guidance(guess=guess, do="Do < this.", see="See that.", conclude="So it is.", figure=figure)
    asked = [Question("Is 1 < 2?", "*Yes*, `1 < 2`."), Question("b", "c")]
    drawn = [line_chart([Curve("", [0, 1], [0.0, 1.0])], x=Axis("Step"), y=Axis("Nats"))]
    return Sheet("A & B", "http://host/depth?a=1&b=2", np.zeros((8, 8, 3), np.uint8), "model", drawn, guidance, asked)


def test_the_sheet_for_the_class_asks_and_that_for_the_teacher_answers():
    page = sheet(OptionGuess(question="Which?", options=("this, because", "that, because"), right=1))
    printed, answers = worksheet_print.worksheet(page), worksheet_print.answers(page)
    assert "<title>A &amp; B</title>" in printed
    assert "Is 1 &lt; 2?" in printed
    assert "http://host/depth?a=1&amp;b=2" in printed
    assert printed.count('class="box"') == 2
    assert "<td></td>" in printed
    assert "Name: " in printed
    for told in ("<em>Yes</em>, <code>1 &lt; 2</code>.", "See that.", "So it is."):
        assert told not in printed
        assert told in answers
    assert "that, because" in answers
    assert "this, because" not in answers


def test_a_section_shows_its_own_picture_and_the_teacher_its_charts():
    guess = OptionGuess(question="Which?", options=("this", "that"), right=1)
    matrix = {"W < 1": (["a"], ["b", "c"], [[-0.5, 1 / 3]])}
    page = sheet(guess, lambda: sheet_figures.tables(matrix))
    for printed, charts in ((worksheet_print.worksheet(page), 0), (worksheet_print.answers(page), 1)):
        assert "<caption>W &lt; 1</caption>" in printed
        assert "<td>−0.5</td><td>0.333</td>" in printed
        assert 'class="photo"' not in printed
        assert printed.count("data:image/svg+xml") == charts
    assert 'class="photo"' in worksheet_print.worksheet(sheet(guess))
    small = sheet_figures.picture(np.zeros((4, 8, 3), np.uint8), 'the "board"')
    assert 'alt="the &quot;board&quot;"' in small
    assert sheet_figures.blocks().count("<rect") == 8
    assert "<td>197</td>" in sheet_figures.numbers({"L": 197.0})


def test_a_curve_is_guessed_into_an_empty_plot():
    axes = SketchAxes(places=[1, 10, 100], x_title="x", y_title="y", low=0, high=1, log_places=True, percent=True)
    page = worksheet_print.worksheet(sheet(CurveGuess(question="Draw.", axes=axes, truth=[0, 0.5, 1])))
    assert page.count("<svg") == 1
    for words in (">1<", ">10<", ">100<", ">50%<"):
        assert words in page
    assert "polyline" not in page, "the curve is the answer"
