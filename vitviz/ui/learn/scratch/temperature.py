"""The experiment of the temperature, from its question to what can be taken away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.labs.model_temperature import ModelTemperature
from vitviz.ui.choices.attention_from_scratch import EXAMPLE, FACTOR, HEATED, PAGE, TAU, TOKEN_ROWS
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.scratch import guesses, temperature_example, temperature_film, temperature_model
from vitviz.ui.learn.scratch.temperature_example import Example
from vitviz.ui.learn.scratch.temperature_model import Heated
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

Figures = dict[str, go.Figure]


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    title = _("What does the temperature of attention do?")
    lesson.question(
        title,
        _(
            "Attention turns scores into shares. The temperature decides how much a larger score counts: from the "
            "largest one alone to all alike. The pictures show shares before and after."
        ),
    )
    example = temperature_example.example()
    if not guessing.guided(guesses.temperature(example), figure=temperature_example.scores(example)):
        return None
    left, right = st.columns(2, gap="large")
    with left:
        shown, figures = _example()
    with right:
        heated, more = _model(scene)
    figures |= more
    sweep = _sweep(scene, figures)
    _words()
    return lesson.Result(
        PAGE,
        title,
        {
            "experiment": "temperature",
            "temperature": link.get(TAU),
            "tokens": shown.rows,
            "factor": link.get(FACTOR),
            "layer": link.get(HEATED),
        },
        _code(scene, shown, heated),
        lambda: _arrays(shown, heated, sweep),
        lambda: figures,
    )


def _example() -> tuple[Example, Figures]:
    st.subheader(_("Five tokens"), anchor=False)
    temperature_example.slider()
    shown = temperature_example.example()
    temperature_example.limit_words(shown)
    attention = temperature_example.attention_figure(shown)
    chart(attention, key="small_attention")
    entropy = temperature_example.entropy_figure(shown, guessing.drawn(guesses.temperature_curve(shown)))
    chart(entropy, key="small_entropy")
    temperature_example.table(shown)
    with st.expander(_("Edit the queries and keys"), icon=":material/edit:", key="edit_tokens"):
        temperature_example.editor()
        st.button(_("Back to the first numbers"), key="tokens_back", on_click=lambda: link.put(TOKEN_ROWS.at(EXAMPLE)))
    return shown, {_("Attention of five tokens"): attention, _("Entropy of five tokens"): entropy}


def _model(scene: Scene) -> tuple[Heated | None, Figures]:
    st.subheader(_("The loaded model"), anchor=False)
    temperature_model.knobs(scene)
    heated = temperature_model.heat(scene)
    if heated is None:
        return None, {}
    temperature_model.numbers(scene, heated)
    temperature_model.maps(scene, heated)
    entropy = temperature_model.entropy_figure(heated)
    chart(entropy, key="model_entropy")
    st.caption(
        _(
            "A factor of 1 is the plain model, bit for bit. In the first layer a higher temperature can only raise the "
            "entropy. In later layers it may also fall: their input has changed too, and so have their scores."
        )
    )
    return heated, {_("Entropy in the model"): entropy}


def _sweep(scene: Scene, figures: Figures) -> ModelTemperature | None:
    """Draw the drift over all temperatures if it is asked for, and add its figure."""
    st.subheader(_("How far from √d does the model still work?"), anchor=False)
    sweep = temperature_model.ask_sweep(scene)
    if sweep is not None:
        temperature_film.draw(scene, sweep)
        figure = figures[_("Drift with temperature")] = temperature_model.sweep_figure(sweep)
        chart(figure, key="heat_sweep")
        temperature_model.sweep_table(scene, sweep)
    return sweep


def _words() -> None:
    lesson.formula(
        r"A = \mathrm{softmax}\!\left(\frac{QK^\top}{\tau}\right)\qquad "
        r"\frac{dH}{d\beta} = -\beta\,\mathrm{Var}_A(\mathrm{scores}) \le 0",
        {
            "Q, K": _("queries and keys, d channels each"),
            r"\tau": _("temperature, √d in Transformers"),
            r"\beta = 1/\tau": _("its inverse"),
            "H": _("entropy of a row of A, nats"),
            r"e^H": _("effective number of tokens attended to"),
        },
    )
    lesson.try_next(
        [
            _("Move τ to its left end: tokens 2 and 4 keep one key, 1 and 3 a tie of two, 5 a tie of three."),
            _("Heat one layer alone, an early and a late one: which does the answer mind more?"),
            (_("Which head is sharp already? Heads by entropy"), "heads", {"statistic": "entropy"}),
            (_("Where is the place in all this? Four patches"), PAGE, {"scratch": "places"}),
        ]
    )
    lesson.caveat(
        _(
            "The law is about one softmax with fixed scores. In a network all later scores change with the "
            "temperature, so nothing promises that the entropy of layer 5 rises too. And a model is trained at √d: "
            "its drift shows how much it relies on its own sharpness, not which temperature would be best after "
            "training."
        )
    )


def _code(scene: Scene, shown: Example, heated: Heated | None) -> str:
    table = np.array(shown.rows)
    tau = shown.tempered.temperature
    lines = [
        "import vitviz",
        "from vitviz.examples import example",
        "from vitviz.labs import model_temperature, temperature",
        "",
        f"queries = {table[:, :2].tolist()}",
        f"keys = {table[:, 2:].tolist()}",
        f"tempered = temperature.run(queries, keys, {'float(' + repr('inf') + ')' if tau == math.inf else repr(tau)})",
        "values = tempered.attention  # (query, key)",
        "print(tempered.entropy, tempered.effective, tempered.slope)",
        "tempered.figure()" if heated is None else "",
    ]
    if heated is not None:
        lines += [
            load_line(scene),
            f"edit = model_temperature.tempered_edit(vit, {heated.factor!r}, {heated.layer!r})",
            f"trace = vitviz.trace(vit, {picture_expression(scene)}, edit=edit)",
            "print(vitviz.head_statistics(trace).entropy)  # (layer, head), nats",
            f"sweep = model_temperature.run(vit, {picture_expression(scene)}, layer={heated.layer!r})",
            "print(sweep.cosine)",
            "sweep.figure()",
        ]
    return "\n".join(lines) + "\n"


def _arrays(shown: Example, heated: Heated | None, sweep: ModelTemperature | None) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "scores": shown.tempered.scores,
        "attention": shown.tempered.attention,
        "entropy": shown.tempered.entropy,
        "slope": shown.tempered.slope,
    }
    if heated is not None:
        arrays |= {"model_entropy_before": heated.before.entropy, "model_entropy_after": heated.after.entropy}
    if sweep is not None:
        arrays |= {"factors": np.array(sweep.factors), "cosine": sweep.cosine, "probability": sweep.probability}
    return arrays
