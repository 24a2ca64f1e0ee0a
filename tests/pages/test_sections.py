"""What every section of every lesson keeps to, in both languages: little to read and to turn before the picture."""

import re

import pytest

from tests.pages.dashboard import PICTURES
from tests.ui.furniture.test_lesson import LESSONS

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
    dashboard, choice, section, language
):
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
    figure = app.app.session_state["vitviz_guidance"].figure
    if figure is not None:  # written outside the session, at a click
        assert re.match(r"<(img|svg|div) ", figure())
