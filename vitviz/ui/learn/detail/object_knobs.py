"""How small an object can a token see? The knobs, what they give, and what is said where they do not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from vitviz.labs.object import noisy_picture
from vitviz.labs.object import smallest_object as lab
from vitviz.labs.object.detector import ALIGNMENTS, CORNER, EDGE, INSIDE, Detector
from vitviz.labs.object.noisy_picture import IMAGE_SIZE, NoisyPicture, whole_patches
from vitviz.labs.object.smallest_object import SmallestObject
from vitviz.ui.choices.patches_and_detail import (
    BRIGHTNESS,
    DRAW,
    LARGEST_OBJECT,
    LARGEST_PATCH,
    NOISE,
    OBJECT_PATCH,
    OBJECT_PLACE,
    OBJECT_SIZE,
    THRESHOLD,
)
from vitviz.ui.furniture import lesson
from vitviz.ui.reader import link
from vitviz.ui.text import _

TRIALS = 2000


@dataclass(frozen=True, eq=False)
class Simulation:
    """What the knobs give."""

    detector: Detector
    size: int
    picture: NoisyPicture
    curve: SmallestObject
    rate: float
    """Share of the simulated pictures in which the object is seen."""


def chosen_detector() -> Detector:
    """Return the detector that the knobs describe."""
    return Detector(
        patch_size=link.get(OBJECT_PATCH),
        brightness=link.get(BRIGHTNESS),
        noise=link.get(NOISE),
        threshold=link.get(THRESHOLD),
        alignment=link.get(OBJECT_PLACE),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _curve(detector: Detector) -> SmallestObject:
    return lab.run(detector=replace(detector, patch_size=16), trials=TRIALS)


def simulate() -> Simulation:
    """Return the picture, the curve and the share of detections for the reader's knobs."""
    detector, size = chosen_detector(), int(link.get(OBJECT_SIZE))
    cut = whole_patches(IMAGE_SIZE, detector.patch_size)
    picture = noisy_picture.run(detector, size, image_size=cut, seed=link.get(DRAW))
    rate = lab.detection_rate(detector, size, trials=TRIALS)
    return Simulation(detector, size, picture, _curve(replace(detector, patch_size=16)), rate)


def places() -> dict[str, str]:
    """Return what each place of the object is, in the reader's language."""
    return {
        INSIDE: _("inside a patch"),
        EDGE: _("on a border of two patches"),
        CORNER: _("on a corner of four patches"),
    }


def knobs() -> None:
    """Draw the knobs: patch and object, the others folded away."""
    first, second = st.columns(2, gap="medium")
    first.slider(_("Patch p (pixels)"), 1, LARGEST_PATCH, **link.widget(OBJECT_PATCH))
    second.slider(_("Object s (pixels)"), 1, LARGEST_OBJECT, **link.widget(OBJECT_SIZE))
    place, *numbers = lesson.more().columns(4, gap="medium")
    place.selectbox(
        _("Where the object lies"),
        ALIGNMENTS,
        format_func=lambda alignment: places()[alignment],
        **link.widget(OBJECT_PLACE),
    )
    numbers[0].slider(
        _("Brightness Δ of the object"),
        0.01,
        1.0,
        step=0.01,
        help=_("How much brighter than its ground; black to white is 1."),
        **link.widget(BRIGHTNESS),
    )
    numbers[1].slider(
        _("Noise σ of a pixel"),
        0.01,
        1.0,
        step=0.01,
        help=_("Standard deviation, in the unit of the brightness."),
        **link.widget(NOISE),
    )
    numbers[2].slider(
        _("Threshold k"),
        0.5,
        6.0,
        step=0.1,
        help=_("A token sees the object where its mean exceeds k of its own standard deviations."),
        **link.widget(THRESHOLD),
    )


def notes(simulation: Simulation) -> None:
    """Say what happens where the knobs do not fit each other."""
    detector = simulation.detector
    left = IMAGE_SIZE % detector.patch_size
    if left:
        st.info(
            _(
                "Patches of {patch} pixels do not fill {side}: the last {left} rows and columns would be in no token, "
                "as in a ViT whose patches do not divide its input. The picture is cut to {cut} × {cut}."
            ).format(patch=detector.patch_size, side=IMAGE_SIZE, left=left, cut=IMAGE_SIZE - left),
            icon=":material/content_cut:",
        )
    reach = detector.patch_size * (1 if detector.alignment == INSIDE else 2)
    if simulation.size > reach:
        st.info(
            _(
                "The object is larger than what one token can hold: the token is full, and its signal-to-noise ratio "
                "stays at Δp/σ = {cap:.3g} however large the object grows. Only a pool of tokens gains."
            ).format(cap=detector.cap),
            icon=":material/crop_free:",
        )
