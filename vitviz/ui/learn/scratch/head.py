"""One head by hand: from five tokens to its output, every number on the screen, then the same in the loaded model."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vitviz.labs import attention_by_hand as lab
from vitviz.labs.attention_by_hand import HeadSteps
from vitviz.pictures.lessons import head as attention
from vitviz.ui.choices.attention_from_scratch import HAND, HEAD_STAGE, PAGE
from vitviz.ui.components.matrix_sheet import matrix_sheet
from vitviz.ui.components.sheet_view import SheetMatrix, SheetStage, SheetView
from vitviz.ui.components.standalone import fragment
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.learn.scratch import guesses, hand, real_head
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    title = _("What does one attention head compute?")
    lesson.question(
        title,
        _(
            "Five tokens on a ring, three red and two blue: the first two channels hold the colour, the last two the "
            "place. Guess before you step through: which tokens will token 1 take its output from?"
        ),
    )
    if not guessing.guided(guesses.head(), figure=hand.table("X", "W_Q", "W_K", "W_V")):
        return None
    given = hand.matrices()
    weights = hand.head_weights(given)[0]
    steps = lab.head(given["X"], weights.query, weights.key, weights.value)
    view = SheetView(matrices=_matrices(steps), stages=_stages(), stage=link.get(HEAD_STAGE))
    matrix_sheet(view, key="head_sheet", on_edit=hand.set_number, on_stage=partial(hand.set_stage, HEAD_STAGE))
    hand.back_button()
    st.subheader(_("The same steps in the loaded model"), anchor=False)
    real = real_head.draw(scene)
    _words()
    figure = attention(steps, names=hand.tokens(), say=_).figure()
    return lesson.Result(
        PAGE,
        title,
        {"experiment": "head", "matrices": link.get(HAND), "layer": scene.layer, "head": real_head.head(scene)},
        _code(scene, steps),
        lambda: _arrays(steps) | real_head.arrays(real),
        lambda: {title: figure},
        lambda: fragment(view, real_head.view_of(real, scene.vit.grid)),
    )


def _matrices(steps: HeadSteps) -> list[SheetMatrix]:
    names, channels = hand.tokens(), hand.channels()
    q, k, v = (hand.numbered(name, 2) for name in "qkv")
    return [
        SheetMatrix(
            symbol="X",
            title=_("token vectors"),
            rows=names,
            columns=channels,
            values=steps.tokens,
            editable=True,
        ),
        SheetMatrix(
            symbol="W_Q", title=_("weights"), rows=channels, columns=q, values=steps.weights.query, editable=True
        ),
        SheetMatrix(
            symbol="W_K", title=_("weights"), rows=channels, columns=k, values=steps.weights.key, editable=True
        ),
        SheetMatrix(
            symbol="W_V", title=_("weights"), rows=channels, columns=v, values=steps.weights.value, editable=True
        ),
        SheetMatrix(symbol="Q", title=_("queries"), rows=names, columns=q, values=steps.queries),
        SheetMatrix(symbol="K", title=_("keys"), rows=names, columns=k, values=steps.keys),
        SheetMatrix(symbol="V", title=_("values"), rows=names, columns=v, values=steps.values),
        SheetMatrix(symbol="Kᵀ", title=_("keys, turned"), rows=k, columns=names, values=steps.keys.T),
        SheetMatrix(symbol="S", title=_("scores"), rows=names, columns=names, values=steps.scores),
        SheetMatrix(symbol="S/√d", title=_("scaled"), rows=names, columns=names, values=steps.scaled),
        SheetMatrix(
            symbol="A", title=_("attention"), rows=names, columns=names, values=steps.attention, share=True
        ),
        SheetMatrix(symbol="O", title=_("output"), rows=names, columns=v, values=steps.output),
    ]  # fmt: skip


def _stages() -> list[SheetStage]:
    return [
        SheetStage(
            title=_("1 Queries"),
            words=_("What does each token look for? Every token is multiplied by the same matrix W_Q."),
            equation="Q = X·W_Q", kind="product", result="Q", left="X", right="W_Q",
        ),
        SheetStage(
            title=_("2 Keys"),
            words=_("What does each token offer to be found by? Another matrix, W_K."),
            equation="K = X·W_K", kind="product", result="K", left="X", right="W_K",
        ),
        SheetStage(
            title=_("3 Values"),
            words=_("What does each token hand over if it is looked at? The third matrix, W_V."),
            equation="V = X·W_V", kind="product", result="V", left="X", right="W_V",
        ),
        SheetStage(
            title=_("4 Scores"),
            words=_("How well does each query (row) fit each key (column)? Their dot product."),
            equation="S = Q·Kᵀ", kind="product", result="S", left="Q", right="Kᵀ",
        ),
        SheetStage(
            title=_("5 Scale"),
            words=_("Divided by √d = √2, so that sums over more channels do not make the softmax sharper."),
            equation="S / √d", kind="scale", result="S/√d", left="S", operator="/", factor_text="√2",
        ),
        SheetStage(
            title=_("6 Softmax"),
            words=_("Every row becomes shares: none below 0, and together 1."),
            equation="A = softmax(S/√d)", kind="softmax", result="A", left="S/√d",
        ),
        SheetStage(
            title=_("7 Output"),
            words=_("Each token takes the mean of all values, weighted by its row of A: here the colours looked at."),
            equation="O = A·V", kind="product", result="O", left="A", right="V",
        ),
    ]  # fmt: skip


def _words() -> None:
    lesson.formula(
        r"Q = XW_Q,\quad K = XW_K,\quad V = XW_V,\qquad O = \mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right)V",
        {
            "X": _("tokens, one a row, D channels"),
            "W_Q, W_K, W_V": _("weights of the head, D × d"),
            "d": _("channels of the head"),
            "O": _("output of the head, d channels a token"),
        },
    )
    lesson.try_next(
        [
            _("Set the blue channel of token 2 to 0 and its red one to 1: whom does token 1 look at now?"),
            _("Make the weights of W_Q ten times smaller: what does every row of A become, and why?"),
            _("Exchange two rows of X: the rows of O are exchanged too, no more. Does the head know order?"),
            (_("Two heads side by side"), PAGE, {"scratch": "several"}),
            (_("What does √d do? Temperature"), PAGE, {"scratch": "temperature"}),
        ]
    )
    lesson.caveat(
        _(
            "These weights were set by hand so that the head asks for its own colour. Weights that were trained have "
            "no such names: what a head looks for must be found by trying. Real heads add biases, and they read tokens "
            "after LayerNorm."
        )
    )


def _code(scene: Scene, steps: HeadSteps) -> str:
    weights = steps.weights
    lines = [
        "from vitviz.labs import attention_by_hand",
        "",
        f"tokens = {steps.tokens.tolist()}",
        f"query_weights = {weights.query.tolist()}",
        f"key_weights = {weights.key.tolist()}",
        f"value_weights = {weights.value.tolist()}",
        "steps = attention_by_hand.head(tokens, query_weights, key_weights, value_weights)",
        "values = steps.output  # (token, d)",
        "print(steps.scores, steps.attention)",
        "",
        *real_head.code(scene),
        "steps.figure()",
    ]
    return "\n".join(lines) + "\n"


def _arrays(steps: HeadSteps) -> dict[str, lab.Matrix]:
    names = ("tokens", "queries", "keys", "values", "scores", "scaled", "attention", "output")
    return {name: getattr(steps, name) for name in names}
