"""The frame of a Learn page: its experiments, one at a time, each from its question to what can be taken away.

A lesson is data, drawn by ``draw``. A section calls, in this order: ``question``, at most two knobs (others in
``more``), ``guessing.guided``, its pictures, ``formula``, ``try_next`` and, last, ``caveat``. Where ``guided`` says
that the answer must wait for the reader's guess, it returns None at once. The lesson adds the choice of the
experiment, worksheet, code and files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from vitviz.export.arrays import npz_bytes
from vitviz.export.json_text import json_text
from vitviz.export.manifest import versions
from vitviz.figures.export import html_of_figures
from vitviz.ui.choices.choice import Choice
from vitviz.ui.furniture import course, guessing, lines, print_size, show, stage, worksheet
from vitviz.ui.navigation import entry
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene, current
from vitviz.ui.text import _, language
from vitviz.ui.words.labels import figure_words


@dataclass(frozen=True)
class Result:
    """What a Learn page computed, to take away."""

    page: str
    """The page, by its file's name."""
    title: str
    """Of the figures in the file that works offline."""
    settings: Mapping[str, Any]
    """The knobs, as plain values that JSON has words for."""
    code: str
    """Python that computes the same result."""
    arrays: Callable[[], Mapping[str, NDArray[Any]]]
    """The numbers behind the figures."""
    figures: Callable[[], Mapping[str, go.Figure]]
    """The figures by their titles."""
    opening: Callable[[], str] = lambda: ""  # noqa: E731
    """HTML that stands before the figures in the file that works offline."""


@dataclass(frozen=True)
class Section:
    """One experiment of a lesson."""

    name: str
    """The value of the lesson's choice."""
    title: str
    """On its button, marked by ``N_``."""
    draw: Callable[[Scene], Result | None]
    """Draws it from its question to its caveat; returns what it computed, None where the answer waits for a guess or
    the model has no part."""


@dataclass(frozen=True)
class Lesson:
    """The experiments of a Learn page."""

    choice: Choice[str]
    """The choice of the page's link whose values are the names of the sections."""
    sections: tuple[Section, ...]


def draw(lesson: Lesson) -> None:
    """Draw a Learn page: the choice of the experiment and of guesses, the experiment, its foot."""
    sections = {section.name: section for section in lesson.sections}
    guessing.enter(lesson.choice.pages[0], link.get(lesson.choice))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.segmented_control(
            _("Experiment"),
            list(sections),
            format_func=lambda name: _(sections[name].title),
            required=True,
            label_visibility="collapsed",
            **link.widget(lesson.choice),
        )
        guessing.switch()
    page, section, scene = lesson.choice.pages[0], sections[link.get(lesson.choice)], current()
    result = section.draw(scene)
    title = f"{entry(page).title} · {_(section.title)}"
    place, figures = worksheet.Place(page, section.name, title), None if result is None else result.figures
    with stage.below():
        worksheet.draw(place, scene, guessing.current(), figures)
        if result is not None:
            footer(result)
        course.foot(page)


def question(title: str, sentence: str) -> None:
    """Draw the question of an experiment and the one sentence that says what is seen."""
    show.heading(title, sentence)


def formula(latex: str | Sequence[str], symbols: Mapping[str, str]) -> None:
    """Draw a formula, or several, and below what each symbol means (LaTeX → words with the unit).

    On a phone a line breaks at a wide space, and what is too long still after a relation or a sum's sign: so these may
    not be in a group.
    """
    with st.container(key="formula", gap=None):
        for line in [latex] if isinstance(latex, str) else latex:
            with st.container(horizontal=True, horizontal_alignment="center", gap="large"):
                for part in line.split(r"\qquad"):
                    st.latex(part.strip(), width="content")
    st.caption(" · ".join(f"${symbol}$ {meaning}" for symbol, meaning in symbols.items()))


def words(text: str) -> str:
    """Return words for a formula, in LaTeX."""
    return rf"\text{{{text}}}"


def more() -> DeltaGenerator:
    """Return the box for the knobs beyond the first two, folded away."""
    return st.expander(_("More settings"), icon=":material/tune:", key="more")


def caveat(text: str) -> None:
    """Draw where the simple story is not the whole truth."""
    st.info(text, icon=":material/balance:")


def try_next(steps: Sequence[str | tuple[str, str, Mapping[str, str]]]) -> None:
    """Draw what to try next: sentences, and links as (label, page, choices of its link)."""
    st.subheader(_("What to try next"), anchor=False)
    for step in steps:
        if isinstance(step, str):
            st.markdown(f"- {step}")
        else:
            label, page, choices = step
            st.page_link(entry(page).path, label=label, icon=":material/arrow_forward:", query_params=dict(choices))


def footer(result: Result) -> None:
    """Draw the foot of a Learn page: code and files."""
    with st.expander(_("This result in Python"), icon=":material/code:", key="snippet"):
        st.code(result.code, language="python")
    with st.expander(_("Share and export"), icon=":material/download:", key="export"):
        st.caption(_("The link in the address bar reproduces this view."))
        _downloads(result)


def manifest(result: Result) -> dict[str, Any]:
    """Return what a result was made of, as plain values."""
    return {"vitviz_manifest": 1, "page": result.page, "versions": versions(), "settings": dict(result.settings)}


def _downloads(result: Result) -> None:
    told, size = manifest(result), print_size.choose()
    files: list[show.File] = [
        ("npz", _("Arrays (NumPy npz)"), "application/zip", lambda: npz_bytes(result.arrays(), told)),
        ("json", _("Settings (JSON manifest)"), "application/json", lambda: json_text(told)),
        (
            "html",
            _("Figures that work offline (HTML)"),
            "text/html",
            lambda: html_of_figures(
                result.figures(),
                result.title,
                manifest=told,
                language=language(),
                words=figure_words(),
                opening=result.opening(),
            ),
        ),
    ]
    show.download_row(f"vitviz-{result.page}", files)
    lines.take_away(size, name=f"vitviz-{result.page}", description=json_text(told), copy=True)
