"""Worksheets: a section's guess, its steps, a few questions; folded on the page, as a sheet to print, and as answers.

``assets/text/en/worksheet-PAGE.md`` has the questions: a heading of level one is the name of a section, each question a
heading of level two, its answer the text below it. Questions and answers use no mathematics and no markup but
*emphasis* and `code`, so that the printed sheet needs no converter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from vitviz.ui.choices.lesson import CLASS, GUESS_FIRST
from vitviz.ui.furniture import guessing, lines, show, worksheet_print
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.furniture.worksheet_print import Question, Sheet
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, kept
from vitviz.ui.words.labels import model_name

Figures = Callable[[], Mapping[str, go.Figure]]
_CHARTS = 2
"""Charts of the section on the teacher's sheet at most."""


@dataclass(frozen=True)
class Place:
    """Where a worksheet belongs."""

    page: str
    section: str
    title: str
    """In the reader's language."""


def questions(page: str, section: str) -> list[Question]:
    """Return the questions of a section's worksheet; raises KeyError for a section that has none."""
    return parse(show.text(f"worksheet-{page}"))[section]


def parse(markdown: str) -> dict[str, list[Question]]:
    """Return the questions of a worksheet's text by section; raises ValueError for a question without an answer."""
    sections = re.split(r"^# +", markdown, flags=re.MULTILINE)[1:]
    sheets = {}
    for section in sections:
        name, _end, text = section.partition("\n")
        parts = re.split(r"^## +", text, flags=re.MULTILINE)[1:]
        sheets[name.strip()] = [Question(*(words.strip() for words in part.partition("\n")[::2])) for part in parts]
    empty = [question.question for sheet in sheets.values() for question in sheet if not question.answer]
    if empty:
        raise ValueError(f"These questions of a worksheet have no answer: {empty}.")
    return sheets


def draw(place: Place, scene: Scene, guidance: Guidance | None, figures: Figures | None) -> None:
    """Draw the worksheet of a section: questions with folded answers, sheets to print, the link for a class.

    In a class nobody gets the answers here: they are on the teacher's sheet. ``figures`` makes the section's figures by
    their titles, for a section that draws no charts; None where there are none, or none yet.
    """
    sheet = sheet_of(place, scene, guidance, figures)
    st.subheader(_("Worksheet"), anchor=False)
    if link.get(CLASS):
        for number, question in enumerate(sheet.questions, start=1):
            st.markdown(f"{number}. {question.question}")
    else:
        st.caption(_("Answer first, then unfold."))
        for number, question in enumerate(sheet.questions, start=1):
            with st.expander(f"{number}. {question.question}"):
                st.markdown(question.answer)
    _buttons(place, sheet)


def sheet_of(place: Place, scene: Scene, guidance: Guidance | None, figures: Figures | None) -> Sheet:
    """Return what stands on the sheets of a section, with the link that opens it at the settings of this moment."""
    return Sheet(
        title=place.title,
        address=link.address(GUESS_FIRST.at(True)),
        photo=scene.vit.picture(scene.original.pixels),
        seen_by=model_name(scene.vit),
        charts=tuple((lines.charts() or (figures() if figures else {})).values())[:_CHARTS],
        guidance=guidance,
        questions=questions(place.page, place.section),
    )


def _buttons(place: Place, sheet: Sheet) -> None:
    sheets = [("worksheet", _("Worksheet to print (HTML)"), worksheet_print.worksheet)]
    if not link.get(CLASS):
        sheets.append(("answers", _("Answers for the teacher (HTML)"), worksheet_print.answers))
    with st.container(horizontal=True):
        for name, label, make in sheets:
            st.download_button(
                label,
                kept(lambda make=make: make(sheet)),
                file_name=f"vitviz-{name}-{place.page}-{place.section}.html",
                mime="text/html",
                key=f"download_{name}",
                on_click="ignore",
                icon=":material/print:",
                disabled=name == "answers" and guessing.waits(),
            )
    if guessing.waits() and not link.get(CLASS):
        st.caption(_("The teacher's sheet has the charts of the answer: it can be saved once the answer is shown."))
    if not link.get(CLASS):
        with st.expander(_("Link for a class"), icon=":material/school:", key="class_link"):
            st.markdown(
                _(
                    "Opens this section with the settings of this moment, guesses first, and without the answers. Your "
                    "own photo does not travel with it."
                )
            )
            st.markdown(f"`{link.address(CLASS.at(True), GUESS_FIRST.at(True))}`")
