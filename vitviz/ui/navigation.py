"""The list of pages, as data: where each file lies in the navigation, its title and its icon."""

from __future__ import annotations

import os
from dataclasses import dataclass

from vitviz.assets import PACKAGE, PAGES
from vitviz.ui.text import _

START = "start"
"""The page that opens first; its address has no path."""


@dataclass(frozen=True)
class Entry:
    """One page."""

    name: str
    """Of its file in pages/, which is also its path in the address bar."""
    title: str
    icon: str
    """A Material symbol, such as ":material/home:"."""

    @property
    def path(self) -> str:
        """The file as st.Page and st.page_link want it, seen from the frame script."""
        return os.path.relpath(PAGES / f"{self.name}.py", PACKAGE / "ui")


def sections() -> dict[str, list[Entry]]:
    """Return the pages by section, in the order of the navigation; the only list of pages."""
    return {
        _("Explore"): [
            Entry(START, _("Start"), ":material/home:"),
            Entry("attention", _("Attention"), ":material/center_focus_strong:"),
            Entry("heads", _("Heads"), ":material/grid_on:"),
            Entry("atlas", _("Atlas"), ":material/map:"),
            Entry("rollout", _("Rollout"), ":material/account_tree:"),
            Entry("evidence", _("Evidence"), ":material/fact_check:"),
            Entry("compare", _("Compare"), ":material/compare:"),
            Entry("receptive_field", _("Receptive field"), ":material/filter_center_focus:"),
            Entry("positions", _("Positions"), ":material/pin_drop:"),
            Entry("tokens", _("Tokens"), ":material/palette:"),
            Entry("patches", _("Patches"), ":material/brush:"),
        ],
        _("Learn"): [
            Entry("anatomy", _("Anatomy"), ":material/biotech:"),
            Entry("patches_and_detail", _("Patches and detail"), ":material/blur_on:"),
            Entry("attention_from_scratch", _("Attention from scratch"), ":material/school:"),
            Entry("long_range", _("Long range"), ":material/compare_arrows:"),
            Entry("cost", _("Cost"), ":material/speed:"),
            Entry("depth", _("Depth"), ":material/layers:"),
            Entry("training", _("Training"), ":material/model_training:"),
        ],
    }


def entries() -> list[Entry]:
    """Return all pages in the order of the navigation."""
    return [entry for section in sections().values() for entry in section]


def entry(name: str) -> Entry:
    """Return the page of a file's name."""
    return next(page for page in entries() if page.name == name)
