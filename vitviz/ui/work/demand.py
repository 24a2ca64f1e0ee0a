"""Work that takes seconds, done when the reader asks for it: a button, then progress with a stop, then the result."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.errors import VitvizError
from vitviz.progress import Progress
from vitviz.ui.kept import shelf
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard

_WANTED, _FAILED = "vitviz_wanted", "vitviz_failed"


def wanted() -> set[Hashable]:
    """Return the requests that the reader made, that are not done and that were not stopped."""
    requests: set[Hashable] = st.session_state.setdefault(_WANTED, set())
    return requests


def buttons(
    request: Hashable, label: str, *, name: str, icon: str = ":material/play_arrow:", note: str = ""
) -> DeltaGenerator | None:
    """Draw the button that asks for work or, once it was pressed, the progress and the button that stops it.

    The buttons are called ``ask_`` and ``stop_`` with ``name``; ``note`` stands under the first, and above it why the
    work was refused when it was asked for last. Returns where the progress is shown, or None.
    """
    requests = wanted()
    if request not in requests:
        _tell_failure(request)
        st.button(label, icon=icon, key=f"ask_{name}", on_click=_want, args=(request,))
        if note:
            st.caption(note)
        return None
    bar = st.progress(0.0, _("Starting …"))
    icon = ":material/stop_circle:"
    st.button(_("Stop"), icon=icon, key=f"stop_{name}", on_click=requests.discard, args=(request,))
    return bar


def _failed() -> dict[Hashable, str]:
    """Return why requests of this reader came to nothing, by request."""
    reasons: dict[Hashable, str] = st.session_state.setdefault(_FAILED, {})
    return reasons


def _want(request: Hashable) -> None:
    _failed().pop(request, None)
    wanted().add(request)


def _tell_failure(request: Hashable) -> bool:
    """Tell why a request came to nothing, and return whether it did."""
    reason = _failed().get(request)
    if reason is not None:
        st.warning(plain(reason), icon=":material/block:")
    return reason is not None


def shown_in(bar: DeltaGenerator, what: str = "") -> Progress:
    """Return a report that moves a progress bar, which says ``what`` is being done."""
    before = f"{what}: " if what else ""

    def progress(done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(total, 1)), f"{before}{done} / {total}")

    return progress


def work_through(request: Hashable, work: Iterable[Callable[[], object]]) -> None:
    """Do what was asked for, part by part, and draw the page anew; any click interrupts it.

    An error ends it and is told where ``buttons`` stand. Call it last, so that the whole page stands while it works.
    """
    try:
        for part in work:
            part()
    except VitvizError as error:
        _failed()[request] = in_dashboard(error)
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
    return None if _tell_failure(key) else buttons(key, label, name=name)


def finish(key: Hashable, bar: DeltaGenerator | None, compute: Callable[[Progress], Any]) -> None:
    """Compute the result that was asked for and keep it, or why there can be none; call it last."""
    if bar is None:
        return
    progress = shown_in(bar)
    work_through(key, [lambda: shelf.evidence().put(key, compute(progress))])
