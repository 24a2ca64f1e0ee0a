"""The residual path of the loaded model: attention as a filter, and spectra with and without the path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.capture.edit import Edit
from vitviz.errors import VitvizError
from vitviz.labs.attention_filter import AttentionGain, ResidualComparison, attention_gain, compare_residual
from vitviz.models.vit import ViT
from vitviz.numbers import percent
from vitviz.pictures import blocks
from vitviz.trace import Trace
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import N_, _, gap, plain
from vitviz.ui.words.errors import in_dashboard

_ALIKE = 1.0
"""Natural logarithm: detail that is e times weaker without the paths is said to fade."""


@dataclass(frozen=True, eq=False)
class ModelMeasured:
    """What was measured on the loaded model."""

    gains: AttentionGain
    spectra: ResidualComparison


@st.cache_resource(max_entries=12, show_spinner=N_("Measuring the residual path …"))
def measured(model_key: str, digest: str, edit: Edit, _vit: ViT, _trace: Trace) -> ModelMeasured | str:
    """Return the gains and spectra of a model on a photo, or why there are none."""
    try:
        return ModelMeasured(attention_gain(_trace), compare_residual(_vit, _trace))
    except VitvizError as error:
        return in_dashboard(error)


def draw(scene: Scene, figures: dict[str, go.Figure]) -> ModelMeasured | None:
    """Draw the loaded model's side; add its figures and return the numbers, or None where there are none."""
    st.subheader(_("The loaded model on this photo"), anchor=False)
    outcome = measured(scene.model_key, scene.photo.digest, scene.original.edit, scene.vit, scene.original)
    if isinstance(outcome, str):
        st.info(plain(outcome))
        return None
    left, right = st.columns(2, gap="large")
    with left:
        figures[_("Gain of the model's attention")] = _gains(outcome.gains)
    with right:
        detail = _spectra(outcome.spectra)
        figures |= {} if detail is None else {_("Detail by layer"): detail}
    return outcome


def _gains(gains: AttentionGain) -> go.Figure:
    last = len(gains.attention) - 1
    made = blocks.gains(gains, say=_).figure()
    chart(made, key="depth_attention_gain")
    st.caption(
        _(
            "How much of each wave over the grid attention lets through, mean of the heads. The fastest waves keep "
            "{first} in layer 0 and {last} in layer {layer}: attention averages. With the residual path, "
            "(I + A)/2, they keep {kept}. Values and MLP are not part of this."
        ).format(
            first=percent(gains.attention[0, -1]),
            last=percent(gains.attention[-1, -1]),
            layer=last,
            kept=percent(gains.residual[-1, -1]),
        )
    )
    return made


def _spectra(comparison: ResidualComparison) -> go.Figure | None:
    kept, cut = comparison.with_residual[:, -1], comparison.without_residual[:, -1]
    if not np.isfinite([kept, cut]).all():
        st.info(_("The tokens of some layer have no mean to compare with; there is no spectrum."))
        return None
    made = blocks.spectra(comparison, say=_).figure()
    chart(made, key="depth_spectra")
    st.caption(
        _(
            "The whole forward pass, run again with the path around every block cut. Natural logarithm of the "
            "amplitude "
            "at the highest frequency over that at frequency 0. At the end detail is exp({kept:.1f}) = {with_path} of "
            "the mean with the paths and {without} without."
        ).format(kept=kept[-1], with_path=percent(np.exp(kept[-1])), without=percent(np.exp(cut[-1])))
        + (gap() + _("Without them the tokens become alike.") if cut[-1] < kept[-1] - _ALIKE else "")
    )
    return made


def code(scene: Scene) -> str:
    """Return the Python that measures the model again."""
    return (
        "\nimport vitviz\nfrom vitviz.examples import example\n"
        "from vitviz.labs.attention_filter import attention_gain, compare_residual\n\n"
        f"{load_line(scene)}\n"
        f"trace = vitviz.trace(vit, {picture_expression(scene)})\n"
        "gains = attention_gain(trace)\n"
        "print(gains.attention[-1], compare_residual(vit, trace).without_residual[:, -1])\n"
        "gains.figure()\n"
    )


def arrays(outcome: ModelMeasured | None) -> dict[str, NDArray[Any]]:
    """Return the numbers to take away."""
    if outcome is None:
        return {}
    return {
        "wave_frequency": outcome.gains.frequency,
        "attention_gain": outcome.gains.attention,
        "attention_gain_with_residual": outcome.gains.residual,
        "band_frequency": outcome.spectra.frequency,
        "log_amplitude": outcome.spectra.with_residual,
        "log_amplitude_without_residual": outcome.spectra.without_residual,
    }
