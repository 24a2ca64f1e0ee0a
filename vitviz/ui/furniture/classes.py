"""The classes that a model knows: how many there are, and the whole list a click away."""

from __future__ import annotations

import streamlit as st

from vitviz.analysis.familiarity import familiarity
from vitviz.numbers import percent
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import SOURCE, _, language
from vitviz.ui.words.class_names import class_names

_ROWS = 10
_HEIGHT = 400
"""Pixels of a list of more than so many rows, which scrolls."""


def button(scene: Scene) -> None:
    """Draw the words that say of how many classes an answer is one; a click opens the list.

    A phone, whose line is short, leaves out what is small.
    """
    count = len(scene.vit.class_names)
    if st.button(
        _("one of {count} :small[classes it knows]").format(count=f"{count:,}"), key="classes", type="tertiary"
    ):
        st.dialog(_("The {count} classes that the model knows").format(count=f"{count:,}"))(_listed)(scene)


def _listed(scene: Scene) -> None:
    st.caption(_("Every photo is answered with one of these classes, whatever it shows."))
    if measured := familiarity(scene.vit, scene.trace):
        st.caption(
            _(
                "Below {threshold} for the best answer a page says that it is perhaps none of them. That happens to "
                "{alarms} of the photos that do show one and to no more than {detected} of other photos: no warning "
                "does not mean that the answer is right."
            ).format(
                threshold=percent(measured.threshold),
                alarms=percent(measured.false_alarms),
                detected=percent(measured.detected),
            )
        )
    wanted = st.text_input(_("Search"), key="class_search", placeholder=_("Part of a name"))
    columns = matching(scene, wanted)
    rows = len(columns[_("Share")])
    st.caption(
        _("{count} of {all} classes, with their shares for this photo").format(
            count=f"{rows:,}", all=f"{len(scene.vit.class_names):,}"
        )
    )
    st.dataframe(
        columns,
        hide_index=True,
        height=_HEIGHT if rows > _ROWS else "content",
        column_config={_("Share"): st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)},
        alt=_("One row a class, the most probable first"),
    )


def matching(scene: Scene, wanted: str) -> dict[str, list[str] | list[float]]:
    """Return the classes whose name has a text in it, in either language, as columns; the most probable first."""
    english, local = scene.vit.class_names, class_names(scene.vit)
    text = wanted.strip().casefold()
    rows = [
        (local[index], english[index], share)
        for index, share in scene.trace.top(len(english))
        if text in local[index].casefold() or text in english[index].casefold()
    ]
    columns: dict[str, list[str] | list[float]] = {_("Class"): [row[0] for row in rows]}
    if language() != SOURCE:
        columns["English"] = [row[1] for row in rows]
    return columns | {_("Share"): [row[2] for row in rows]}
