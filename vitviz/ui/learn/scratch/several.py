"""Several heads by hand: D channels split among them, joined, projected; and heads of the model with other roles."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from vitviz.capture.edit import NO_EDIT
from vitviz.figures.heatmaps import token_matrix
from vitviz.figures.overlay import overlay
from vitviz.figures.scale import Scale, scale_for
from vitviz.figures.summary import describe_map
from vitviz.labs import attention_by_hand as lab
from vitviz.labs.attention_by_hand import SeveralHeads
from vitviz.numbers import percent
from vitviz.ui.choices.attention_from_scratch import HAND, PAGE, SEVERAL_STAGE
from vitviz.ui.choices.shared import LAYER
from vitviz.ui.components.matrix_sheet import matrix_sheet
from vitviz.ui.components.sheet_view import SheetMatrix, SheetStage, SheetView
from vitviz.ui.components.standalone import fragment
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.kept import cache
from vitviz.ui.learn.scratch import guesses, hand
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene, middle
from vitviz.ui.text import _
from vitviz.ui.words.labels import map_words

_INDEX = ("₁", "₂")


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    title = _("Why several heads and not one?")
    lesson.question(
        title,
        _(
            "The same five tokens, two heads of half the width. Guess what the second one asks for, before you look at "
            "its attention: its queries come from the place channels alone."
        ),
    )
    if not guessing.guided(guesses.several(), figure=hand.table("X", "W_Q", "W_K", "W_V", "W_O")):
        return None
    given = hand.matrices()
    heads = lab.heads(given["X"], hand.head_weights(given), given["W_O"])
    view = SheetView(matrices=_matrices(heads, given), stages=_stages(), stage=link.get(SEVERAL_STAGE))
    matrix_sheet(view, key="several_sheet", on_edit=hand.set_number, on_stage=partial(hand.set_stage, SEVERAL_STAGE))
    hand.back_button()
    _roles(heads)
    st.subheader(_("Heads of the loaded model with different roles"), anchor=False)
    _model(scene)
    _words()
    return lesson.Result(
        PAGE,
        title,
        {"experiment": "several", "matrices": link.get(HAND), "layer": scene.layer},
        _code(heads, given),
        lambda: {
            "attention": np.stack([step.attention for step in heads.heads]),
            "joined": heads.joined,
            "output": heads.output,
        },
        lambda: {
            _("Head {number}").format(number=number): token_matrix(
                step.attention,
                hand.tokens(),
                scale=Scale(0.0, 1.0, uniform=1 / len(step.tokens), scope="absolute"),
                query_title=_("Query"),
                key_title=_("Key"),
                value_title=_("Attention"),
                height=340,
            )
            for number, step in enumerate(heads.heads, start=1)
        },
        lambda: fragment(view),
    )


def _matrices(heads: SeveralHeads, given: hand.Matrices) -> list[SheetMatrix]:
    names, channels = hand.tokens(), hand.channels()
    split = {name: [f"{name}{head}.{channel}" for head in (1, 2) for channel in (1, 2)] for name in "qkvo"}
    tables = [
        SheetMatrix(
            symbol="X",
            title=_("token vectors"),
            rows=names,
            columns=channels,
            values=given["X"],
            editable=True,
        )
    ]
    for symbol, letter in (("W_Q", "q"), ("W_K", "k"), ("W_V", "v")):
        values, title = given[symbol], _("both heads")
        tables.append(
            SheetMatrix(symbol=symbol, title=title, rows=channels, columns=split[letter], values=values, editable=True)
        )
        made = given["X"] @ values
        tables.append(SheetMatrix(symbol=letter.upper(), title=title, rows=names, columns=split[letter], values=made))
    for place, (step, index) in enumerate(zip(heads.heads, _INDEX, strict=True)):
        own = slice(2 * place, 2 * place + 2)
        title = _("head {head}").format(head=place + 1)
        tables += [
            SheetMatrix(symbol=f"S{index}/√d", title=title, rows=names, columns=names, values=step.scaled),
            SheetMatrix(symbol=f"A{index}", title=title, rows=names, columns=names, values=step.attention, share=True),
            SheetMatrix(symbol=f"V{index}", title=title, rows=names, columns=split["v"][own], values=step.values),
            SheetMatrix(symbol=f"O{index}", title=title, rows=names, columns=split["o"][own], values=step.output),
        ]
    return [
        *tables,
        SheetMatrix(symbol="O", title=_("joined"), rows=names, columns=split["o"], values=heads.joined),
        SheetMatrix(
            symbol="W_O", title=_("projection"), rows=split["o"], columns=channels, values=heads.projection,
            editable=True,
        ),
        SheetMatrix(symbol="Y", title=_("output"), rows=names, columns=channels, values=heads.output),
    ]  # fmt: skip


def _stages() -> list[SheetStage]:
    split = [
        SheetStage(
            title=_("{number} Split {letter}").format(number=number, letter=letter),
            words=_(
                "D = 4 channels are made for all heads at once. The first d = 2 columns are head 1's, the last two "
                "head 2's: M = 2 heads of d = D/M."
            ),
            equation=f"{letter} = X·W_{letter}", kind="product", result=letter, left="X", right=f"W_{letter}",
        )
        for number, letter in enumerate("QKV", start=1)
    ]  # fmt: skip
    looks = [
        SheetStage(
            title=_("{number} Look {head}").format(number=3 + head, head=head),
            words=_("Head {head} alone: its two query and key channels give scores, divided by √2.").format(head=head),
            equation=f"A{index} = softmax", kind="softmax", result=f"A{index}", left=f"S{index}/√d",
        )
        for head, index in enumerate(_INDEX, start=1)
    ]  # fmt: skip
    takes = [
        SheetStage(
            title=_("{number} Take {head}").format(number=5 + head, head=head),
            words=_("Head {head} alone: its values, weighted by its own attention.").format(head=head),
            equation=f"O{index} = A{index}·V{index}", kind="product", result=f"O{index}", left=f"A{index}",
            right=f"V{index}",
        )
        for head, index in enumerate(_INDEX, start=1)
    ]  # fmt: skip
    return [
        *split, *looks, *takes,
        SheetStage(
            title=_("8 Join"), words=_("The outputs are laid side by side: M·d = D channels again."),
            equation="O = [O₁, O₂]", kind="join", result="O", left="O₁", right="O₂",
        ),
        SheetStage(
            title=_("9 Project"),
            words=_("W_O says into which channels of the stream each head writes. Only here do the heads meet."),
            equation="Y = O·W_O", kind="product", result="Y", left="O", right="W_O",
        ),
    ]  # fmt: skip


def _roles(heads: SeveralHeads) -> None:
    """Tell what each head looks at, as measured: the tokens alike in colour, the place one step before."""
    colours = heads.heads[0].tokens[:, :2].argmax(1)
    same = colours[:, None] == colours[None]  # (query, key)
    before = np.roll(np.eye(len(colours), dtype=bool), -1, axis=1)  # (query, key): one step back on the ring
    for column, (number, step) in zip(st.columns(2), enumerate(heads.heads, start=1), strict=True):
        column.markdown(
            _("**Head {number}**: {same} to tokens of the query's colour, {before} to the place before it.").format(
                number=number,
                same=percent(float((step.attention * same).sum(1).mean())),
                before=percent(float((step.attention * before).sum(1).mean())),
            )
        )


def _model(scene: Scene) -> None:
    """Draw the heads of a layer that look nearest, look farthest and are sharpest, each head once."""
    if scene.vit.layers > 1:
        st.slider(_("Layer"), 0, scene.vit.layers - 1, **link.widget(LAYER))
    roles, grid = _model_roles(scene), scene.vit.grid
    rows = scene.original.attention_row(scene.layer, first_patch(scene)).cpu().numpy()  # (heads, key)
    maps = [rows[head, len(grid.prefix) :].reshape(grid.rows, grid.columns) for head in roles]
    scale = scale_for(maps, "layer")
    for column, values, (head, words) in zip(st.columns(3), maps, roles.items(), strict=False):
        column.image(
            overlay(scene.picture, values, scale=scale, query=grid.position(first_patch(scene) - len(grid.prefix))),
            width="stretch",
            output_format="JPEG",
            alt=describe_map(values, grid, 1 / grid.tokens, labels=map_words()),
        )
        name = _("L{layer}·H{head}").format(layer=scene.layer, head=head)
        column.caption(f"{name} " + _(", ").join(words))


def _model_roles(scene: Scene) -> dict[int, list[str]]:
    """Return by head what it is the first at in its layer; a head may be so twice."""
    statistics = cache.statistics(scene.model_key, scene.photo.digest, NO_EDIT, scene.original)
    distance, entropy = statistics.distance[scene.layer], statistics.entropy[scene.layer]
    known = not np.isnan(distance[: scene.vit.heads[scene.layer]]).all()  # one patch alone has no distances
    picks = [(_("is sharpest: entropy {value:.2f}"), int(np.nanargmin(entropy)), entropy)]
    if known:
        picks = [
            (_("looks nearest: {value:.1f} patches"), int(np.nanargmin(distance)), distance),
            (_("looks farthest: {value:.1f} patches"), int(np.nanargmax(distance)), distance),
            *picks,
        ]
    roles: dict[int, list[str]] = {}
    for words, head, table in picks:
        roles.setdefault(head, []).append(words.format(value=float(table[head])))
    return roles


def first_patch(scene: Scene) -> int:
    """Return the token index of the patch that is asked for: the reader's, or the middle one."""
    return len(scene.vit.grid.prefix) + (scene.patch if scene.patch is not None else middle(scene.vit.grid))


def _words() -> None:
    lesson.formula(
        r"Y = [\,O_1,\dots,O_M\,]\,W_O,\qquad O_m = \mathrm{softmax}\!\left(\frac{Q_m K_m^\top}{\sqrt d}\right)V_m,"
        r"\qquad d = \frac{D}{M}",
        {
            "M": _("heads"),
            "D": _("channels of a token"),
            "d": _("channels of a head"),
            "W_O": _("projection, M·d × D"),
        },
    )
    lesson.try_next(
        [
            _("Set all of W_Q's last two columns to 0: head 2 has no question left. What does its attention become?"),
            _("Exchange the signs of W_Q's place rows: does head 2 look the other way round the ring?"),
            _("Set W_O's last two rows to 0: head 2 still looks, but nothing of it is written."),
            (_("Every head of the loaded model"), "heads", {}),
            (_("How does a head know places? Four patches"), PAGE, {"scratch": "places"}),
        ]
    )
    lesson.caveat(
        _(
            "M heads of width D/M cost no more than one head of width D: the matrices are as large. What it buys is M "
            "softmaxes, so that one token can look at M places for M reasons. That trained heads divide their work as "
            "neatly as these two is not promised: many are alike, and some can be removed without harm."
        )
    )


def _code(heads: SeveralHeads, given: hand.Matrices) -> str:
    lines = [
        "import numpy as np",
        "",
        "from vitviz.labs import attention_by_hand",
        "from vitviz.labs.attention_by_hand import HeadWeights",
        "",
        f"tokens = {given['X'].tolist()}",
        f"query_weights = np.array({given['W_Q'].tolist()})  # both heads side by side",
        f"key_weights = np.array({given['W_K'].tolist()})",
        f"value_weights = np.array({given['W_V'].tolist()})",
        f"projection = {heads.projection.tolist()}",
        "weights = [",
        "    HeadWeights(query_weights[:, own], key_weights[:, own], value_weights[:, own])",
        "    for own in (slice(0, 2), slice(2, 4))",
        "]",
        "both = attention_by_hand.heads(tokens, weights, projection)",
        "values = both.output  # (token, D)",
        "both.heads[0].figure()",
    ]
    return "\n".join(lines) + "\n"
