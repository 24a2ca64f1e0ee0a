"""What the Atlas page is about: one atlas, one statistic, one head; what a link asks for and there is not is told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.atlas import Atlas, Summary, head_kinds
from vitviz.errors import VitvizError
from vitviz.ui.choices.atlas import ATLAS, ATLAS_HEAD, ATLAS_STATISTIC, ATLAS_VALUE, STATISTICS
from vitviz.ui.choices.shared import pairs_of
from vitviz.ui.kept import atlases
from vitviz.ui.reader import link
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.head_statistics import names_over_photos

Head = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Chosen:
    """An atlas with the choices that fit it."""

    name: str
    """Of the atlas, in links."""
    atlas: Atlas
    statistic: str
    head: Head
    is_default_head: bool
    """Whether the page chose the head and not the reader."""

    @cached_property
    def summary(self) -> Summary:
        """The statistic over all photos, (layer, head)."""
        return self.atlas.summary(self.statistic)

    @cached_property
    def kinds(self) -> NDArray[np.str_]:
        """Kinds of the heads, (layer, head)."""
        return head_kinds(self.atlas)

    @property
    def words(self) -> tuple[str, str, str]:
        """(title, unit, definition) of the statistic in the reader's language."""
        return names_over_photos()[self.statistic]

    @property
    def axis(self) -> str:
        """The statistic as the title of an axis."""
        title, unit, _definition = self.words
        return f"{title} ({unit})"

    @property
    def head_name(self) -> str:
        """The head as all pages write it."""
        return f"L{self.head[0]}·H{self.head[1]}"


def titles() -> dict[str, str]:
    """Return what to call the atlases that can be opened, by their names in links."""
    shipped = {
        "default": _("Shipped model, small photos of 200 classes"),
        "examples": _("Shipped model, the example photos"),
        "random": _("Random weights, some of these photos"),
    }
    return {name: shipped.get(name, name) if _is_shipped(name) else name for name in atlases.folders()}


def _is_shipped(name: str) -> bool:
    return name in atlases.SHIPPED


def draw_choices() -> Chosen | None:
    """Draw the choice of atlas and statistic and return what is chosen; None if no atlas can be read."""
    names = titles()
    opened = _opened(names)
    if opened is None:
        return None
    name, atlas = opened
    places = st.columns([2, 2, 1], vertical_alignment="bottom")
    places[0].selectbox(_("Atlas"), list(names), format_func=names.__getitem__, **link.widget(ATLAS))
    offered = available(atlas)
    if link.get(ATLAS_STATISTIC) not in offered:
        title = names_over_photos()[link.get(ATLAS_STATISTIC)][0]
        st.warning(
            _("This atlas has no values of “{statistic}”; the attention distance is shown.").format(statistic=title)
        )
        link.put(ATLAS_STATISTIC.at(offered[0]))
    words = names_over_photos()
    places[1].selectbox(
        _("Statistic"), offered, format_func=lambda option: words[option][0], **link.widget(ATLAS_STATISTIC)
    )
    values = {"mean": _("mean"), "deviation": _("spread")}
    places[2].segmented_control(
        _("Colours show"), list(values), format_func=values.__getitem__, required=True, **link.widget(ATLAS_VALUE),
        help=_("The mean over the photos, or the standard deviation from photo to photo."),
    )  # fmt: skip
    head, is_default = _head(atlas, link.get(ATLAS_STATISTIC))
    return Chosen(name, atlas, link.get(ATLAS_STATISTIC), head, is_default)


def available(atlas: Atlas) -> list[str]:
    """Return the statistics of heads that an atlas has values of."""
    return [name for name in STATISTICS if name in atlas.statistics and atlas.summary(name).count.any()]


def read(name: str) -> Atlas | None:
    """Return an atlas; one that cannot be read is told by its name."""
    try:
        return atlases.get(name)
    except VitvizError as error:
        st.error(
            _("The atlas “{name}” cannot be opened. {reason}").format(
                name=plain(titles().get(name, name)), reason=plain(in_dashboard(error))
            )
        )
        return None


def _opened(names: dict[str, str]) -> tuple[str, Atlas] | None:
    """Return the atlas that is asked for, or the first that can be read."""
    asked = link.get(ATLAS)
    if asked and asked not in names:
        link_says = _("There is no atlas “{name}” here; another one is shown.").format(name=plain(asked))
        st.warning(link_says, icon=":material/info:")
        asked = ""
    for name in dict.fromkeys([asked, *names] if asked else names):
        atlas = read(name)
        if atlas is not None:
            link.put(ATLAS.at(name))
            return name, atlas
    return None


def _head(atlas: Atlas, statistic: str) -> tuple[Head, bool]:
    """Return the head of the link if the atlas has it, else the one that differs most from photo to photo."""
    asked = pairs_of(link.get(ATLAS_HEAD))
    if asked and (asked[0][0] >= atlas.layout.layers or asked[0][1] >= atlas.layout.heads[asked[0][0]]):
        text = _("This atlas has no head {name}; the one that differs most from photo to photo is shown.")
        st.warning(text.format(name="L{}·H{}".format(*asked[0])), icon=":material/info:")
        asked = []
    if asked:
        return asked[0], False
    link.put(ATLAS_HEAD.at(""))
    summary = atlas.summary(statistic)
    spread = np.where(summary.count > 0, np.nan_to_num(summary.deviation), -1.0)
    layer, head = np.unravel_index(int(spread.argmax()), spread.shape)
    return (int(layer), int(head)), True
