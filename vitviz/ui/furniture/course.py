"""The course: seven lessons of about ten minutes, one after the other, with what is done kept in the link."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vitviz.ui.choices.lesson import COURSE, GUESS_FIRST, PAGES, done_of, done_text
from vitviz.ui.navigation import Entry, entry
from vitviz.ui.reader import link
from vitviz.ui.text import _


def foot(page: str) -> None:
    """Draw the foot of a lesson: where it stands in the course, whether it is done, the lessons before and after."""
    place = PAGES.index(page)
    done = done_of(link.get(COURSE))
    st.divider()
    with st.container(key="course"):
        st.progress(
            len(done) / len(PAGES),
            text=_("Lesson {number} of {count}, about ten minutes each · {done} done").format(
                number=place + 1, count=len(PAGES), done=len(done)
            ),
        )
        before, middle, after = st.columns([2, 3, 2], vertical_alignment="center")
        if place:
            with before:
                _to(entry(PAGES[place - 1]), icon=":material/arrow_back:")
        with middle:
            key = "course_done"
            mark = link.tie(key, page in done, partial(_mark, page))
            st.checkbox(_("I have done this lesson"), key=key, on_change=mark)
        if place + 1 < len(PAGES):
            with after:
                _to(entry(PAGES[place + 1]), icon=":material/arrow_forward:")


def begin() -> None:
    """Draw the way into the course, for the page that opens first."""
    done = done_of(link.get(COURSE))
    following = next((page for page in PAGES if page not in done), PAGES[0])
    with st.expander(_("A course of seven lessons"), icon=":material/school:", key="course_begin"):
        st.markdown(
            _("About ten minutes each, one after the other; you guess first. Done so far: {done} of {count}.").format(
                done=len(done), count=len(PAGES)
            )
        )
        _to(entry(following), icon=":material/play_arrow:", guess=True)


def _to(lesson: Entry, *, icon: str, guess: bool = False) -> None:
    """Draw the link to a lesson; it carries what is done, and turns guesses on where ``guess``."""
    choices = {COURSE.name: link.get(COURSE)} if link.get(COURSE) else {}
    if guess or link.get(GUESS_FIRST):
        choices[GUESS_FIRST.name] = "1"
    st.page_link(lesson.path, label=lesson.title, icon=icon, query_params=choices)


def _mark(page: str, is_done: bool) -> None:
    done = set(done_of(link.get(COURSE)))
    done = done | {page} if is_done else done - {page}
    link.put(COURSE.at(done_text(tuple(done))))
