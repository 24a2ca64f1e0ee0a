"""The library's errors in the words of the dashboard, without advice that only Python or the terminal can follow."""

from __future__ import annotations

from vitviz.errors import VitvizError
from vitviz.ui.text import _


def in_dashboard(error: VitvizError) -> str:
    """Return the message of an error for somebody who has the sidebar: it takes no files of weights, for one."""
    return error.worded({"weights='random'": _("random weights")}.get, _)
