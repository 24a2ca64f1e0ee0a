"""The sheet for a class, printed by Chromium: at most two pages of A4, with the longest questions of each language."""

import re
from functools import partial

import numpy as np
import pytest

from tests.pages.dashboard import ROOT
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.ui.components.curve_sketch import SketchAxes
from vitviz.ui.furniture import sheet_figures, worksheet, worksheet_print
from vitviz.ui.furniture.guess import CurveGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.furniture.worksheet_print import Sheet

LONG = "A sentence of about the length that the guesses of the lessons have, with a number or two: 24 and 0.15. "
CHART = line_chart([Curve("loss", [0, 1], [2.0, 1.0])], x=Axis("Step"), y=Axis("Nats"))
AXES = SketchAxes(places=[8, 16, 24, 32], x_title="Distance (pixels)", y_title="Accuracy", low=0, high=1, percent=True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_longest_sheets_fit_on_two_pages(new_page, language):
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "assets/text" / language).glob("worksheet-*.md")]
    sheets = [questions for text in texts for questions in worksheet.parse(text).values()]
    longest = sorted(sheets, key=lambda questions: sum(len(each.question) for each in questions))[-3:]
    guess = CurveGuess(question=2 * LONG, axes=AXES, truth=[1, 1, 0.5, 0.5])
    names = [str(number) for number in range(1, 6)]
    matrices = {symbol: (names, names[:4], np.zeros((5, 4))) for symbol in ("X", "W_Q", "W_K", "W_V", "W_O")}
    figure = partial(sheet_figures.tables, matrices)
    guidance = Guidance(guess=guess, do=LONG, see=LONG, conclude=LONG, figure=figure)
    page = new_page()
    for questions in longest:
        address = "http://127.0.0.1:8501/attention_from_scratch?" + 30 * "name=value&"
        photo = np.zeros((224, 224, 3), np.uint8)
        sheet = Sheet("Lesson · Section", address, photo, "default", [CHART, CHART], guidance, questions)
        for printed in (worksheet_print.worksheet(sheet), worksheet_print.answers(sheet)):
            page.set_content(printed)
            file = page.pdf(prefer_css_page_size=True)
            assert 1 <= len(re.findall(rb"/Type\s*/Page\b", file)) <= 2
