"""Worksheets: five questions a page, each with an answer, and a sheet to print that shows texts as they stand."""

import re

import pytest

from tests.pages.dashboard import ROOT
from vitviz.ui.furniture import worksheet
from vitviz.ui.navigation import entries

SHEETS = sorted((ROOT / "assets/text").glob("*/worksheet-*.md"))


def test_a_question_is_a_heading_and_its_answer_what_follows():
    found = worksheet.parse("# Title\n\n## How many?\n\nTwo,\nor three.\n\n## Why?\nBecause.\n")
    assert found == [worksheet.Question("How many?", "Two,\nor three."), worksheet.Question("Why?", "Because.")]


def test_a_question_without_an_answer_is_refused():
    with pytest.raises(ValueError, match=r"no answer: \['Why\?'\]"):
        worksheet.parse("## Why?\n\n## How?\nSo.\n")


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_worksheet_has_five_questions_of_a_page_that_exists(path):
    page = path.stem.removeprefix("worksheet-")
    assert page in {entry.name for entry in entries()}
    text = path.read_text(encoding="utf-8")
    found = worksheet.parse(text)
    assert len(found) in worksheet.QUESTIONS
    assert len({each.question for each in found}) == len(found)
    assert not re.search(r"\$|\]\(|^[-*|] ", text, re.MULTILINE), "mathematics, links, lists"


def test_the_sheet_to_print_escapes_texts_and_keeps_the_answers_for_the_end():
    sheet = worksheet.printed(
        "A & B", [worksheet.Question("Is 1 < 2?", "*Yes*, `1 < 2`."), worksheet.Question("b", "c")]
    )
    assert "<title>A &amp; B</title>" in sheet
    assert "<em>Yes</em>, <code>1 &lt; 2</code>." in sheet
    assert sheet.index("Is 1 &lt; 2?") < sheet.index("<em>Yes</em>")
    assert sheet.index('class="answers"') < sheet.index("<em>Yes</em>")
