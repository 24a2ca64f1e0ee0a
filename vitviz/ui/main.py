"""The frame around every page: navigation, the sidebar with photo and model, the strip on top. Runs at each click."""

from __future__ import annotations

from copy import copy

import streamlit as st

from vitviz.assets import ASSETS
from vitviz.ui.choices.shared import LANGUAGE, PRESENT
from vitviz.ui.furniture import foot, lines, presentation, stage, strip, style
from vitviz.ui.kept.garbage import leave_out_packages
from vitviz.ui.navigation import START, sections
from vitviz.ui.reader import chosen_model, link, models, own_panel, photos, scene
from vitviz.ui.text import LANGUAGES, language, of_locale, plain, speak

ICON = ASSETS / "icon.png"  # a file of our own: Streamlit fetches icons by name from the network

st.set_page_config(page_title="vitviz", page_icon=str(ICON), layout="wide")


def pages() -> dict[str, list[st.Page]]:
    """Return the pages of the navigation by section, a run's own: Streamlit notes in them which may run."""
    return {section: list(map(copy, listed)) for section, listed in _pages(language()).items()}


@st.cache_resource(max_entries=8, show_spinner=False)
def _pages(spoken: str) -> dict[str, list[st.Page]]:
    """Return the pages in a language: each looks for its file, part by part of the path, when it is made."""
    return {
        section: [
            st.Page(entry.path, title=entry.title, icon=entry.icon, default=entry.name == START) for entry in entries
        ]
        for section, entries in sections().items()
    }


def _sidebar_choices() -> tuple[object, ...]:
    return photos.current(), chosen_model.asked()


def _language() -> str:
    """Return the language that the reader chose, or that of their browser."""
    chosen: str = link.get(LANGUAGE)
    return chosen or of_locale(st.context.locale)


def _choose_language() -> None:
    key = "language"
    chosen = link.tie(key, language(), lambda name: link.put(LANGUAGE.at(name)))
    st.selectbox(
        "Language · 语言",
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key=key,
        on_change=chosen,
    )
    style.say_language(language(), _sidebar_choices(), present=link.get(PRESENT))


def frame() -> None:
    """Draw the frame and run the chosen page in it."""
    speak(_language())
    page = st.navigation(pages(), expanded=True)  # else Streamlit folds the last pages away
    st.set_page_config(page_title=f"{page.title} · vitviz")  # names the tab and the browser's history
    name = page.url_path or START
    link.enter(name)
    link.receive()
    if language() != _language():  # the link says another: the names of the pages are drawn already
        st.rerun()
    with st.sidebar:
        photos.choose()
        models.choose()
        own_panel.draw()
        presentation.draw_toggle()
        _choose_language()
    drawn = _sidebar_choices()
    now = scene.current()
    if drawn != _sidebar_choices():  # a photo or model that cannot be had: the sidebar says what is shown instead
        link.publish()
        st.rerun()
    with st.container(key="notices"):  # places that are always kept, as the stage tells
        for text in link.take_notices():
            st.warning(plain(text), icon=":material/info:")
    foot.follow(name)
    presentation.draw_bar()
    strip.draw(now)
    link.publish()
    lines.begin()
    with stage.begin():
        page.run()
    foot.draw(name)
    link.publish()
    leave_out_packages()


frame()
