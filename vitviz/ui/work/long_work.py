"""Long work: one computation or several in a row, known by what they depend on, done beside the page or at once.

All of it is the same: asked for, computed once for all readers who ask, kept on one shelf, told while it goes on,
stopped by its last reader, and where there is no result the reason stands where it was asked for until it is asked for
again. A *request* is what one reader asked for: the key of the work, or the name of an experiment that has one run at a
time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import uuid4

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vitviz.errors import VitvizError
from vitviz.progress import report as tell
from vitviz.ui.kept import shelf
from vitviz.ui.kept.jobs import JobQueue, JobView, Present, QueueFullError, Report, refusal_of
from vitviz.ui.text import _
from vitviz.ui.words.errors import in_dashboard

_READER, _RUNS, _REFUSED, _ADOPTED = "vitviz_reader", "vitviz_runs", "vitviz_refused", "vitviz_adopted_runs"
_FINE = 1000  # steps of one of several parts
Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class LongWork(Generic[Made]):
    """One computation that takes its time."""

    key: Hashable
    """Names of the model and content hashes: all that the result depends on."""
    compute: Callable[[Report], Made]
    """Makes the result in another thread: it reads no choices and draws nothing."""


@st.cache_resource(max_entries=1, show_spinner=False)
def queue() -> JobQueue:
    """Return the one queue of this server: two jobs at a time on small machines, up to four on others."""
    return JobQueue(workers=max(2, min(4, (os.cpu_count() or 1) // 2)))


def result(key: Hashable) -> Any:
    """Return what was computed under a key, for this reader or another, or None."""
    return shelf.results().get(key)


def at_once(work: LongWork[Made]) -> Made | None:
    """Return the result of work that is quick, computed now if need be; None where there can be none.

    What was refused is tried again when ``forget`` was called.
    """
    if refusal(work.key) is not None:
        return None
    try:
        return shelf.results().once(work.key, lambda: work.compute(lambda _done, _total, _result=None, /: True))
    except Exception as error:
        _refused()[work.key] = refusal_of(error)
        return None


def start(request: Hashable, parts: Sequence[LongWork[Any]]) -> None:
    """Ask for work: it waits for its turn, is done part by part and goes on beside the page."""
    forget(request)
    key = tuple(part.key for part in parts)
    try:
        _runs()[request] = queue().submit(_reader(), key, partial(_work_through, tuple(parts)), _present())
    except QueueFullError as error:
        _refused()[request] = error


def is_new(request: Hashable) -> bool:
    """Return whether this reader never asked for a request: neither started, nor stopped, nor refused."""
    return request not in _runs() and request not in _refused()


def stop(request: Hashable, *, wait: float = 0.0) -> None:
    """Want the work of a request no more: it ends if no other reader wants it.

    So many seconds are waited for that end: most work ends at once, and the page then says so when it is drawn next.
    """
    number = _runs().get(request)
    if number is None:
        return
    queue().stop(number, _reader())
    view = own(request)
    if view is not None and view.active and not view.readers:
        queue().wait(number, wait)


def forget(request: Hashable) -> None:
    """Forget how a request ended, so that it can be asked for again."""
    _refused().pop(request, None)
    _runs().pop(request, None)


def own(request: Hashable) -> JobView | None:
    """Return this reader's latest job of a request, if it is still kept and was not left to others.

    One without readers is being stopped.
    """
    number = _runs().get(request)
    view = None if number is None else queue().view(number)
    left = view is not None and view.active and view.readers and _reader() not in view.readers
    return None if left else view


def refusal(request: Hashable) -> str | None:
    """Return why a request of this reader came to nothing, or None."""
    view = own(request)
    error = _refused().get(request) if view is None else view.error
    return None if error is None else in_words(error)


def in_words(error: VitvizError) -> str:
    """Return why there is no result in the words of the dashboard and of this reader."""
    if isinstance(error, QueueFullError):
        return _(error.text).format(count=error.count, limit=error.limit)
    return _(in_dashboard(error))


def adopt(request: Hashable, parts: Sequence[LongWork[Any]]) -> None:
    """Take over the work of a request whose windows are gone: after a reload it is nobody else's."""
    mine = own(request)
    if mine is not None and mine.active:
        return
    number = queue().adopt(_reader(), tuple(part.key for part in parts), _present())
    if number is not None:
        _runs()[request] = number
        st.session_state.setdefault(_ADOPTED, set()).add(number)


def adopted(view: JobView) -> bool:
    """Return whether a job was taken over from a window that is gone."""
    return view.number in st.session_state.get(_ADOPTED, ())


def previewed(report: Report) -> dict[str, Any]:
    """Return the options of an analysis that tell a job how far it is and what there is so far."""
    now = (0, 0)

    def progress(done: int, total: int) -> bool:
        nonlocal now
        now = (done, total)
        return report(done, total)

    return {"progress": progress, "preview": lambda result: report(*now, result)}


def _work_through(parts: tuple[LongWork[Any], ...], report: Report) -> Any:
    """Compute what is not on the shelf, part by part, and return the last result."""
    made = None
    for place, part in enumerate(parts):
        told = report if len(parts) == 1 else _part_of(report, place, len(parts))
        made = shelf.results().once(part.key, partial(part.compute, told), lambda: tell(report, 0, 0))
    return made


def _part_of(report: Report, place: int, parts: int) -> Report:
    """Return the report of one of several parts: its steps as a share of all."""

    def told(done: int, total: int, result: Any = None, /) -> bool:
        return report(_FINE * place + _FINE * done // max(total, 1), _FINE * parts, result)

    return told


def _runs() -> dict[Hashable, int]:
    """Return the numbers of this reader's latest jobs, by request."""
    numbers: dict[Hashable, int] = st.session_state.setdefault(_RUNS, {})
    return numbers


def _refused() -> dict[Hashable, VitvizError]:
    """Return why requests of this reader came to nothing before they became jobs."""
    errors: dict[Hashable, VitvizError] = st.session_state.setdefault(_REFUSED, {})
    return errors


def _reader() -> str:
    return str(st.session_state.setdefault(_READER, uuid4().hex))


def _present() -> Present:
    """Return what says, from any thread, whether this window is still open."""
    context = get_script_run_ctx()
    return partial(connected, "" if context is None else context.session_id)


def connected(session: str) -> bool:
    """Return whether a session has a window: it has none after a reload, which begins a new one, or a close."""
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(session))
