"""What a page opens on while the reader has chosen neither layer nor query: the view that its lesson is seen in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from vitviz.ui.choices.choice import Choice
from vitviz.ui.choices.shared import LAYER, PATCH
from vitviz.ui.reader import link

_GIVEN = "vitviz_opened_on"


@dataclass(frozen=True)
class Opening:
    """The first view of a page."""

    depth: float = 1.0
    """Share of the layers that are gone through; 1 is the last layer."""
    patch: bool = False
    """Whether the query is the patch in the middle, not the class token."""

    def layer(self, layers: int) -> int:
        """Return the layer at that depth."""
        return max(0, min(layers - 1, round(self.depth * layers) - 1))


USUAL = Opening()
OPENINGS = {
    "receptive_field": Opening(depth=0.25, patch=True),
    "rollout": Opening(patch=True),
    "tokens": Opening(depth=0.5),
}
"""By the page's name; the other pages open on the last layer and the class token."""


def here() -> Opening:
    """Return the opening of the page that this run shows."""
    return OPENINGS.get(link.page(), USUAL)


def untouched(choice: Choice[Any]) -> bool:
    """Return whether a choice still is what a page was opened on, so that another page may open on its own."""
    given: dict[str, tuple[str, object]] = st.session_state.get(_GIVEN, {})
    page, value = given.get(choice.name, ("", None))
    return page != link.page() and value is not None and link.get(choice) == value


def opened_on(layer: int | None, query: str | None) -> None:
    """Note what this page opened on by itself; None for what the reader chose."""
    given: dict[str, tuple[str, object]] = st.session_state.setdefault(_GIVEN, {})
    for choice, value in ((LAYER, layer), (PATCH, query)):
        if value is not None:
            given[choice.name] = (link.page(), value)
