"""Does attention know the order of its tokens? Shuffled tokens in one layer and in the loaded model."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.shuffling import ShuffleExperiment, move_patches, separate, shuffled_order
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import TITLED, line_chart
from vitviz.figures.palettes import VIT_BLUE
from vitviz.labs import permutation as lab
from vitviz.labs.permutation import Permutation
from vitviz.numbers import scientific
from vitviz.progress import Progress, report
from vitviz.ui.choices.attention_from_scratch import PAGE, PERMUTED, PERMUTED_MODEL, PERMUTED_SEED
from vitviz.ui.explore.positions import shuffling
from vitviz.ui.furniture import guessing, lesson, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.scratch import guesses
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork

_SECOND = "#B0558F"
_FLOOR = 1e-9
"""Lowest value that is drawn: an exact 0 has no place on a logarithmic axis."""

Pair = dict[bool, Permutation]
"""With positions or without, and what happens then."""


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment from its question to what can be taken away."""
    title = _("Does attention know the order of its tokens?")
    lesson.question(
        title,
        _(
            "The tokens are shuffled, with positions and without. Which outputs come out, and does what is read from "
            "the class token change?"
        ),
    )
    if not guessing.guided(guesses.order()):
        return None
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(_("One random layer"), anchor=False)
        layer, figure = _layer()
    with right:
        st.subheader(_("The loaded model, all layers"), anchor=False)
        model = _model(scene)
        if separate(scene.vit):
            _shuffled(scene)
    st.caption(
        _(
            "Numbers are the largest change of any channel of any token, as a share of the largest number in the "
            "output; below 10⁻⁵ is rounding of 32-bit numbers. “Invariant” would be f(Px) = f(x): it does not hold, "
            "because the outputs move with their tokens."
        )
    )
    experiment = shuffling.draw(scene)
    _words()
    return lesson.Result(
        PAGE,
        title,
        {
            "experiment": "order",
            "tokens": link.get(PERMUTED),
            "seed": link.get(PERMUTED_SEED),
            "model": scene.vit.name,
        },
        _code(scene),
        lambda: _arrays(layer, model, experiment),
        lambda: {title: figure},
    )


def _layer() -> tuple[Pair, go.Figure]:
    """Draw the knobs of the random layer and what shuffling does to it; return that and its figure."""
    first, second = st.columns(2)
    first.slider(_("Patch tokens"), 2, 64, **link.widget(PERMUTED))
    second.number_input(_("Seed"), 0, 99, **link.widget(PERMUTED_SEED))
    pair = {
        places: lab.run(tokens=link.get(PERMUTED), positions=places, seed=link.get(PERMUTED_SEED))
        for places in (False, True)
    }
    _table(pair)
    figure = _figure()
    chart(figure, key="order_chart")
    return pair, figure


def _figure() -> go.Figure:
    """Return what shuffling changes in a random layer, for sequences of several lengths."""
    lengths = (2, 4, 8, 16, 32, 64)
    permutations = {
        places: [lab.run(tokens=length, positions=places, seed=link.get(PERMUTED_SEED)) for length in lengths]
        for places in (False, True)
    }
    lines = [
        (_("f(Px) − P f(x)"), [permutation.equivariance for permutation in permutations[False]], VIT_BLUE, "solid"),
        (_("with positions"), [permutation.equivariance for permutation in permutations[True]], VIT_BLUE, "dash"),
        (_("f(Px) − f(x)"), [permutation.not_invariant for permutation in permutations[False]], _SECOND, "solid"),
    ]
    return line_chart(
        [
            *(Curve(name, lengths, np.maximum(y, _FLOOR), colour, dash) for name, y, colour, dash in lines),
            Level(_("tolerance 10⁻⁵"), 1e-5),
        ],
        x=Axis(_("Patch tokens"), log=True, ticks=lengths),
        y=Axis(_("Largest change ÷ largest output"), log=True),
        hover=TITLED,
    )


def _model(scene: Scene) -> Pair | None:
    """Draw the switch for the loaded model and what shuffling does to its tokens."""
    pair = controls.switch(
        LongWork(("permuted", scene.model_key, scene.photo.digest), lambda told: _both(scene, told)),
        PERMUTED_MODEL,
        label=_("Shuffle all patches of this photo"),
        help=_("Four passes of the model: a second or two."),
    )
    if pair is not None:
        _table(pair)
    return pair


def _shuffled(scene: Scene) -> None:
    """Draw the photo as the model gets it when all its patches have changed places."""
    vit = scene.vit
    order = shuffled_order(vit.grid.patches, 1.0)
    pixels = move_patches(scene.original.pixels, vit.grid, order)
    st.image(
        vit.picture(pixels), width=300, output_format="PNG", alt=_("The photo with all its patches in other places")
    )
    st.caption(_("P x: every patch of the photo in another place. Without positions the model cannot tell."))


def _both(scene: Scene, progress: Progress) -> Pair:
    pair: Pair = {}
    for places in (False, True):
        pair[places] = lab.on_model(scene.vit, scene.photo.image, positions=places)
        report(progress, len(pair), 2)
    return pair


def _table(pair: Pair) -> None:
    def shown(value: float | None) -> str:
        return "–" if value is None else scientific(value, 2)

    tables.draw(
        {
            "": [_("Equivariant? f(Px) − P f(x)"), _("Invariant? f(Px) − f(x)"), _("Class token")],
            **{
                _("with positions") if places else _("without positions"): [
                    shown(permutation.equivariance),
                    shown(permutation.not_invariant),
                    shown(permutation.class_token),
                ]
                for places, permutation in pair.items()
            },
        },
        alt=_("What shuffling changes, without and with positions"),
    )


def _words() -> None:
    lesson.formula(
        r"f(Px) = P f(x)\quad "
        + lesson.words(_("(equivariant)"))
        + r"\qquad f_{\mathrm{class}}(Px) = f_{\mathrm{class}}(x)\quad "
        + lesson.words(_("(invariant)")),
        {
            "f": _("self-attention, or a whole ViT without positions"),
            "x": _("patch tokens in order"),
            "P": _("any permutation of them"),
        },
    )
    lesson.try_next(
        [
            _("Compare the two columns of the random layer: with positions both promises break at once."),
            _(
                "Guess first: at which share of shuffled patches does the answer go? Then shuffle ever more of this "
                "photo below. Many a photo keeps its answer even when no patch lies where it was."
            ),
            (_("What do the positions look like? Encodings side by side"), PAGE, {"scratch": "encodings"}),
            (_("The Positions page: the encoding of this model in full"), "positions", {}),
        ]
    )
    lesson.caveat(
        _(
            "Self-attention is often called permutation-invariant. It is equivariant: its outputs follow their "
            "tokens. Invariant is only what is read from one token that stays, or from the mean. And shuffled photos "
            "are unlike anything a model was trained on: a changed answer shows that order counts, not how the model "
            "uses it."
        )
    )


def _code(scene: Scene) -> str:
    tokens, seed = link.get(PERMUTED), link.get(PERMUTED_SEED)
    return "\n".join(
        [
            "import vitviz",
            "from vitviz.examples import example",
            "from vitviz.labs import permutation",
            "",
            f"shuffled = permutation.run(tokens={tokens}, seed={seed})",
            "values = [shuffled.equivariance, shuffled.not_invariant, shuffled.class_token]",
            load_line(scene),
            f"print(permutation.on_model(vit, {picture_expression(scene)}))",
            f"vitviz.shuffle_experiment(vit, {picture_expression(scene)}).figure()",
            "",
        ]
    )


def _arrays(layer: Pair, model: Pair | None, experiment: ShuffleExperiment | None) -> dict[str, NDArray[Any]]:
    """Return the numbers: (positions: without, with; equivariance, invariance, class token)."""
    arrays: dict[str, NDArray[Any]] = {"layer": _numbers(layer)}
    if model is not None:
        arrays["model"] = _numbers(model)
    if experiment is not None:
        arrays |= {
            "shuffled_shares": np.array(experiment.shares),
            "cosine_with_positions": experiment.with_positions.cosine,
            "cosine_without_positions": experiment.without_positions.cosine,
        }
    return arrays


def _numbers(pair: Pair) -> NDArray[Any]:
    rows = [
        [permutation.equivariance, permutation.not_invariant, permutation.class_token] for permutation in pair.values()
    ]
    return np.array(rows, dtype=np.float64)
