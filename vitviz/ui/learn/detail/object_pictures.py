"""The patch that averages, in pictures: noise and object, patch means, detections, numbers, and the formula's curve."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.figures.curve import Point
from vitviz.figures.detection import KINDS, detection_map, grey_picture, kind_counts
from vitviz.figures.html_bars import colour_bar, legend
from vitviz.figures.paint import Picture, paint_map
from vitviz.figures.scale import Scale
from vitviz.labs.object.noisy_picture import NoisyPicture
from vitviz.numbers import percent, scientific
from vitviz.pictures import lessons
from vitviz.ui.learn.detail.object_knobs import TRIALS, Simulation
from vitviz.ui.text import _, ngettext

_SIDE = 512


def pictures(simulation: Simulation) -> None:
    """Draw the noisy picture, the means of its patches and what is detected."""
    with st.container(key="whole_three"):
        first, second, third = st.columns(3, gap="medium")
    with first:
        _noisy(simulation)
    with second:
        _means(simulation.picture)
    with third:
        _detected(simulation.picture)


def _noisy(simulation: Simulation) -> None:
    st.markdown(_("**The picture**"))
    alt = _("Noise, with the object framed")
    st.image(noisy(simulation), width="stretch", output_format="PNG", alt=alt)
    count = simulation.size**2
    st.caption(
        ngettext(
            "{size} × {size} pixel is brighter by Δ, in the orange frame.",
            "{size} × {size} pixels are brighter by Δ, in the orange frame.",
            count,
        ).format(size=simulation.size)
    )


def noisy(simulation: Simulation) -> Picture:
    """Return the noisy picture with the object framed."""
    reach = simulation.detector.brightness + 2.5 * simulation.detector.noise
    return grey_picture(simulation.picture.pixels, reach=reach, box=simulation.picture.box, side=_SIDE)


def _means(shown: NoisyPicture) -> None:
    st.markdown(_("**What the tokens hold**"))
    top = float(np.abs(shown.means).max())
    scale = Scale(-top, top, signed=True)
    painted = paint_map(shown.means, scale, height=_SIDE, width=_SIDE)
    st.image(painted, width="stretch", output_format="PNG", alt=_("The mean of every patch"))
    st.html(colour_bar(scale, title=_("mean of the patch, in its standard deviations σ/p")))


def _detected(shown: NoisyPicture) -> None:
    st.markdown(_("**What exceeds k**"))
    height, width = shown.pixels.shape
    left, top, right, bottom = shown.box
    box = (left / width, top / height, right / width, bottom / height)
    marked = detection_map(shown.detected, shown.touched, side=_SIDE, box=box)
    st.image(marked, width="stretch", output_format="PNG", alt=_("Which patches see the object"))
    counts = kind_counts(shown.detected, shown.touched)
    words = {"seen": _("seen"), "missed": _("missed"), "false alarm": _("false alarm"), "quiet": _("quiet")}
    st.html(legend([(f"{words[kind]} {count}", KINDS[kind]) for kind, count in counts.items()]))


def numbers(simulation: Simulation) -> None:
    """Draw the numbers of the current knobs, each beside its check."""
    detector = simulation.detector
    columns = st.columns(4)
    ratio, chance = detector.signal_to_noise(simulation.size), detector.chance(simulation.size)
    columns[0].metric(
        _("Signal ÷ noise"),
        f"{ratio:.2f}",
        help=_("Needs k = {k:g}. It cannot exceed Δp/σ = {cap:.3g}.").format(k=detector.threshold, cap=detector.cap),
    )
    columns[1].metric(
        _("Seen by one token in"),
        percent(chance),
        help=_("Φ(ratio − k). Counted in {trials} simulated pictures: {rate}.").format(
            trials=TRIALS, rate=percent(simulation.rate)
        ),
    )
    smallest = detector.smallest
    columns[2].metric(
        _("Smallest object"),
        _("none") if smallest is None else f"{smallest:.2f} px",
        help=_("Seen in half of all pictures. A pool of all touched tokens: {pool:.2f} px.").format(
            pool=detector.pooled_smallest
        ),
    )
    patches = simulation.picture.means.size - int(simulation.picture.touched.sum())
    columns[3].metric(
        _("False alarms expected"),
        scientific(patches * detector.false_alarm, 2),
        help=_("{patches} patches without object, each with a chance of Φ(−k) = {chance}.").format(
            patches=patches, chance=scientific(detector.false_alarm, 2)
        ),
    )


def curve_figure(simulation: Simulation) -> go.Figure:
    """Return the smallest visible object against the patch size, with the reader's own point."""
    knobs = Point(_("your knobs"), simulation.detector.patch_size, simulation.size)
    return lessons.smallest(simulation.curve, extra=[knobs], say=_).figure()
