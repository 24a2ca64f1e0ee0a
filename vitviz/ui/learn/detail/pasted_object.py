"""The same object on the reader's photo: what the covered token of the loaded model makes of it, and of noise."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.curve import Curve, Level
from vitviz.figures.theme import NEUTRAL
from vitviz.labs.object import pasted_object as lab
from vitviz.labs.object.detector import CORNER, EDGE, Detector
from vitviz.labs.object.pasted_object import PastedObject
from vitviz.pictures.lessons import FAINTEST, pasted_layers
from vitviz.pictures.lessons import pasted as ratios
from vitviz.ui.choices.patches_and_detail import PASTED
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.detail.object_knobs import chosen_detector
from vitviz.ui.reader.scene import Scene, pinned_patch
from vitviz.ui.text import _
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork


def ask(scene: Scene) -> PastedObject | None:
    """Draw the switch that pastes the object on the photo, and return what it did if that is there."""
    detector = chosen_detector()
    patch = pinned_patch(scene)
    knobs = (detector.brightness, detector.noise, detector.alignment)
    key = ("pasted", scene.model_key, scene.photo.digest, patch, *knobs)
    work = LongWork(
        key, lambda report: lab.run(scene.vit, scene.photo.image, patch=patch, detector=detector, progress=report)
    )
    return controls.switch(
        work,
        PASTED,
        label=_("Paste the object on this photo"),
        help=_("About 20 passes of the model: a few seconds."),
    )


def picture(scene: Scene, pasted: PastedObject) -> NDArray[np.uint8]:
    """Return the photo as the model sees it, with the object that is as large as the patch."""
    vit, detector = scene.vit, chosen_detector()
    place = int(np.searchsorted(pasted.sizes, max(vit.grid.patch_size)))
    left, top, right, bottom = pasted.boxes[min(place, len(pasted.boxes) - 1)]
    shown = vit.picture(scene.original.pixels).astype(np.float64) / 255
    rows, columns = slice(round(top), round(bottom)), slice(round(left), round(right))
    shown[rows, columns] = np.clip(shown[rows, columns] + pasted.sign * detector.brightness, 0, 1)
    painted: NDArray[np.uint8] = np.rint(shown * 255).astype(np.uint8)
    return painted


def averaging(scene: Scene) -> Detector:
    """Return the patch that averages its pixels and their three colours, with the model's patch size and the knobs.

    The noise of the colours is independent, so the mean of a pixel's three values has 1/√3 of it.
    """
    detector = chosen_detector()
    side = max(scene.vit.grid.patch_size)
    return Detector(
        patch_size=side,
        brightness=detector.brightness,
        noise=detector.noise / math.sqrt(3),
        threshold=detector.threshold,
        alignment=detector.alignment,
    )


def ratio_figure(scene: Scene, pasted: PastedObject) -> go.Figure:
    """Return the signal-to-noise ratio of the token against the object's size, at the input and after blocks."""
    mean = averaging(scene)
    sizes = np.array(pasted.sizes, dtype=np.float64)
    formula = np.maximum([mean.signal_to_noise(size) for size in sizes], FAINTEST)
    line = Curve(_("averaging patch"), sizes, formula, NEUTRAL, "dash", "line")
    return ratios(pasted, extra=[line, Level(_("k"), mean.threshold)], say=_).figure()


def draw_ratio(scene: Scene, pasted: PastedObject) -> go.Figure:
    """Draw the ratio against the size, and what it says beside the formula."""
    figure = ratio_figure(scene, pasted)
    chart(figure, key="pasted_ratio")
    last = pasted.signal_to_noise.shape[1] - 1
    mean = averaging(scene)
    slope = pasted.slope(0, max(scene.vit.grid.patch_size))
    st.markdown(
        _(
            "Reaches k = {k:g} at **{formula}** in a patch that averages its pixels and colours, at **{first}** at "
            "this model's input, at **{last}** after its last layer."
        ).format(
            k=mean.threshold,
            formula=_pixels(mean.smallest),
            first=_pixels(pasted.smallest(0, mean.threshold)),
            last=_pixels(pasted.smallest(last, mean.threshold)),
        )
    )
    st.caption(
        _(
            "Why they differ: the patch embedding is hundreds of learned filters and not one mean. The token's change "
            "grows as s to the power {slope:.2f} up to the patch's size, where a mean would give 2: many filters "
            "answer to edges, which small objects have too. No linear reader of the patch could exceed √3·Δs/σ, one "
            "Δs/σ for each colour. In later layers the noise of all other patches reaches the token through "
            "attention, and the object of one patch counts for less."
        ).format(slope=slope)
    )
    return figure


def draw_layers(scene: Scene, pasted: PastedObject) -> go.Figure:
    """Draw the photo with the object, and the change of the token layer by layer."""
    left, right = st.columns([1, 3], gap="medium")
    shade = _("brighter") if pasted.sign > 0 else _("darker")
    left.image(
        picture(scene, pasted), width="stretch", output_format="PNG", alt=_("The photo with the object pasted on it")
    )
    left.caption(
        _(
            "An object as large as the patch, {shade} than its ground by Δ = {delta:g}, {place}. Pin another patch on "
            "the Attention page to move it."
        ).format(shade=shade, delta=chosen_detector().brightness, place=_place(chosen_detector().alignment))
    )
    with right:
        figure = pasted_layers(pasted, say=_)
        chart(figure, key="pasted_layers")
        st.caption(
            _(
                "The covered token, with and without the object. Where a line leaves the grey band, the object moves "
                "the token further than noise alone does in any direction. What the classifier reads turns by "
                "{object:.4f} (1 − cosine) for the largest object, and by {noise:.4f} for noise on the whole photo."
            ).format(object=pasted.read_change[-1], noise=pasted.noise_read_change.mean())
        )
    return figure


def _place(alignment: str) -> str:
    return {EDGE: _("on the border to the next patch"), CORNER: _("on a corner")}.get(alignment, _("inside it"))


def _pixels(size: float | None) -> str:
    return _("no size") if size is None else f"{size:.1f} px"
