"""Pins: keep maps, go on, and see them side by side on a board: heads, layers, photos, crops or models.

They are in the link, each as the choices that make it, so that a board can be sent and is still there after a reload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from vitviz.figures.heatmaps import difference_map
from vitviz.figures.scale import scale_for
from vitviz.ui.choices.pins import BOARD_COLUMNS, CHOICES_OF, MOST_CHARACTERS, PINS, Pin, pin_of, pins_of, text_of
from vitviz.ui.furniture import board
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.pinned_map import PinnedMap, made
from vitviz.ui.reader import link
from vitviz.ui.text import _, plain

_FOCUS = "vitviz_pin_focus"
_FOCUS_SCRIPT = """{
  const find = (key) => document.querySelector(`.st-key-${key} button:enabled`);
  (find("pin_BUTTON_PLACE") ?? find("pin_buttons_PLACE"))?.focus();
}"""


def pins() -> list[Pin]:
    """Return the reader's pins, in the order of the board."""
    return pins_of(link.get(PINS))


def add(kind: str) -> None:
    """Pin the map that is shown now; one that is pinned already goes to the end. A full link is told."""
    new = pin_of(kind, {choice.name: link.get(choice) for choice in CHOICES_OF[kind]})
    _put([*(pin for pin in pins() if pin != new), new])


def _put(kept: Sequence[Pin]) -> None:
    text = text_of(kept)
    if len(text) > MOST_CHARACTERS:
        link.notice(
            _("There is no room for another pin: pins live in the link, which holds {most} characters of them.").format(
                most=MOST_CHARACTERS
            )
        )
        return
    link.put(PINS.at(text))


def draw(kind: str) -> None:
    """Draw the pin button of a page of a kind of map, and the board once something is pinned."""
    kept = pins()
    with st.container(key="pins"):
        button, clear, words = st.columns([2, 2, 6], vertical_alignment="center")
        button.button(_("Pin this map"), icon=":material/push_pin:", key="pin", on_click=add, args=(kind,))
        if not kept:
            words.caption(
                _("Pin maps (heads, layers, photos, models) to see them side by side, with their difference.")
            )
            return
        clear.button(_("Remove pins"), icon=":material/close:", key="unpin", on_click=lambda: link.put(PINS.at("")))
        words.caption(
            _("{count} pinned. They are in the link, which holds {most} characters of them; {used} are used.").format(
                count=len(kept), most=MOST_CHARACTERS, used=len(link.get(PINS))
            )
        )
        maps = [(pin, made(pin)) for pin in kept]
        shown = [(pin, picture) for pin, picture in maps if isinstance(picture, PinnedMap)]
        if len(shown) > 1:
            _compare(shown[-2][1], shown[-1][1])
        title = _("Board of {count} maps").format(count=len(kept))
        with st.expander(title, icon=":material/dashboard:", key="board", expanded=len(kept) > 2):
            _arrange(maps)
            board.downloads(shown)


def _arrange(maps: Sequence[tuple[Pin, PinnedMap | str]]) -> None:
    """Draw the maps over their photos with the buttons that order them."""
    st.slider(_("Maps in a row"), 1, 6, **link.widget(BOARD_COLUMNS))
    count = link.get(BOARD_COLUMNS)
    for start in range(0, len(maps), count):
        row = st.columns(count, gap="small")
        for place, (column, (pin, picture)) in enumerate(zip(row, maps[start:], strict=False), start=start):
            with column:
                board.card(picture, text=pin.text())
                _buttons(pin, place, len(maps))
    _follow_focus()


def _buttons(pin: Pin, place: int, count: int) -> None:
    with st.container(horizontal=True, gap="small", key=f"pin_buttons_{place}"):
        for name, icon, words, disabled, move in (
            ("earlier", "arrow_back", _("Earlier"), place == 0, -1),
            ("later", "arrow_forward", _("Later"), place == count - 1, 1),
            ("out", "close", _("Remove"), False, 0),
        ):
            st.button(
                words,
                icon=f":material/{icon}:",
                key=f"pin_{name}_{place}",
                disabled=disabled,
                on_click=_move,
                args=(pin, move, name),
                type="tertiary",
            )


def _move(pin: Pin, step: int, button: str) -> None:
    """Move a pin by a place, or take it out for a step of 0; the focus follows it, on the same button."""
    kept = pins()
    place = kept.index(pin)
    kept.remove(pin)
    if step:
        kept.insert(place + step, pin)
    _put(kept)
    count, *_before = st.session_state.get(_FOCUS, (0,))
    st.session_state[_FOCUS] = (count + 1, button, min(place + step, len(kept) - 1))


def _follow_focus() -> None:
    """Tell the browser which button has the focus after a move: its own is another pin's now, or gone."""
    count, button, place = st.session_state.get(_FOCUS, (0, "", 0))
    script = _FOCUS_SCRIPT.replace("BUTTON", button).replace("PLACE", str(place)) if count else ""
    st.html(f"<script>{script} // {count}\n</script>", unsafe_allow_javascript=True)  # another number is another script


def _compare(first: PinnedMap, second: PinnedMap) -> None:
    st.caption(f"**A** {plain(first.label)}  \n**B** {plain(second.label)}")
    if first.values.shape != second.values.shape:
        st.warning(
            _(
                "A has {a} patches and B has {b}: maps on different grids have no difference. Pin maps of one grid."
            ).format(a=" × ".join(map(str, first.values.shape)), b=" × ".join(map(str, second.values.shape)))
        )
        return
    figure = difference_map(
        first.values,
        second.values,
        scale=replace(scale_for(np.stack([first.values, second.values]), "layer"), shares=True),
        value_title=_("Attention"),
        difference_title=_("A − B"),
        hover=_("row %{y}, column %{x}"),
    )
    chart(figure, key="difference")
