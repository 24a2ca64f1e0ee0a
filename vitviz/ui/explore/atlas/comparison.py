"""Two atlases beside each other: which heads differ, by how much, and whether by more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from vitviz.atlas import Atlas, Difference
from vitviz.errors import VitvizError
from vitviz.numbers import amount, in_unit
from vitviz.ui.choices.atlas import ATLAS_OTHER
from vitviz.ui.components.atlas_view import AtlasView, least_span
from vitviz.ui.components.head_atlas import head_atlas
from vitviz.ui.components.labels import chosen_head_labels
from vitviz.ui.explore.atlas.chosen import Chosen, read, titles
from vitviz.ui.explore.atlas.grid import choose
from vitviz.ui.furniture import tables
from vitviz.ui.reader import link
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard


@dataclass(frozen=True, eq=False)
class Compared:
    """The shown atlas minus another."""

    title: str
    """Of the other one."""
    other: Atlas
    difference: Difference


def draw(shown: Chosen) -> Compared | None:
    """Draw the choice of the other atlas and the differences to it; return them, None without another atlas."""
    st.subheader(_("What differs in another atlas?"), anchor=False)
    names = {name: title for name, title in titles().items() if name != shown.name}
    if not names:
        st.caption(
            _("There is no other atlas here; python -m vitviz serve --atlas FOLDER --atlas FOLDER opens several.")
        )
        return None
    if link.get(ATLAS_OTHER) not in names:
        link.put(ATLAS_OTHER.at(_first(names)))
    st.selectbox(_("Compared with"), list(names), format_func=names.__getitem__, **link.widget(ATLAS_OTHER))
    other = read(link.get(ATLAS_OTHER))
    if other is None:
        return None
    try:
        difference = shown.atlas.minus(other, shown.statistic)
    except VitvizError as error:
        st.info(plain(in_dashboard(error)), icon=":material/info:")
        return None
    compared = Compared(names[link.get(ATLAS_OTHER)], other, difference)
    left, right = st.columns(2, gap="large")
    with left:
        head_atlas(view(shown, compared), key="atlas_difference", on_pick=choose)
    with right:
        _changes(shown, compared)
    return compared


def _first(names: dict[str, str]) -> str:
    """Return what is compared with at first: random weights, beside which training shows, else the first."""
    return "random" if "random" in names else next(iter(names))


def view(shown: Chosen, compared: Compared) -> AtlasView:
    """Return the table of the differences, red where the shown atlas has more, blue where it has less."""
    values = compared.difference.mean.astype(np.float32)
    finite = np.abs(values[np.isfinite(values)])
    least = least_span(shown.statistic, max(shown.atlas.layout.grid.patch_size)) / 2
    limit = max(least, float(finite.max()) if finite.size else 0.0)
    return AtlasView(
        values=values,
        label=_("{statistic}: this atlas minus the other").format(statistic=shown.words[0]),
        unit=shown.words[1],
        palette="RdBu",
        minimum=-limit,
        maximum=limit,
        selected=shown.head,
        tickable=False,
        labels=chosen_head_labels(),
    )


def _changes(shown: Chosen, compared: Compared) -> None:
    difference = compared.difference
    there = np.isfinite(difference.mean)
    changed = int(difference.changed[there].sum())
    st.markdown(
        _(
            "**{changed} of {heads} heads differ** by more than their 95% interval; if nothing differed, about "
            "{chance:.0f} would. {here:,} photos here, {other:,} in the other atlas."
        ).format(
            changed=changed,
            heads=int(there.sum()),
            chance=0.05 * there.sum(),
            here=shown.atlas.photos,
            other=compared.other.photos,
        )
    )
    places = [place for place in np.argwhere(there) if difference.changed[tuple(place)]]
    places.sort(key=lambda place: -abs(difference.mean[tuple(place)]))
    unit = shown.words[1] if shown.words[1] == "%" else ""
    own, its = shown.summary.mean, compared.other.summary(shown.statistic).mean
    tables.draw(
        {
            _("Head"): [f"L{layer}·H{head}" for layer, head in places],
            _("here"): [amount(float(own[tuple(place)]), unit) for place in places],
            _("other"): [amount(float(its[tuple(place)]), unit) for place in places],
            _("difference"): [float(in_unit(difference.mean[tuple(place)], unit)) for place in places],
            _("± 95%"): [float(in_unit(difference.half[tuple(place)], unit)) for place in places],
        },
        height=340,
        alt=_("Heads that differ, the largest difference first"),
    )
