"""The experiment of the smallest object, from its question to what can be taken away."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.labs.object.pasted_object import PastedObject
from vitviz.numbers import percent
from vitviz.ui.choices.attention_from_scratch import PAGE as SCRATCH
from vitviz.ui.choices.patches_and_detail import DRAW, PAGE
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.detail import guesses, object_knobs, object_pictures, pasted_object
from vitviz.ui.learn.detail.object_knobs import Simulation
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the smallest object: simulation, formula and the loaded model."""
    lesson.question(
        _("How small an object can a token see?"),
        _(
            "A token is made from a whole patch. Here it is the mean of its pixels: a small object drowns in the "
            "average, and more so the larger the patch."
        ),
    )
    object_knobs.knobs()
    simulation = object_knobs.simulate()
    noisy = partial(sheet_figures.picture, object_pictures.noisy(simulation), _("Noise, with the object framed"))
    if not guessing.guided(guesses.smallest_object(), figure=noisy):
        return None
    object_knobs.notes(simulation)
    object_pictures.pictures(simulation)
    object_pictures.numbers(simulation)
    st.button(
        _("Draw other noise"),
        icon=":material/casino:",
        key="draw_again",
        on_click=lambda: link.put(DRAW.at((link.get(DRAW) + 1) % 10_000)),
    )
    curve, pasted, figures = _side_by_side(scene, simulation)
    _object_words(simulation)
    return lesson.Result(
        PAGE,
        _("How small an object can a token see?"),
        _object_settings(simulation),
        _object_code(scene, simulation, pasted),
        lambda: _object_arrays(simulation, pasted),
        lambda: {_("The smallest object"): curve} | figures,
    )


def _side_by_side(scene: Scene, simulation: Simulation) -> tuple[go.Figure, PastedObject | None, dict[str, go.Figure]]:
    """Draw the formula's curve beside the loaded model; return the curve, what the model did, and its figures."""
    figures: dict[str, go.Figure] = {}
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(_("A patch that averages"), anchor=False)
        curve = object_pictures.curve_figure(simulation)
        chart(curve, key="smallest_curve")
        _curve_words(simulation)
    with right:
        st.subheader(_("The loaded model"), anchor=False)
        pasted = pasted_object.ask(scene)
        if pasted is not None:
            figures[_("Signal and noise in the model")] = pasted_object.draw_ratio(scene, pasted)
    if pasted is not None:
        figures[_("Change layer by layer")] = pasted_object.draw_layers(scene, pasted)
    return curve, pasted, figures


def _curve_words(simulation: Simulation) -> None:
    curve = simulation.curve
    if curve.slope is None:
        st.caption(_("With these knobs fewer than two of the counted patch sizes see anything."))
        return
    st.caption(
        _(
            "Slope of the counted sizes: {slope:.3f}; of the formula at the same patch sizes: {wanted:.3f}. The "
            "counted sizes differ from the formula by at most {gap}, which is the chance of {trials} pictures."
        ).format(
            slope=curve.slope,
            wanted=curve.formula_slope,
            gap=percent(curve.largest_difference or 0.0),
            trials=curve.trials,
        )
    )


def _object_words(simulation: Simulation) -> None:
    lesson.formula(
        r"s_{\min} = \sqrt{\frac{k\,\sigma\,p}{\Delta}}\quad "
        + lesson.words(_("for"))
        + r"\quad p \ge \frac{k\sigma}{\Delta}",
        {
            r"s_{\min}": _("side of the object seen in half of all pictures, pixels"),
            "p": _("side of the patch, pixels"),
            r"\Delta": _("brightness of the object"),
            r"\sigma": _("noise of a pixel"),
            "k": _("threshold, in standard deviations σ/p of the token's mean"),
        },
    )
    lesson.try_next(
        [
            _("Make the patch smaller than kσ/Δ = {limit:.3g} pixels: one token is then blind.").format(
                limit=simulation.detector.limit
            ),
            _("Move the object to a corner of four patches: it must be twice as large."),
            (_("What does a smaller patch cost? Other patch sizes of this model"), PAGE, {"detail": "patch_size"}),
            (_("How do tokens share what they hold? Attention from scratch"), SCRATCH, {}),
        ]
    )
    lesson.caveat(
        _(
            "A trained patch embedding does not average: it has hundreds of filters, and a sharp small object can "
            "stand out in some of them. The threshold sees one token; a network pools many: of patches smaller than "
            "kσ/Δ, those that tile the object see kσ/Δ together. A larger patch gains nothing from it, since one token "
            "holds the object. And a low threshold buys small objects with false alarms."
        )
    )


def _object_settings(simulation: Simulation) -> dict[str, Any]:
    detector = simulation.detector
    return {
        "experiment": "smallest_object",
        "patch_size": detector.patch_size,
        "size": simulation.size,
        "brightness": detector.brightness,
        "noise": detector.noise,
        "threshold": detector.threshold,
        "alignment": detector.alignment,
        "seed": link.get(DRAW),
    }


def _object_code(scene: Scene, simulation: Simulation, pasted: PastedObject | None) -> str:
    detector = simulation.detector
    lines = [
        "from vitviz.labs import noisy_picture, smallest_object",
        "",
        "detector = smallest_object.Detector(",
        f"    patch_size={detector.patch_size}, brightness={detector.brightness}, noise={detector.noise},",
        f"    threshold={detector.threshold}, alignment={detector.alignment!r},",
        ")",
        "print(detector.smallest, detector.pooled_smallest)  # pixels",
        f"picture = noisy_picture.run(detector, {simulation.size}, image_size={len(simulation.picture.pixels)}, "
        f"seed={link.get(DRAW)})",
        "values = picture.means  # (rows, columns), in standard deviations",
        "counted = smallest_object.run(detector=detector)  # in noisy pictures",
        "print(counted.slope)",
        "counted.figure()" if pasted is None else "",
    ]
    if pasted is not None:
        lines += [
            "import vitviz",
            "from vitviz.examples import example",
            "from vitviz.labs import pasted_object",
            "",
            load_line(scene),
            f"measured = pasted_object.run(vit, {picture_expression(scene)}, patch={pasted.patch}, detector=detector)",
            "print(measured.signal_to_noise)  # (size, layer)",
            "measured.figure()",
        ]
    return "\n".join(lines) + "\n"


def _object_arrays(simulation: Simulation, pasted: PastedObject | None) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "pixels": simulation.picture.pixels,
        "means": simulation.picture.means,
        "coverage": simulation.picture.coverage,
        "patch_sizes": np.array(simulation.curve.patch_sizes),
        "formula": np.array(simulation.curve.formula, dtype=np.float64),
        "measured": np.array(simulation.curve.measured, dtype=np.float64),
        "pooled": np.array(simulation.curve.pooled),
    }
    if pasted is not None:
        arrays |= {
            "sizes": np.array(pasted.sizes),
            "object_change": pasted.object_change,
            "noise_change": pasted.noise_change,
            "signal_to_noise": pasted.signal_to_noise,
        }
    return arrays
