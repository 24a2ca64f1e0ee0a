"""The doors of the Start page: whoever comes in finds the page that answers their question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from vitviz.ui.navigation import entry
from vitviz.ui.text import _


@dataclass(frozen=True)
class Door:
    """A wish, what is behind the door, and the view that opens."""

    wish: str
    sentence: str
    page: str
    """By its file's name."""
    choices: Mapping[str, str]
    """Of the link that the door opens."""


def doors() -> list[Door]:
    """Return the doors: for a student, a teacher, a researcher, a sceptic."""
    return [
        Door(
            _("I want to understand it"),
            _("Point at any patch and watch where it looks. Five minutes with one photo explain attention."),
            "attention",
            {"layer": "8", "head": "mean"},
        ),
        Door(
            _("I want to show it"),
            _("Find the head that looks far and the one that looks near, switch them off, and see what changes."),
            "heads",
            {"statistic": "distance"},
        ),
        Door(
            _("I want to measure my model"),
            _(
                "Choose any timm Vision Transformer in the sidebar, explain its answers by fourteen methods and put "
                "every map to the test; arrays and figures to take away."
            ),
            "evidence",
            {},
        ),
        Door(
            _("I want proof"),
            _("Experiments with known answers: drag two halves apart, and see which network still finds the partner."),
            "long_range",
            {},
        ),
    ]


def draw() -> None:
    """Draw the doors side by side."""
    cards = doors()
    with st.container(key="doors"):
        columns = st.columns(len(cards))
    for column, door in zip(columns, cards, strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(door.wish, anchor=False)
            st.markdown(door.sentence)
            target = entry(door.page)
            st.page_link(
                target.path,
                label=_("Open {page}").format(page=target.title),
                icon=target.icon,
                query_params=dict(door.choices),
            )
