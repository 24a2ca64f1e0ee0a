"""A reader's run of an experiment: one at a time, whatever the knobs say since, and a word on what is shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import streamlit as st

from vitviz.ui.kept.jobs import JobView
from vitviz.ui.text import _, plain
from vitviz.ui.work import controls, long_work, spare
from vitviz.ui.work.apart import apart
from vitviz.ui.work.long_work import LongWork


def train(
    experiment: str, key: Hashable, function: Callable[..., Any], settings: Mapping[str, Any], *, seconds: float
) -> None:
    """Draw the button of a run that calls ``function(**settings, progress=…)`` in a process of its own.

    The process is started now, so that it can begin at the click. ``seconds`` is how long a run takes about.
    """
    cost = _("About {seconds:.0f} s on an idle core.").format(seconds=seconds)
    start_or_stop(experiment, LongWork(key, apart(function, **settings)), label=_("Train"), cost=cost)
    mine = long_work.own(experiment)
    if mine is None or not mine.active:
        spare.prepare(function.__module__)


def start_or_stop(experiment: str, work: LongWork[Any], *, label: str, cost: str) -> None:
    """Draw the button that starts a run with the settings of the page, or the one that stops the reader's own.

    ``cost`` says in words how long it takes.
    """
    long_work.adopt(experiment, [work])
    mine = long_work.own(experiment)
    if mine is not None and mine.active:
        controls.stop_button(experiment, experiment)
        if long_work.adopted(mine):
            st.caption(_("The run that is going began before this page was loaded again."))
        if mine.key != (work.key,):
            st.caption(_("The run that is going began with other settings than those chosen now."))
        return
    st.button(
        label,
        icon=":material/play_arrow:",
        key=f"start_{experiment}",
        type="primary",
        on_click=long_work.start,
        args=(experiment, [work]),
        help=_("Runs beside the page: you can go on reading, here or on other pages. {cost}").format(cost=cost),
    )


def latest(experiment: str, key: Hashable) -> JobView | None:
    """Return a run to show for some settings: the reader's own, or one that any reader finished on this server."""
    mine = long_work.own(experiment)
    if mine is not None and (mine.active or (mine.key == (key,) and mine.result is not None)):
        return mine
    made = long_work.result(key)
    return None if made is None else JobView(0, (key,), frozenset(), "done", result=made)


def note(experiment: str, key: Hashable, view: JobView | None, *, same: bool) -> None:
    """Draw a word on what is shown: how a run ended, or whether the shipped runs have the settings of the page."""
    if view is not None:
        standing(view)
        return
    mine = long_work.own(experiment)
    if mine is None:
        controls.tell_refusal(experiment)
    if mine is not None and mine.key == (key,):  # it ended before there was anything to show
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
                done=f"{view.done:,}", total=f"{view.total:,}" if view.total else "…"
            ),
            icon=":material/stop_circle:",
        )
    elif view.error is not None:
        st.error(
            plain(_("The run failed: {reason}").format(reason=long_work.in_words(view.error)))
            + " "
            + _("What is shown is what it had until then."),
            icon=":material/error:",
        )


def before(name: str) -> str:
    """Return the name of a curve as that of the shipped runs, which stand pale behind those that are trained now."""
    return _("{name}, shipped").format(name=name)
