"""Background runs on a page: the queue of the server, a reader's own run of an experiment, its progress and its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from functools import partial
from uuid import uuid4

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vitviz.ui.kept.jobs import JobQueue, JobView, Present, QueueFullError, Work
from vitviz.ui.text import _, plain

_READER, _RUNS, _ADOPTED = "vitviz_reader", "vitviz_runs", "vitviz_adopted_runs"
_POLL_SECONDS = 0.7
Draw = Callable[[JobView], None]


@st.cache_resource(max_entries=1, show_spinner=False)
def queue() -> JobQueue:
    """Return the one queue of this server: one run at a time on small machines, two on others."""
    return JobQueue(workers=1 if (os.cpu_count() or 1) < 4 else 2)


def own(experiment: str) -> JobView | None:
    """Return this reader's latest run of an experiment, if it is still kept."""
    number = st.session_state.get(_RUNS, {}).get(experiment)
    return None if number is None else queue().view(number)


def found(experiment: str, key: Hashable) -> JobView | None:
    """Return a run to show for some settings: the reader's own, or one that any reader finished on this server."""
    mine = own(experiment)
    if mine is not None and (mine.active or (mine.key == key and mine.result is not None)):
        return mine
    return queue().finished(key)


def controls(experiment: str, key: Hashable, work: Work, *, label: str, cost: str) -> None:
    """Draw the button that starts a run with the settings of the page, or the one that stops the reader's own.

    ``cost`` says in words how long it takes.
    """
    _adopt(experiment, key)
    mine = own(experiment)
    if mine is not None and mine.active:
        st.button(
            _("Stop"),
            icon=":material/stop_circle:",
            key=f"stop_{experiment}",
            on_click=queue().stop,
            args=(mine.number,),
        )
        if mine.number in st.session_state.get(_ADOPTED, ()):
            st.caption(_("The run that is going was started in another window, which has been closed."))
        if mine.key != key:
            st.caption(_("The run that is going began with other settings than those chosen now."))
        return
    st.button(
        label,
        icon=":material/play_arrow:",
        key=f"start_{experiment}",
        type="primary",
        on_click=_start,
        args=(experiment, key, work),
        help=_("Runs beside the page: you can go on reading, here or on other pages. {cost}").format(cost=cost),
    )


def _start(experiment: str, key: Hashable, work: Work) -> None:
    try:
        number = queue().submit(_reader(), key, work, _present())
    except QueueFullError as error:
        told = _(error.text).format(count=error.count, limit=error.limit)
        st.session_state["vitviz_job_refused"] = told
        return
    st.session_state.setdefault(_RUNS, {})[experiment] = number


def _adopt(experiment: str, key: Hashable) -> None:
    """Take over a run with the settings of the page whose window is gone: after a reload it is nobody's else."""
    mine = own(experiment)
    if mine is not None and mine.active:
        return
    number = queue().adopt(_reader(), key, _present())
    if number is not None:
        st.session_state.setdefault(_RUNS, {})[experiment] = number
        st.session_state.setdefault(_ADOPTED, set()).add(number)


def _reader() -> str:
    return str(st.session_state.setdefault(_READER, uuid4().hex))


def _present() -> Present:
    """Return what says, from any thread, whether this window is still open."""
    context = get_script_run_ctx()
    return partial(connected, "" if context is None else context.session_id)


def connected(session: str) -> bool:
    """Return whether a session has a window: it has none after a reload, which begins a new one, or a close."""
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(session))


def watch(experiment: str, draw: Draw) -> None:
    """Draw the reader's own run while it goes, again and again; the page is drawn anew when it has ended."""
    refused = st.session_state.pop("vitviz_job_refused", None)
    if refused:
        st.warning(plain(refused), icon=":material/hourglass_disabled:")
    mine = own(experiment)
    if mine is None or not mine.active:
        return

    @st.fragment(run_every=_POLL_SECONDS)
    def live() -> None:
        now = queue().view(mine.number)
        if now is None or not now.active:
            st.rerun()
        _progress(now)
        if now.result is not None:
            draw(now)

    live()


def _progress(view: JobView) -> None:
    if view.state == "waiting":
        st.progress(0.0, _("Waiting: {count} runs first").format(count=queue().ahead(view.number)))
        return
    share = view.done / view.total if view.total else 0.0
    left = view.seconds * (1 - share) / share if share else None
    text = _("{share:.0%} · {seconds:.0f} s").format(share=share, seconds=view.seconds)
    if left is not None:
        text += _(" · about {left:.0f} s to go").format(left=left)
    st.progress(min(1.0, share), text)


def note(experiment: str, key: Hashable, view: JobView | None, *, same: bool) -> None:
    """Draw a word on what is shown: how a run ended, or whether the shipped runs have the settings of the page."""
    if view is not None:
        standing(view)
        return
    mine = own(experiment)
    if mine is not None and mine.key == key:  # it ended before there was anything to show
        standing(mine)
    elif same:
        st.caption(_("Shipped runs of these settings; how they were made is told in assets/labs/TRAINING.md."))
    if not same:
        st.info(
            _(
                "Nothing was trained with these settings yet: press the button. Shown are the shipped runs with the "
                "default settings."
            ),
            icon=":material/inventory_2:",
        )


def standing(view: JobView) -> None:
    """Draw a word on how a run ended, where it did not end well."""
    if view.state == "stopped":
        st.warning(
            _("Stopped after {done} of {total} steps. What is shown is what it had until then.").format(
                done=view.done, total=view.total or "…"
            ),
            icon=":material/stop_circle:",
        )
    elif view.state == "failed":
        st.error(
            plain(_("The run failed: {reason}").format(reason=view.error))
            + " "
            + _("What is shown is what it had until then."),
            icon=":material/error:",
        )
