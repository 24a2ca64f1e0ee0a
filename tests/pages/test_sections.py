"""What every section of every lesson keeps to, in both languages: little to read and to turn before the picture."""

import re

import pytest

from tests.pages.dashboard import PICTURES, SINGLE
from tests.ui.furniture.test_lesson import LESSONS
from vitviz.ui.furniture import worksheet

MOST_WORDS, MOST_CHARACTERS, MOST_KNOBS = 250, 420, 2
SECTIONS = [(package.LESSON.choice, section.name) for package in LESSONS for section in package.LESSON.sections]
KNOBS = ("slider", "select_slider", "segmented_control", "selectbox", "multiselect", "number_input", "toggle", "radio",
         "checkbox", "text_input", "button_group", "color_picker", "text_area")  # fmt: skip


def parts(block):
    """The elements of a page in their order, without what is folded away."""
    for child in block.children.values():
        if child.type in ("expander", "popover"):
            continue
        if hasattr(child, "children"):
            yield from parts(child)
        else:
            yield child


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("choice", "section"), SECTIONS, ids=lambda value: getattr(value, "name", value))
def test_a_section_has_little_before_its_picture_two_knobs_open_and_its_caveat_last(
    dashboard, monkeypatch, choice, section, language
):
    sheets, sheet_of = [], worksheet.sheet_of
    monkeypatch.setattr(worksheet, "sheet_of", lambda *given: (sheets.append(sheet_of(*given)), sheets[-1])[1])
    app = dashboard(choice.pages[0], **{choice.name: section, "language": language, "example": "koala"}).sound()
    shown = list(parts(app.app.main))
    start = next(place for place, part in enumerate(shown) if part.type == "header")
    end = next(place for place, part in enumerate(shown) if place > start and part.type in PICTURES)
    text = " ".join(
        part.value for part in shown[start:end] if part.type in ("header", "subheader", "markdown", "caption")
    )
    if language == "en":
        assert len(text.split()) <= MOST_WORDS
    else:
        assert len(re.sub(r"\s", "", text)) <= MOST_CHARACTERS
        formulas = " ".join(part.value for part in shown if part.type == "latex")
        assert not re.search(r"\\text\{(?!Post-LN)[^}]*[a-z]{3}", formulas)  # their words are translated too
    knobs = [part.label for part in shown[start:end] if part.type in KNOBS]
    assert len(knobs) <= MOST_KNOBS, knobs
    caveats = [place for place, part in enumerate(shown) if part.type == "info" and "balance" in part.proto.icon]
    assert caveats
    assert shown[caveats[-1] + 1].type == "subheader"  # the worksheet
    if section != "input_size":  # its charts are measured ahead for the default model alone
        assert sheets[-1].charts, "the teacher's sheet has the charts of the answer"
    figure = app.app.session_state["vitviz_guidance"].figure
    if figure is not None:  # written outside the session, at a click
        assert re.match(r"<(img|svg|div) ", figure())


COUNTED = (
    "tokens|layers|heads|patches|blocks|regions|halves|pixels|steps|runs|seeds|objects|channels|units|keys|nodes|digits"
    "|numbers|networks|windows"
)
ODD = re.compile(
    r"\bnan\b|\bNone\b(?! mixes)|(?<![\w.,+])[-−]0([.,]0+)?(?![\d.,]*[1-9])(?![\w–])|"
    rf"(?<![\w.,])(?<!× )1 (more )?({COUNTED})\b"
    r"|\de[+-]?\d|= 0\.0+( |$)"
)
"""No number, a nought below 0, one of many, a power of ten as computers write it, a nought that is none."""
WORDED = {"tau": ("0", "inf"), "factor": ("0.125", "8"), "norm_rate": (1e-4, 0.05)}
"""Both ends of sliders over words, by their choice."""


@pytest.mark.parametrize(("choice", "section"), SECTIONS, ids=lambda value: getattr(value, "name", value))
def test_with_every_knob_at_an_end_a_section_writes_numbers_as_people_do(dashboard, choice, section):
    """At the low ends with the smallest model there is."""
    app = dashboard(choice.pages[0], **{choice.name: section, "example": "koala", "model": SINGLE})
    for end, model in ((0, SINGLE), (-1, "tiny:class")):
        worded = {name: ends[end] for name, ends in WORDED.items() if name in app.choices}
        app.app.session_state["vitviz_choices"] = {**app.choices, "model": model, **worded}
        for kind in ("slider", "number_input"):
            for knob in app.app.main.get(kind):
                if str(knob.key).startswith("choice_"):
                    knob.set_value((knob.min, knob.max)[end])
        app.run()
        assert not app.app.exception, app.app.exception[0].stack_trace
        odd = {text: match.group() for text in app.texts if (match := ODD.search(text))}
        assert not odd, odd
