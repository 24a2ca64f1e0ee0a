"""The library's errors in the words of the dashboard, without advice that only Python or the terminal can follow."""

from __future__ import annotations

from vitviz.errors import VitvizError
from vitviz.ui.text import _


def in_dashboard(error: VitvizError) -> str:
    """Return the message of an error for somebody who has the sidebar, with its fields in place of arguments."""
    return error.worded(_named, _)


def _named(argument: str) -> str | None:
    """Return what an argument of Python's is called in the sidebar, or None if it has nothing of the kind."""
    if argument == "weights='random'":
        return _("random weights")
    field = {
        "trained_size": _("Trained for height × width"),
        "head_activation": _("Between the classifier's layers"),
        "weights_kind": _("Which weights"),
    }.get(argument.partition("=")[0])
    return None if field is None else _("“{field}”").format(field=field)
