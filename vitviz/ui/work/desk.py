"""Long work on a Learn page: asked for by a switch that is part of the link, with progress, and stopped by it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.errors import VitvizError
from vitviz.progress import Progress, is_out_of_memory
from vitviz.ui.choices.choice import Choice
from vitviz.ui.kept.shelf import Shelf
from vitviz.ui.reader import link
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.work import demand

Found = TypeVar("Found")
_REFUSED = "vitviz_refused_work"


@dataclass(frozen=True, eq=False)
class LongWork(Generic[Found]):
    """One measurement: what it is called in the link, what it is of, and how it is made."""

    choice: Choice[bool]
    """The choice of the link that asks for it, a flag."""
    key: Hashable
    """Names of the model and content hashes: all that the result depends on."""
    compute: Callable[[Progress], Found]


@st.cache_resource(max_entries=1, show_spinner=False)
def results() -> Shelf:
    """Return the results of all readers, at most 48, each far below a megabyte."""
    return Shelf(48)


class Desk:
    """The long work of one run of a page: drawn where it belongs, and done after everything else stands."""

    def __init__(self) -> None:
        self._waiting: list[tuple[LongWork[Any], DeltaGenerator]] = []

    def ask(self, work: LongWork[Found], *, label: str, help: str) -> Found | None:
        """Draw the switch, and return the result if it is wanted and there; else None.

        What cannot be measured is told under the switch, which goes back; switched on again, it is tried again.
        """
        st.toggle(label, help=help, **link.widget(work.choice))
        if not link.get(work.choice):
            if work.key in _refused():
                st.warning(plain(_refused()[work.key]), icon=":material/block:")
            return None
        _refused().pop(work.key, None)
        found: Found | None = results().get(work.key)
        if found is None:
            bar = st.progress(0.0, _("Starting …"))
            st.button(
                _("Stop"),
                icon=":material/stop_circle:",
                key=f"stop_{work.choice.name}",
                on_click=lambda: link.put(work.choice.at(False)),
            )
            self._waiting.append((work, bar))
        return found

    def finish(self) -> None:
        """Do what was asked for, with progress, and draw the page anew; any click interrupts it."""
        for work, bar in self._waiting:
            try:
                results().put(work.key, work.compute(demand.shown_in(bar)))
            except (VitvizError, RuntimeError) as error:
                _refused()[work.key] = _reason(error)
                link.put(work.choice.at(False))
                break  # tell it now; what else waits goes on in the next run
        if self._waiting:
            st.rerun()


def _refused() -> dict[Hashable, str]:
    """Return why measurements of this reader came to nothing, by the key of the work."""
    reasons: dict[Hashable, str] = st.session_state.setdefault(_REFUSED, {})
    return reasons


def _reason(error: VitvizError | RuntimeError) -> str:
    """Return why there is no result; raises again what is neither a refusal nor a lack of memory."""
    if isinstance(error, VitvizError):
        return in_dashboard(error)
    if is_out_of_memory(error):
        return _("This machine has too little memory for that. Choose smaller sizes.")
    raise error
