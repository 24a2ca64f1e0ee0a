"""The reader's uploads of weights and class names: of this session alone, a few, gone with it."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from vitviz.errors import OptionError, VitvizError
from vitviz.models.model_folder import NAMES
from vitviz.ui.kept import own_models
from vitviz.ui.kept.model_choice import FILE, IMAGENET, UPLOAD
from vitviz.ui.kept.own_models import OwnFile
from vitviz.ui.reader import link
from vitviz.ui.text import _
from vitviz.ui.words.errors import in_dashboard

_WEIGHTS, _NAMES = "vitviz_own_weights", "vitviz_own_names"
_ROUND = "vitviz_upload_round"
MOST = 2
"""Most uploads of weights that a session keeps: two, to compare before and after."""


def _all(kind: str) -> dict[str, OwnFile]:
    kept: dict[str, OwnFile] = st.session_state.setdefault(kind, {})
    return kept


def uploads() -> list[str]:
    """Return the names of the uploaded models, as choices have them, oldest first."""
    return [f"{UPLOAD}{name}" for name in _all(_WEIGHTS)]


def key() -> str:
    """Return the key of the uploader: another one after each upload, so that Streamlit keeps no second copy."""
    return f"upload_weights_{st.session_state.get(_ROUND, 0)}"


def take_weights() -> str:
    """Keep what was uploaded and return its name as a choice; what is no safetensors file is told, and gives ""."""
    file: Any = st.session_state.get(key())
    if file is None:
        return ""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    name, kept = _plain_name(file.name), _all(_WEIGHTS)
    kept.pop(name, None)
    while len(kept) >= MOST:
        kept.pop(next(iter(kept)))
    try:
        kept[name] = own_models.uploaded(name, bytes(file.getvalue()))
    except VitvizError as error:
        link.notice(in_dashboard(error))
        return ""
    return f"{UPLOAD}{name}"


def take_names(file: Any) -> str:
    """Keep an uploaded file of class names, in place of another one, and return its name as a choice; "" for none."""
    if file is None:
        return ""
    data, name = bytes(file.getvalue()), _plain_name(file.name)
    st.session_state[_NAMES] = {name: OwnFile(name, hashlib.sha256(data).hexdigest(), data=data)}
    return f"{UPLOAD}{name}"


def listed_names(model: str) -> list[str]:
    """Return the files of class names that a model may take, as choices have them: the upload, those beside it."""
    listed = [f"{UPLOAD}{name}" for name in _all(_NAMES)]
    shown = own_models.folder() if model.startswith(FILE) else None
    return listed + (
        [] if shown is None else [f"{FILE}{name}" for name in shown.names_beside(model.removeprefix(FILE))]
    )


def _plain_name(name: str) -> str:
    return "".join(letter for letter in str(name) if letter.isprintable() and letter not in "/\\")[-100:] or "file"


def weights(name: str) -> OwnFile:
    """Return the file of an own model's name; raises VitvizError with the reason where it is not here."""
    if name.startswith(FILE):
        return own_models.in_folder(name.removeprefix(FILE))
    file = _all(_WEIGHTS).get(name.removeprefix(UPLOAD))
    if file is None:
        raise OptionError(
            _(
                "The link shows somebody's own model, {name}, and a link does not carry an upload. Ask the sender for "
                "the file and upload it under “Your own model”."
            ).format(name=name.removeprefix(UPLOAD))
        )
    return file


def names(name: str) -> OwnFile | None:
    """Return the file of class names that a choice names, or None where it names none; raises as ``weights``."""
    if name in ("", IMAGENET):
        return None
    if name.startswith(FILE):
        return own_models.names_in(name.removeprefix(FILE))
    file = _all(_NAMES).get(name.removeprefix(UPLOAD))
    if file is None:
        raise OptionError(
            _(
                "The uploaded class names {name} are not here: a link does not carry an upload. Upload them again."
            ).format(name=name.removeprefix(UPLOAD))
        )
    return file


SUFFIXES = [suffix.removeprefix(".") for suffix in NAMES]
