"""Attention rollout by hand: two small layers multiplied, every path drawn; then one token under two photos."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vitviz.figures.heatmaps import token_matrix
from vitviz.figures.palettes import PINNED
from vitviz.figures.scale import Scale
from vitviz.labs import rollout_by_hand as lab
from vitviz.labs.rollout_by_hand import RolloutSteps
from vitviz.ui.choices.attention_from_scratch import (
    LAYERS_EXAMPLE,
    PAGE,
    ROLLED,
    ROLLED_LAYERS,
    ROLLED_RESIDUAL,
    ROLLED_STAGE,
    layers_of,
    tables_text,
)
from vitviz.ui.components.matrix_sheet import matrix_sheet
from vitviz.ui.components.sheet_view import SheetMatrix, SheetPaths, SheetStage, SheetView
from vitviz.ui.components.standalone import fragment
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.learn.scratch import guesses, hand, rollout_photos
from vitviz.ui.learn.scratch.rollout_photos import TwoPhotos
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

FIRST, SECOND = "A⁽¹⁾", "A⁽²⁾"


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    title = _("What does a token see after two layers?")
    lesson.question(
        title,
        _(
            "Four tokens. Below, each looks at itself and one neighbour; above, at every other token. Guess first: "
            "which input tokens reach output token 1?"
        ),
    )
    steps = _steps()
    st.slider(
        _("Residual share r"),
        0.0,
        1.0,
        step=0.05,
        help=_("How much of a token passes a layer unchanged. 0 leaves the residual connection out, ½ is usual."),
        **link.widget(ROLLED_RESIDUAL),
    )
    given = {FIRST: (_names(), _names(), steps.first), SECOND: (_names(), _names(), steps.second)}
    if not guessing.guided(guesses.rollout(steps), figure=partial(sheet_figures.tables, given)):
        return None
    view = SheetView(matrices=_matrices(steps), stages=_stages(steps), stage=link.get(ROLLED_STAGE))
    matrix_sheet(view, key="rollout_sheet", on_edit=_edit, on_stage=partial(hand.set_stage, ROLLED_STAGE))
    _field_words(steps)
    st.subheader(_("One token under two photos"), anchor=False)
    photos = rollout_photos.draw(scene)
    _words()
    figure = token_matrix(
        steps.rollout,
        _names(),
        scale=Scale(0.0, 1.0, uniform=1 / ROLLED, scope="absolute"),
        query_title=_("Output token"),
        key_title=_("Input token"),
        value_title=_("Share"),
        height=340,
    )
    return lesson.Result(
        PAGE,
        title,
        {"experiment": "rollout", "layers": link.get(ROLLED_LAYERS), "residual": steps.residual, "layer": scene.layer},
        _code(scene, steps, photos),
        lambda: {"first": steps.first, "second": steps.second, "rollout": steps.rollout, **photos.arrays()},
        lambda: {title: figure},
        lambda: fragment(view),
    )


def _steps() -> RolloutSteps:
    first, second = layers_of(link.get(ROLLED_LAYERS))
    return lab.run(first, second, residual=link.get(ROLLED_RESIDUAL))


def _edit(symbol: str, row: int, column: int, value: float) -> None:
    """Put a share that was typed into the link; the others of its row are scaled so that it sums to 1."""
    layers = dict(zip((FIRST, SECOND), layers_of(link.get(ROLLED_LAYERS)), strict=True))
    layers[symbol] = lab.with_share(layers[symbol], row, column, value)
    link.put(ROLLED_LAYERS.at(tables_text(layers.values())))


def _names() -> list[str]:
    return [str(number) for number in range(1, ROLLED + 1)]


def _matrices(steps: RolloutSteps) -> list[SheetMatrix]:
    names = _names()
    given = (
        (FIRST, _("attention, layer 1"), steps.first, True),
        (SECOND, _("attention, layer 2"), steps.second, True),
        ("Â⁽¹⁾", _("with residual"), steps.first_mixed, False),
        ("Â⁽²⁾", _("with residual"), steps.second_mixed, False),
        ("R", _("rollout"), steps.rollout, False),
    )
    return [
        SheetMatrix(
            symbol=symbol, title=title, rows=names, columns=names, values=values, editable=editable, share=True,
            step=0.1, low=0.0, high=1.0,
        )
        for symbol, title, values, editable in given
    ]  # fmt: skip


def _stages(steps: RolloutSteps) -> list[SheetStage]:
    blend = _(
        "The residual connection hands the token itself on: (1 − r) times the attention, plus r on the diagonal. A "
        "number typed into A scales the others of its row, which must sum to 1."
    )
    return [
        SheetStage(
            title=_("1 Layer 1"), words=blend, equation="Â⁽¹⁾ = (1−r)·A⁽¹⁾ + r·I", kind="blend", result="Â⁽¹⁾",
            left=FIRST, factor=steps.residual,
        ),
        SheetStage(
            title=_("2 Layer 2"), words=blend, equation="Â⁽²⁾ = (1−r)·A⁽²⁾ + r·I", kind="blend", result="Â⁽²⁾",
            left=SECOND, factor=steps.residual,
        ),
        SheetStage(
            title=_("3 Rollout"),
            words=_(
                "The later layer stands on the left. Row j is the receptive field of output token j; every summand of "
                "a cell is one path, from output j over a token between to input i."
            ),
            equation="R = Â⁽²⁾·Â⁽¹⁾", kind="product", result="R", left="Â⁽²⁾", right="Â⁽¹⁾",
            paths=SheetPaths(
                names=(_("output"), _("between"), _("input")), colours=PINNED[:ROLLED],
                label=_("Paths from the output token of the row to the input tokens, as wide as their weights"),
            ),
        ),
    ]  # fmt: skip


def _field_words(steps: RolloutSteps) -> None:
    fields = ", ".join(f"{value:.2f}" for value in steps.effective)
    st.caption(
        _("Effective number of input tokens that outputs 1 to 4 are put together from, exp(H): {fields}.").format(
            fields=fields
        )
    )
    if link.get(ROLLED_LAYERS) != LAYERS_EXAMPLE:
        st.button(
            _("Back to the first numbers"),
            key="rolled_back",
            icon=":material/undo:",
            on_click=lambda: link.put(ROLLED_LAYERS.at(LAYERS_EXAMPLE)),
        )


def _words() -> None:
    lesson.formula(
        r"R = \hat A^{(2)}\hat A^{(1)},\qquad \hat A = (1-r)\,A + r\,I,\qquad "
        r"R_{ji} = \sum_k \hat A^{(2)}_{jk}\,\hat A^{(1)}_{ki},\qquad \sum_i R_{ji} = 1",
        {
            "A": _("attention of a layer, rows sum to 1"),
            "r": _("share of the residual connection"),
            "R_{ji}": _("share of input token i in output token j"),
        },
    )
    lesson.try_next(
        [
            _("At r = 0 output 1 sees all four inputs after two layers, though no row of A has more than two."),
            _("Move r to 1: the rollout becomes the identity, and every token sees itself alone."),
            _("Exchange the layers: is A⁽²⁾A⁽¹⁾ the same as A⁽¹⁾A⁽²⁾?"),
            (_("The rollout of all layers, to point at"), "rollout", {}),
            (_("The same question by gradients"), "receptive_field", {}),
        ]
    )
    lesson.caveat(
        _(
            "Rollout counts what attention mixes, and nothing else: values and the MLP may turn a share of 40% into "
            "nothing, or into minus itself. One r for all layers is an assumption too. The receptive field by "
            "gradients asks the network itself."
        )
    )


def _code(scene: Scene, steps: RolloutSteps, photos: TwoPhotos) -> str:
    lines = [
        "from vitviz.labs import rollout_by_hand",
        "",
        f"first = {steps.first.tolist()}",
        f"second = {steps.second.tolist()}",
        f"steps = rollout_by_hand.run(first, second, residual={steps.residual!r})",
        "values = steps.rollout  # (output token, input token)",
        "print(steps.paths[0], steps.effective)",
        "",
        *photos.code(scene),
        "steps.figure()",
    ]
    return "\n".join(lines) + "\n"
