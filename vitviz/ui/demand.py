"""Work that takes seconds, done when the reader asks for it: a button, then progress with a stop, then the result."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.analysis.scoring import Progress
from vitviz.errors import VitvizError
from vitviz.ui import shelf
from vitviz.ui.scene import plain
from vitviz.ui.text import _

_WANTED, _FAILED = "vitviz_wanted", "vitviz_failed"


def result(key: Hashable) -> Any:
    """Return what was computed under a key, for this reader or another, or None."""
    return shelf.evidence().get(key)


def ask(name: str, key: Hashable, label: str) -> DeltaGenerator | None:
    """Draw the button or, once it was pressed, the progress and a stop button; return where progress is shown.

    ``name`` is that of the widgets. Nothing is drawn where the result is there; why there can be none is told.
    """
    if result(key) is not None:
        return None
    reason = st.session_state.get(_FAILED, {}).get(key)
    if reason is not None:
        st.warning(plain(reason), icon=":material/block:")
        return None
    wanted: set[Hashable] = st.session_state.setdefault(_WANTED, set())
    if key not in wanted:
        icon = ":material/play_arrow:"
        st.button(label, icon=icon, key=f"ask_{name}", on_click=wanted.add, args=(key,))
        return None
    bar = st.progress(0.0, _("Starting …"))
    icon = ":material/stop_circle:"
    st.button(_("Stop"), icon=icon, key=f"stop_{name}", on_click=wanted.discard, args=(key,))
    return bar


def finish(key: Hashable, bar: DeltaGenerator | None, compute: Callable[[Progress], Any]) -> None:
    """Compute what was asked for, keep it and draw the page anew; any click interrupts it.

    Call it last, so that the whole page stands while it works.
    """
    if bar is None:
        return

    def progress(done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(total, 1)), f"{done} / {total}")

    try:
        shelf.evidence().put(key, compute(progress))
    except VitvizError as error:
        st.session_state.setdefault(_FAILED, {})[key] = str(error)
    st.session_state[_WANTED].discard(key)
    st.rerun()
