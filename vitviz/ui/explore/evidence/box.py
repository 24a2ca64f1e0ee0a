"""Do the maps lie on the object? A box that the reader draws: the pointing game and the energy inside it."""

from __future__ import annotations

import streamlit as st

from vitviz.analysis.faithfulness_checks import Box, box_coverage, energy_in_box, pointing_game
from vitviz.errors import OptionError
from vitviz.numbers import percent
from vitviz.ui.choices.evidence import BOX, box_of
from vitviz.ui.components.box_drawer import box_drawer
from vitviz.ui.explore.evidence.maps import Outcome
from vitviz.ui.furniture import tables, viewer
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard


def current(scene: Scene) -> Box | None:
    """Return the box of this run in pixels of the input; one that does not fit the photo is told and left out."""
    if not link.get(BOX):
        return None
    box = box_of(link.get(BOX))
    try:
        box_coverage(scene.vit.grid, box)
    except OptionError as error:
        st.warning(plain(in_dashboard(error)), icon=":material/info:")
        link.put(BOX.at(""))
        return None
    return box


def draw(scene: Scene, outcomes: list[Outcome]) -> None:
    """Draw the photo to draw on and, once there is a box, what each map has inside it."""
    shown = [outcome for outcome in outcomes if outcome.attribution is not None]
    if not shown:
        return
    st.subheader(_("Do the maps lie on the object?"), anchor=False)
    box = current(scene)
    left, right = st.columns([2, 3], gap="large")
    with left:
        box_drawer(
            viewer.photo_file(scene),
            name=f"{scene.model_key}|{scene.photo.digest}",
            grid=scene.vit.grid,
            box=box,
            key="evidence_box",
            on_draw=_keep,
        )
    with right:
        st.markdown(
            _(
                "Draw a box round the object that is meant. A map of the object has its largest value inside, and more "
                "of its positive values than the box has of the picture. A map outside the box need not be wrong: "
                "models also use what stands around an object."
            )
        )
        if box is not None:
            _table(scene, shown, box)


def _keep(text: str) -> None:
    """Take over a box from the browser; a text that is none is told and changes nothing."""
    try:
        link.put(BOX.at("" if not text else ".".join(map(str, box_of(text)))))
    except OptionError as error:
        link.notice(in_dashboard(error))


def _table(scene: Scene, shown: list[Outcome], box: Box) -> None:
    grid = scene.vit.grid
    area = float(box_coverage(grid, box).sum()) / grid.patches
    names, hits, shares, times = [], [], [], []
    for outcome in shown:
        assert outcome.attribution is not None
        names.append(_(outcome.method.label))
        values = outcome.attribution.values
        if not (values > 0).any():
            hits.append(_("no positive values"))
            shares.append("–")
            times.append("–")
            continue
        energy = energy_in_box(values, grid, box)
        hits.append(_("inside") if pointing_game(values, grid, box) else _("outside"))
        shares.append(percent(energy))
        times.append(f"{energy / area:.2f} ×")
    tables.draw(
        {
            _("Map"): [*names, _("An even map")],
            _("Largest value"): [*hits, "–"],
            _("Energy in the box"): [*shares, percent(area)],
            _("Energy ÷ area"): [*times, "1.00 ×"],
        },
        alt=_("One row a map: whether its largest value is in the box, and how much of it is"),
    )
    st.caption(
        _(
            "Largest value: the pointing game (Zhang et al. 2018). Energy: the share of the positive values inside "
            "(Wang et al. 2020); the box covers {area} of the picture."
        ).format(area=percent(area))
    )
