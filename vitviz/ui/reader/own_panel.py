"""“Your own model” in the sidebar: upload, what was recognised, and the form for what the file does not tell."""

from __future__ import annotations

import streamlit as st

from vitviz.errors import VitvizError
from vitviz.ui.kept import own_models
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.kept.own_models import Recognised
from vitviz.ui.reader import chosen_model, own_files
from vitviz.ui.reader.own_form import Form
from vitviz.ui.text import _, gap, plain
from vitviz.ui.words.errors import clause, in_dashboard

_OPEN = "own_model_open"


def draw() -> None:
    """Draw the part of the sidebar about own models."""
    shown = chosen_model.draft() or chosen_model.asked()
    if shown.is_own and _OPEN not in st.session_state:
        st.session_state[_OPEN] = True
    if not st.toggle(_("Your own model"), key=_OPEN):
        return
    st.file_uploader(
        _("Weights (safetensors)"),
        type=["safetensors"],
        key=own_files.key(),
        on_change=_take_weights,
        help=_(
            "A checkpoint of a Vision Transformer: timm, Hugging Face, DINO, MAE, CLIP and others. It stays on the "
            "machine that runs vitviz, for this visit alone; the last two are kept. A link does not carry it. At most "
            "{megabytes} MB."
        ).format(megabytes=st.get_option("server.maxUploadSize")),
    )
    if (shown_folder := _folder_told()) is not None:
        st.caption(shown_folder)
    if shown.is_own:
        _draw_model(shown)


def _folder_told() -> str | None:
    try:
        if own_models.folder() is None:
            return None
    except VitvizError as error:
        return plain(in_dashboard(error))
    count = len(own_models.names_in_folder())
    return _("📁 {count} models of the server's folder are in the list above.").format(count=count)


def _take_weights() -> None:
    if name := own_files.take_weights():
        chosen_model.keep_draft(None)
        chosen_model.put(ModelChoice(name))


def _draw_model(choice: ModelChoice) -> None:
    try:
        file, known = chosen_model.recognised(choice)
    except VitvizError as error:
        st.warning(plain(in_dashboard(error)), icon=":material/info:")
        return
    st.markdown(plain(sentence(choice, known)))
    # the names of the widgets hold the model, so that another one begins with its own values
    with st.form(f"own_{file.digest[:12]}_{choice.own}", border=True):
        form = Form(choice, known, file.is_folder, _take)
        form.draw()
        st.form_submit_button(_("Open with these settings"), on_click=form.submit, width="stretch", type="primary")


def _take(choice: ModelChoice) -> None:
    chosen_model.keep_draft(None)
    chosen_model.put(choice)


def sentence(choice: ModelChoice, known: Recognised) -> str:
    """Return in words what a file was recognised as."""
    told = _("{name}. Recognised: {layout}.").format(name=choice.title, layout=clause(known.layout))
    if known.steps:
        told += gap() + _("Done to it: {steps}.").format(steps=_("; ").join(map(clause, known.steps)))
    return told
