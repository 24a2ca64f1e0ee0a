"""What a page draws of long work: the button or switch that asks for it, progress with a stop, the refusal."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import streamlit as st

from vitviz.numbers import percent
from vitviz.ui.choices.choice import Choice
from vitviz.ui.kept.jobs import JobView
from vitviz.ui.reader import link
from vitviz.ui.text import _, ngettext, plain
from vitviz.ui.work import long_work
from vitviz.ui.work.long_work import LongWork, Made

_SWITCHED = "vitviz_switched_on"
_BEGUN = "vitviz_begun"
_POLL_SECONDS = 0.7
_END_SECONDS = 0.5
"""How long a click on Stop waits for the end, so that the page is drawn once and not twice."""


def ask(
    parts: Sequence[LongWork[Any]],
    label: str,
    *,
    name: str,
    request: Hashable = None,
    icon: str = ":material/play_arrow:",
    note: str = "",
    draw: Callable[[JobView | None], None] | None = None,
    bar_below: bool = False,
) -> None:
    """Draw the button that asks for what is missing or, while it goes on, the progress and the button that stops it.

    The buttons are called ``ask_`` and ``stop_`` with ``name``; ``note`` stands under the first, and above it why the
    work was refused when it was asked for last. Nothing is drawn where all results are there. ``request`` names what is
    asked for where the parts may change while it goes on. ``draw`` draws what there is so far, or that there is nothing
    yet; it is called with None while nobody has asked. ``bar_below`` puts the progress below it, so that it does not
    move at the end.
    """
    missing = [part for part in parts if long_work.result(part.key) is None]
    if not missing:
        return
    asked = tuple(part.key for part in parts) if request is None else request
    long_work.adopt(asked, missing)
    if watch(asked, name, draw=draw, bar_below=bar_below):
        return
    if any(long_work.result(part.key) is not None for part in missing):
        st.rerun()  # it ended while this was drawn
    if draw is not None:
        draw(None)
    tell_refusal(asked)
    st.button(label, icon=icon, key=f"ask_{name}", on_click=long_work.start, args=(asked, missing))
    if note:
        st.caption(note)


def begin(parts: Sequence[LongWork[Any]], *, name: str) -> None:
    """Ask for work that a page opens with, once: not again after it was stopped.

    What the same place, ``name``, wanted with other settings is wanted no more.
    """
    asked = tuple(part.key for part in parts)
    before = st.session_state.setdefault(_BEGUN, {})
    if before.get(name, asked) != asked:
        long_work.stop(before[name])
    before[name] = asked
    missing = [part for part in parts if long_work.result(part.key) is None]
    if missing:
        long_work.adopt(asked, missing)
        if long_work.is_new(asked):
            long_work.start(asked, missing)


def switch(work: LongWork[Made], choice: Choice[bool], *, label: str, help: str) -> Made | None:
    """Draw the switch of the link that asks for work, and return the result if it is wanted and there; else None.

    What cannot be computed is told under the switch, which goes back; switched on again, it is tried again.
    """
    made = _switched(work, choice)
    st.toggle(label, help=help, **link.widget(choice))
    if made is None and not watch(work.key, choice.name, lambda: link.put(choice.at(False))):
        tell_refusal(work.key)
    return made


def _switched(work: LongWork[Made], choice: Choice[bool]) -> Made | None:
    """Return the result if it is there, and see to it that it is worked at if not."""
    if not link.get(choice):
        _switch_off(choice)
        return None
    made: Made | None = long_work.result(work.key)
    fresh = st.session_state.setdefault(_SWITCHED, {}).get(choice.name) != work.key
    if fresh:
        _switch_off(choice)  # it was of other settings
    view = long_work.own(work.key)
    going = view is not None and view.active
    if made is None and (fresh or not (going or long_work.refusal(work.key))):
        long_work.start(work.key, [work])
        made = long_work.result(work.key)
    st.session_state[_SWITCHED][choice.name] = work.key
    if made is None and long_work.refusal(work.key):
        _switch_off(choice)
        link.put(choice.at(False))
    return made


def _switch_off(choice: Choice[bool]) -> None:
    """Want no more what a switch asked for last."""
    key = st.session_state.setdefault(_SWITCHED, {}).pop(choice.name, None)
    if key is not None:
        long_work.stop(key)


def watch(
    request: Hashable,
    name: str,
    on_stop: Callable[[], None] | None = None,
    *,
    draw: Callable[[JobView], None] | None = None,
    bar_below: bool = False,
) -> bool:
    """Draw the progress of a request and the button that stops it, and return whether it goes on."""
    if progress(request, draw, bar_below=bar_below):
        stop_button(request, name, on_stop)
        return True
    return False


def progress(request: Hashable, draw: Callable[[JobView], None] | None = None, *, bar_below: bool = False) -> bool:
    """Draw how far a request is, again and again, and what there is so far by ``draw``; return whether it goes on.

    ``draw`` is called from the start, when the view's result is None yet. The page is drawn anew when it has ended.
    ``bar_below`` draws how far it is last.
    """
    mine = long_work.own(request)
    if mine is None or not mine.active:
        return False

    @st.fragment(run_every=_POLL_SECONDS)
    def live() -> None:
        now = long_work.own(request)
        if now is None or not now.active:
            st.rerun()
        if not bar_below:
            _bar(now)
        if draw is not None:
            draw(now)
        if bar_below:
            _bar(now)

    live()
    return True


def stop_button(request: Hashable, name: str, on_stop: Callable[[], None] | None = None) -> None:
    """Draw the button that stops a request; it is grey once it was pressed, until the step at hand is done."""
    view = long_work.own(request)
    st.button(
        _("Stop"),
        icon=":material/stop_circle:",
        key=f"stop_{name}",
        on_click=on_stop or (lambda: long_work.stop(request, wait=_END_SECONDS)),
        disabled=view is not None and not view.readers,
    )


def tell_refusal(request: Hashable) -> None:
    """Tell why a request came to nothing, if it did."""
    reason = long_work.refusal(request)
    if reason is not None:
        st.warning(plain(reason), icon=":material/block:")


def try_again(request: Hashable, name: str) -> None:
    """Draw the button that tries anew what was refused at once."""
    if long_work.refusal(request) is not None:
        st.button(
            _("Try again"), icon=":material/refresh:", key=f"retry_{name}", on_click=long_work.forget, args=(request,)
        )


def _bar(view: JobView) -> None:
    if not view.readers:
        st.progress(0.0, _("Stopping …"))
        return
    if view.state == "waiting":
        count = long_work.queue().ahead(view.number)
        st.progress(
            0.0, ngettext("Waiting: {count} run first", "Waiting: {count} runs first", count).format(count=count)
        )
        return
    share = view.done / view.total if view.total else 0.0
    left = view.seconds * (1 - share) / share if share else None
    text = _("{share} · {seconds:.0f} s").format(share=percent(round(share, 2)), seconds=view.seconds)
    if left is not None:
        text += _(" · about {left:.0f} s to go").format(left=left)
    st.progress(min(1.0, share), text)
