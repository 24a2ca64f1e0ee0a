"""Work that takes seconds, done when the reader asks for it: a button, then progress with a stop, then the result."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.analysis.scoring import Progress
from vitviz.errors import VitvizError
from vitviz.ui import shelf
from vitviz.ui.scene import plain
from vitviz.ui.text import _

_WANTED, _FAILED = "vitviz_wanted", "vitviz_failed"


def wanted() -> set[Hashable]:
    """Return the requests that the reader made, that are not done and that were not stopped."""
    requests: set[Hashable] = st.session_state.setdefault(_WANTED, set())
    return requests


def buttons(
    request: Hashable,
    label: str,
    *,
    name: str,
    icon: str = ":material/play_arrow:",
    note: str = "",
) -> DeltaGenerator | None:
    """Draw the button that asks for work or, once it was pressed, the progress and the button that stops it.

    The buttons are called ``ask_`` and ``stop_`` with ``name``; ``note`` stands under the first. Returns where the
    progress is shown, or None.
    """
    requests = wanted()
    if request not in requests:
        st.button(label, icon=icon, key=f"ask_{name}", on_click=requests.add, args=(request,))
        if note:
            st.caption(note)
        return None
    bar = st.progress(0.0, _("Starting …"))
    icon = ":material/stop_circle:"
    st.button(_("Stop"), icon=icon, key=f"stop_{name}", on_click=requests.discard, args=(request,))
    return bar


def shown_in(bar: DeltaGenerator, what: str = "") -> Progress:
    """Return a report that moves a progress bar, which says ``what`` is being done."""
    before = f"{what}: " if what else ""

    def progress(done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(total, 1)), f"{before}{done} / {total}")

    return progress


def work_through(request: Hashable, work: Iterable[Callable[[], object]]) -> None:
    """Do what was asked for, part by part, and draw the page anew; any click interrupts it, an error is told.

    Call it last, so that the whole page stands while it works.
    """
    try:
        for part in work:
            part()
    except VitvizError as error:
        st.error(plain(str(error)))
        wanted().discard(request)
        return
    wanted().discard(request)
    st.rerun()


def result(key: Hashable) -> Any:
    """Return what was computed under a key, for this reader or another, or None."""
    return shelf.evidence().get(key)


def ask(name: str, key: Hashable, label: str) -> DeltaGenerator | None:
    """Draw the buttons of one result, its own request, and return where progress is shown.

    Nothing is drawn where the result is there; why there can be none is told.
    """
    if result(key) is not None:
        return None
    reason = st.session_state.get(_FAILED, {}).get(key)
    if reason is not None:
        st.warning(plain(reason), icon=":material/block:")
        return None
    return buttons(key, label, name=name)


def finish(key: Hashable, bar: DeltaGenerator | None, compute: Callable[[Progress], Any]) -> None:
    """Compute the result that was asked for and keep it, or why there can be none; call it last."""
    if bar is None:
        return
    progress = shown_in(bar)

    def keep() -> None:
        try:
            shelf.evidence().put(key, compute(progress))
        except VitvizError as error:
            st.session_state.setdefault(_FAILED, {})[key] = str(error)

    work_through(key, [keep])
