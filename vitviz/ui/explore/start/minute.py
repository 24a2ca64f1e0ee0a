"""The first minute of the Start page: three things to do, in order, with the photo that is there."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from vitviz.attention.view import MapView
from vitviz.ui.navigation import entry
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


@dataclass(frozen=True)
class Step:
    """One thing to do, and the view to do it in; no page for this one."""

    title: str
    sentence: str
    page: str = ""
    patch: int | None = None


def steps(scene: Scene, maps: list[MapView]) -> list[Step]:
    """Return the steps; the patch to point at is the one that the last layer's map is strongest at."""
    patch, _share = maps[-1].strongest
    row, column = scene.trace.grid.position(patch)
    return [
        Step(_("1. Press Play"), _("from the first layer to the last")),
        Step(
            _("2. Point at row {row}, column {column}").format(row=row + 1, column=column + 1),
            _("it counts most at the end"),
            "attention",
            patch,
        ),
        Step(_("3. Paint it over"), _("does the answer hold?"), "patches"),
    ]


def draw(scene: Scene, maps: list[MapView]) -> None:
    """Draw the steps as a short list, with buttons that open the view that they are about."""
    with st.container(key="minute", gap="small"):
        st.markdown(_("**Your first minute**"))
        for step in steps(scene, maps):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if step.page:
                    target = entry(step.page)
                    choices = {} if step.patch is None else {"patch": str(step.patch)}
                    st.page_link(target.path, label=step.title, icon=target.icon, query_params=choices)
                    st.markdown(step.sentence)
                else:
                    st.markdown(f"**{step.title}** {step.sentence}")
