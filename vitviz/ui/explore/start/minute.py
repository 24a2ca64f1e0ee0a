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
    label: str = ""
    page: str = ""
    patch: int | None = None


def steps(scene: Scene, maps: list[MapView]) -> list[Step]:
    """Return the steps; "here" is the patch that the last layer's map is strongest at."""
    patch, _share = maps[-1].strongest
    row, column = scene.trace.grid.position(patch)
    return [
        Step(
            _("1. Press Play"),
            _("Above, layer by layer: where does the model look at first, and what has it found at the end?"),
        ),
        Step(
            _("2. Point here"),
            _(
                "Row {row}, column {column} counts most in the last layer. Point at it, then at the patches round it."
            ).format(row=row + 1, column=column + 1),
            _("Point at this patch"),
            "attention",
            patch,
        ),
        Step(
            _("3. Take it away"),
            _("Paint over what it looks at: does the answer hold?"),
            _("Paint on the photo"),
            "patches",
        ),
    ]


def draw(scene: Scene, maps: list[MapView]) -> None:
    """Draw the steps side by side, with buttons that open the view that they are about."""
    st.subheader(_("Your first minute"), anchor=False)
    with st.container(key="minute"):
        todo = steps(scene, maps)
        for column, step in zip(st.columns(len(todo), gap="medium"), todo, strict=True):
            with column:
                st.markdown(f"**{step.title}**  \n{step.sentence}")
                if step.page:
                    target = entry(step.page)
                    choices = {} if step.patch is None else {"patch": str(step.patch)}
                    st.page_link(target.path, label=step.label, icon=target.icon, query_params=choices)
