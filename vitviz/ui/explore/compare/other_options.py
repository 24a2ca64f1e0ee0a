"""What the model of B is loaded with: as A is, or options of its own, in the link like those of A."""

from __future__ import annotations

import streamlit as st

from vitviz.errors import VitvizError
from vitviz.ui.choices.compare import AGAINST, OTHER_ANSWERS, OTHER_MODEL, OTHER_OPTIONS, OTHER_PRECISION, OTHER_SIZE
from vitviz.ui.choices.shared import read_size
from vitviz.ui.explore.compare.sides import other_model
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import chosen_model, how_loaded, link, own_panel
from vitviz.ui.reader.model_link import BESIDE
from vitviz.ui.reader.own_form import Form
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard


def forget() -> None:
    """Take a newly chosen model of B: options of another one need not fit it."""
    BESIDE.put(ModelChoice(st.session_state[f"choice_{OTHER_MODEL.name}"]))
    link.put(OTHER_OPTIONS.at("like_a"))


def _taken(now: Scene) -> None:
    """Take whose options B has; its own begin as what it was loaded with."""
    wanted = st.session_state[f"choice_{OTHER_OPTIONS.name}"]
    if wanted == "own":
        try:
            BESIDE.put(other_model(now))
        except VitvizError:  # a file that is not known: the sides say why
            forget()
    link.put(OTHER_OPTIONS.at(wanted))


def choose(now: Scene) -> None:
    """Draw whose options B has."""
    names = {"like_a": _("as A's"), "own": _("its own")}
    st.segmented_control(
        _("Options of B"),
        list(names),
        format_func=names.__getitem__,
        required=True,
        help=_(
            "Heads, class names, size, precision, preparation of pictures: as A's where they fit, or its own, for a "
            "checkpoint that differs in them."
        ),
        **{**link.widget(OTHER_OPTIONS), "on_change": _taken, "args": (now,)},
    )


def draw(now: Scene, *, opened: bool) -> None:
    """Draw options of B's own above the maps: folded away where B was ``opened`` with some of them, else open."""
    if link.get(AGAINST) != "model" or link.get(OTHER_OPTIONS) != "own":
        return
    choice = other_model(now)
    untouched = choice == ModelChoice(choice.name, choice.weights)
    with st.expander(_("B's own options"), icon=":material/tune:", expanded=untouched or not opened):
        if choice.is_own:
            _draw_own(choice)
        else:
            _draw_named()


def _draw_named() -> None:
    size, precision, answers = st.columns(3, gap="medium")
    with size:
        st.text_input(
            _("Input: height × width in pixels"),
            placeholder=_("the model's own"),
            **{**link.widget(OTHER_SIZE), "on_change": _resized},
        )
    with precision:
        how_loaded.precision(**link.widget(OTHER_PRECISION))
    with answers:
        how_loaded.answers(**link.widget(OTHER_ANSWERS))


def _draw_own(choice: ModelChoice) -> None:
    try:
        file, known = chosen_model.recognised(choice)
    except VitvizError:  # the sides say why
        return
    st.markdown(plain(own_panel.sentence(choice, known)))
    with st.form(f"other_{file.digest[:12]}_{choice.own}", border=False):
        form = Form(choice, known, file.is_folder, BESIDE.put, "b_")
        form.draw()
        st.form_submit_button(_("Open with these settings"), on_click=form.submit, type="primary")


def _resized() -> None:
    try:
        link.put(OTHER_SIZE.at(read_size(st.session_state[f"choice_{OTHER_SIZE.name}"] or "")))
    except VitvizError as error:
        link.notice(in_dashboard(error))
