"""Worksheets: a few questions a page with their answers folded away, on the page and as a sheet to print.

A worksheet is ``assets/text/en/worksheet-PAGE.md``: each question is a heading of level two, its answer the text below
it. Questions and answers use no mathematics and no markup but *emphasis* and `code`, so that the printed sheet needs
no converter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

import streamlit as st

from vitviz.html_page import html_page
from vitviz.ui.furniture import show
from vitviz.ui.text import _, kept, language

QUESTIONS = range(5, 11)
"""How many a page has."""
_STYLE = """
body { margin: 2rem auto; max-width: 44rem; font: 12pt/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 16pt; } h2 { font-size: 13pt; } li { margin-bottom: .6rem; break-inside: avoid; }
.room { height: 6.5rem; border-bottom: 1px solid #999; } .answers { break-before: page; }
"""


@dataclass(frozen=True)
class Question:
    """One question and its answer."""

    question: str
    answer: str


def questions(page: str) -> list[Question]:
    """Return the questions of a page's worksheet."""
    return parse(show.text(f"worksheet-{page}"))


def parse(markdown: str) -> list[Question]:
    """Return the questions of a worksheet's text; raises ValueError for a question without an answer."""
    parts = re.split(r"^## +", markdown, flags=re.MULTILINE)[1:]
    sheet = [Question(*(text.strip() for text in part.partition("\n")[::2])) for part in parts]
    empty = [question.question for question in sheet if not question.answer]
    if empty:
        raise ValueError(f"These questions of a worksheet have no answer: {empty}.")
    return sheet


def draw(page: str, title: str) -> None:
    """Draw the worksheet of a page: every question unfolds its answer; a button gives the sheet to print."""
    sheet = questions(page)
    st.subheader(_("Worksheet"), anchor=False)
    st.caption(_("Answer first, then unfold."))
    for number, question in enumerate(sheet, start=1):
        with st.expander(f"{number}. {question.question}"):
            st.markdown(question.answer)
    st.download_button(
        _("Worksheet to print (HTML)"),
        kept(lambda: printed(title, sheet)),
        file_name=f"vitviz-worksheet-{page}.html",
        mime="text/html",
        key="download_worksheet",
        on_click="ignore",
        icon=":material/print:",
    )


def printed(title: str, sheet: list[Question]) -> str:
    """Return a worksheet as a page to print: questions with room to write, the answers on a page of their own."""
    asked = "".join(f'<li>{_plain(question.question)}<div class="room"></div></li>' for question in sheet)
    told = "".join(f"<li>{_plain(question.answer)}</li>" for question in sheet)
    heading, answers = escape(title), escape(_("Answers"))
    body = f'<h1>{heading}</h1><ol>{asked}</ol><section class="answers"><h2>{answers}</h2><ol>{told}</ol></section>'
    return html_page(title, body, style=_STYLE, language=language())


def _plain(text: str) -> str:
    """Return a text as HTML: emphasis and code kept, everything else as it stands."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    text = re.sub(r"\*{1,2}([^*]+)\*{1,2}", r"<em>\1</em>", text)
    return text.replace("\n\n", "<br><br>").replace("\n", " ")  # a line's end is only where the file wraps
