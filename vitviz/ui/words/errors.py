"""The library's errors in the words of the dashboard, without advice that only Python or the terminal can follow."""

from __future__ import annotations

import re

from vitviz.clause import worded
from vitviz.errors import VitvizError
from vitviz.ui.text import _

_NEAR = re.compile(r" Did you mean (.*)\?")
"""What ``vitviz.errors.suggest`` returns: it reaches an error as one of its values."""
_ROW = re.compile(r"\{part0\}(?:; \{part\d+\})+")
"""What ``vitviz.clause.listed`` makes of several clauses."""


def in_dashboard(error: VitvizError) -> str:
    """Return the message of an error for somebody who has the sidebar, with its fields in place of arguments."""
    return error.worded(_named, _said)


def reason(error: ValueError) -> str:
    """Return the message of any error for the dashboard: one of ours in the reader's language."""
    return in_dashboard(error) if isinstance(error, VitvizError) else f"{error}"


def clause(text: str) -> str:
    """Return what the library says of a file or a model, a clause or a note, in the reader's language."""
    said: str = worded(text, _said)
    return said


def _said(text: str) -> str:
    """Return a text of the library in the reader's language; suggested names stay as they are."""
    if _ROW.fullmatch(text):
        return text.replace("; ", _("; "))
    near = _NEAR.fullmatch(text)
    if near is None:
        return _(text)
    return " " + _("Did you mean {near}?").format(near=_(" or ").join(near[1].split(" or ")))


def _named(argument: str) -> str | None:
    """Return what an argument of Python's is called in the sidebar, or None if it has nothing of the kind."""
    if argument == "weights='random'":
        return _("random weights")
    field = {
        "image_size": _("Input size in pixels"),
        "precision": _("Precision"),
        "trained_size": _("Trained for height × width"),
        "head_activation": _("Between the classifier's layers"),
        "weights_kind": _("Which weights"),
    }.get(argument.partition("=")[0])
    return None if field is None else _("“{field}”").format(field=field)
