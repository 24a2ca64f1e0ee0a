"""The model that a reader chose: from the link to a loaded model, by name or from a file of their own."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from vitviz.errors import OptionError, VitvizError
from vitviz.models.preprocessing import Preprocessing
from vitviz.models.vit import ViT
from vitviz.ui.kept import cache, own_models
from vitviz.ui.kept.model_choice import FILE, Call, ModelChoice
from vitviz.ui.kept.own_models import OwnFile, Recognised
from vitviz.ui.reader import link, own_files
from vitviz.ui.reader.model_link import SHOWN
from vitviz.ui.text import _
from vitviz.ui.words.errors import clause, in_dashboard

_DRAFT = "vitviz_own_draft"
_MOST_LISTED = 50


def asked() -> ModelChoice:
    """Return the model that the link asks for."""
    return SHOWN.asked()


def put(choice: ModelChoice) -> None:
    """Have the link ask for a model; options of own models are forgotten with the model that they were for."""
    SHOWN.put(choice)


def draft() -> ModelChoice | None:
    """Return the own model that was asked for and could not be loaded, with what was said of it, to be mended."""
    kept: ModelChoice | None = st.session_state.get(_DRAFT)
    return kept


def keep_draft(choice: ModelChoice | None) -> None:
    """Keep an own model that could not be loaded; None forgets it."""
    st.session_state[_DRAFT] = choice


def load(choice: ModelChoice) -> tuple[ViT, ModelChoice]:
    """Return a model, and its choice with what was guessed and what its content is.

    Raises VitvizError with the reason if it cannot be had.
    """
    if not choice.is_own:
        options = {name: value for name, value in choice.chosen.items() if name != "image_size"}
        return cache.load_model(choice.name, choice.weights, choice.size, **options), choice
    whole, file, listed = settled(choice)
    return own_models.load(whole, file, listed), whole


def settled(choice: ModelChoice) -> tuple[ModelChoice, OwnFile, OwnFile | None]:
    """Return an own model's choice with what was guessed, its file and its file of class names.

    Raises VitvizError with the reason if the file is not here, or not known.
    """
    file, known = recognised(choice)
    own = choice.own
    try:
        listed = own_files.names(own.names)
    except VitvizError as error:  # the model can be looked at without its class names
        link.notice(in_dashboard(error))
        listed, own = None, replace(own, names="")
    if file.is_folder:
        own = replace(own, architecture="", heads=0, kind="averaged", activation="", pooling="", trained=None)
    elif not own.architecture:
        own = replace(own, architecture=_guess(choice, known))
    content = file.digest + ("" if listed is None else listed.digest)
    return replace(choice, weights="pretrained", own=own, content=content), file, listed


def recognised(choice: ModelChoice) -> tuple[OwnFile, Recognised]:
    """Return an own model's file and what it is; raises VitvizError with the reason if that is not known."""
    file = own_files.weights(choice.name)
    return file, own_models.recognised(file, choice.own.kind)


def call(choice: ModelChoice) -> Call:
    """Return the call of the library that loads a model again, an own one by the name that its reader knows."""
    if not choice.is_own:
        return choice.call()
    whole, file, _listed = settled(choice)
    return whole.call(whole.title, ModelChoice(whole.own.names).title, file.is_folder)


def preprocessing(choice: ModelChoice) -> Preprocessing | None:
    """Return how pictures are prepared for a model that is shown; None where that is not known."""
    if draft() is not None:
        return None
    try:
        return load(choice)[0].preprocessing
    except VitvizError:  # the scene says why
        return None


def assumptions(choice: ModelChoice, vit: ViT) -> list[str]:
    """Return what was assumed of a model because nothing in it proves it, a clause each."""
    told: list[str] = []
    if choice.is_own:
        known, own = recognised(choice)[1], choice.own
        others = len([name for name in known.architectures if name != own.architecture])
        if own.architecture and not known.declared and others:
            told.append(_("{name}, and {count} more architectures fit").format(name=own.architecture, count=others))
        if known.both_kinds:
            told.append(_("running average of the weights") if own.kind == "averaged" else _("raw weights"))
    return told + [clause(note) for note in vit.notes]


def _guess(choice: ModelChoice, known: Recognised) -> str:
    if not known.guess:
        raise OptionError(
            _(
                "{name} was recognised ({layout}), but none of timm's architectures has its names and shapes. Name the "
                "architecture under “Your own model”."
            ).format(name=choice.title, layout=clause(known.layout))
        )
    return known.guess


def listed() -> list[str]:
    """Return the own models that can be chosen: this reader's uploads, and those of the server's folder."""
    return [*own_files.uploads(), *(f"{FILE}{name}" for name in own_models.names_in_folder()[:_MOST_LISTED])]


def title(name: str) -> str:
    """Return the name of a model as lists show it."""
    choice = ModelChoice(name)
    if not choice.is_own:
        return name
    return f"📁 {choice.title}" if name.startswith(FILE) else f"⬆ {choice.title}"
