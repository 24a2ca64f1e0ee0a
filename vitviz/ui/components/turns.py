"""What readers choose in a component, in their order: of quick choices none is lost, and the last one counts.

Streamlit starts a run for each choice, and of two in quick succession the first run may never begin, may begin last
with its old choice, or be stopped in the middle of its callback. So the browser gives each choice a turn (``sources``)
and says it as state, which every later run brings again; Python tells each choice once, and none after a later one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import StopException

Listener = Callable[[Any], object]


@dataclass
class Said:
    """What a component said under one name."""

    turn: int = 0
    value: Any = None
    """The last choice."""
    told: int | None = None
    """The turn that the listener was told last; None before the component was shown."""
    choices: dict[int, Any] = field(default_factory=dict)
    """Those that the listener may not have been told, by turn."""

    def note(self, said: object) -> None:
        """Note what the browser says: its last choices of that name, nothing for a component that was left."""
        if said is None and self.told is not None:
            self.value, self.told = None, self.turn
        for choice in said if isinstance(said, list) else []:
            turn = choice.get("turn") if isinstance(choice, Mapping) else None
            if isinstance(turn, int) and turn > self.turn:
                self.turn, self.value = turn, choice.get("value")
                self.choices[turn] = self.value
        self.choices = {turn: value for turn, value in self.choices.items() if self.told is None or turn > self.told}

    def tell(self, turn: int, value: Any, listener: Listener) -> None:
        """Tell the listener, and once more later if another run stops this one meanwhile."""
        stopped = False
        try:
            listener(value)
        except StopException:
            stopped = True
            raise
        finally:
            if not stopped:
                self.told = max(turn, self.told or 0)


def said(key: str, name: str) -> Said:
    """Return what the component of that key has said under that name."""
    memory: dict[str, Said] = st.session_state.setdefault(f"_{key}_turns", {})
    known = memory.setdefault(name, Said())
    known.note((st.session_state.get(key) or {}).get(name))
    return known


def mount(component: Callable[..., Any], data: Any, *, key: str, **listeners: Listener) -> None:
    """Show the component; each listener gets what the reader chose under its name, before the script runs again.

    A choice that could not be told then is told now, and the script runs again. What a browser says to a session that
    does not know the component yet was told to another session, before the server started anew.
    """

    def hear() -> bool:
        names = {name: said(key, name) for name in listeners}
        untold = [(turn, name, value) for name, known in names.items() for turn, value in known.choices.items()]
        for turn, name, value in sorted(untold, key=lambda choice: choice[0]):
            names[name].tell(turn, value, listeners[name])
        return bool(untold)

    component(key=key, data=data, **{f"on_{name}_change": hear for name in listeners})
    for name in listeners:
        known = said(key, name)
        if known.told is None:
            known.told, known.choices = known.turn, {}
    if hear():
        st.rerun()


@dataclass
class SharedState:
    """The state of a viewer, which the reader chooses and Python, too: whoever chose last has it.

    The browser takes a state of Python's over only when its revision is new. So an app that mirrors each click into
    the next view sends the same bytes again, and one that always passes the same view does not undo the click.
    """

    key: str
    name: str = "view"

    @property
    def memory(self) -> dict[str, Any]:
        """What was sent last: start, wanted, shape, revision, and the turn of the choice that was "heard" before it."""
        new = {"revision": 0, "heard": 0}
        memory: dict[str, Any] = st.session_state.setdefault(f"_{self.key}_sent", new)
        return memory

    def chosen(self, read: Callable[[Any], Any]) -> Any | None:
        """Return the reader's choice as ``read`` has it, or None if there is none since Python's last own wish."""
        value = said(self.key, self.name).value
        if not isinstance(value, Mapping) or value.get("revision") != self.revision:
            return None
        return read(value)

    def start(self, wanted: Any, chosen: Any | None, shape: Hashable) -> Any:
        """Return the state to send: the one of last time, unless Python changed its mind, which is a new revision.

        States of another ``shape`` are no longer the reader's.
        """
        memory = self.memory
        kept = memory.get("start") if chosen is None else chosen
        unchanged = wanted == kept or (chosen is not None and wanted == memory.get("wanted"))
        if memory.get("shape") != shape or not unchanged:
            heard = said(self.key, self.name).turn
            memory |= {"start": wanted, "revision": memory["revision"] + 1, "shape": shape, "heard": heard}
        memory["wanted"] = wanted
        return memory["start"]

    @property
    def revision(self) -> int:
        """The revision of the state that ``start`` returned last."""
        return int(self.memory["revision"])

    @property
    def heard(self) -> int:
        """The turn of the reader's last choice before that revision."""
        return int(self.memory["heard"])
