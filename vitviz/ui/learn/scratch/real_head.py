"""One row of one head of the loaded model, through the same steps as the head by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.overlay import overlay
from vitviz.figures.scale import scale_for
from vitviz.figures.summary import describe_map
from vitviz.grid import PatchGrid
from vitviz.labs.attention_by_hand import HeadRow, Matrix, head_row
from vitviz.numbers import scientific
from vitviz.ui.choices.attention_from_scratch import REAL_HEAD, REAL_STAGE
from vitviz.ui.choices.shared import LAYER
from vitviz.ui.components.matrix_sheet import matrix_sheet
from vitviz.ui.components.sheet_view import SheetMatrix, SheetStage, SheetView
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.scratch import hand
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, ngettext
from vitviz.ui.words.labels import map_words, token_title

SHOWN = 6
"""Keys and channels that are shown; all others are summed up."""
_LARGE = 20.0  # of a score: its exponential has nine digits


def head(scene: Scene) -> int:
    """Return the head that is stepped through: the reader's, or the last one of a layer with fewer."""
    return min(link.get(REAL_HEAD), scene.vit.heads[scene.layer] - 1)


def token(scene: Scene) -> int:
    """Return the query token's index."""
    return scene.original.token(
        int(scene.query) + len(scene.vit.grid.prefix) if scene.query.isdecimal() else scene.query
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _row(model_key: str, digest: str, layer: int, head: int, token: int, _scene: Scene) -> HeadRow:
    return head_row(_scene.vit, _scene.original, layer=layer, head=head, token=token)


def draw(scene: Scene) -> HeadRow:
    """Draw the knobs, the sheet and where the query looks; return the steps."""
    _knobs(scene)
    row = _row(scene.model_key, scene.photo.digest, scene.layer, head(scene), token(scene), scene)
    left, right = st.columns([13, 5], gap="large")
    with left:
        matrix_sheet(view_of(row, scene.vit.grid), key="real_sheet", on_stage=partial(hand.set_stage, REAL_STAGE))
    with right:
        _map(scene, row)
    st.caption(
        _(
            "The {shown} keys with the most attention and the {shown} channels that count most are shown; what all "
            "others add stands in the sums. Largest difference over all keys, {tokens} in number, from the attention "
            "that the model used: {gap}."
        ).format(shown=SHOWN, tokens=len(row.attention), gap=scientific(max(row.gap, 1e-16), 1))
    )
    return row


def view_of(row: HeadRow, grid: PatchGrid) -> SheetView:
    """Return the steps as a sheet."""
    matrices, stages = _sheet(row, grid)
    return SheetView(matrices=matrices, stages=stages, stage=link.get(REAL_STAGE))


def _knobs(scene: Scene) -> None:
    left, right = st.columns(2)
    with left:
        if scene.vit.layers > 1:
            st.slider(_("Layer"), 0, scene.vit.layers - 1, **link.widget(LAYER))
    with right:
        last = scene.vit.heads[scene.layer] - 1
        if link.get(REAL_HEAD) > last:
            link.put(REAL_HEAD.at(last))
        if last:
            st.slider(_("Head"), 0, last, **link.widget(REAL_HEAD))


def _map(scene: Scene, row: HeadRow) -> None:
    grid = scene.vit.grid
    values = row.attention[len(grid.prefix) :].reshape(grid.rows, grid.columns)
    patch = row.token - len(grid.prefix)
    st.image(
        overlay(
            scene.picture, values, scale=scale_for(values, "map"), query=grid.position(patch) if patch >= 0 else None
        ),
        width="stretch",
        output_format="JPEG",
        alt=describe_map(values, grid, 1 / grid.tokens, labels=map_words()),
    )
    st.caption(
        _("The row A of {query}, L{layer}·H{head}. Another query: choose it on the Attention page.").format(
            query=_name(row.token, grid), layer=scene.layer, head=head(scene)
        )
    )


def _name(index: int, grid: PatchGrid) -> str:
    if index < len(grid.prefix):
        return token_title(grid.prefix[index])
    row, column = grid.position(index - len(grid.prefix))
    return _("row {row}, column {column}").format(row=row + 1, column=column + 1)


def _short(index: int, grid: PatchGrid) -> str:
    """Return a token's name for the head of a table: [CLS], [R1], or its row and column."""
    if index < len(grid.prefix):
        name = grid.prefix[index]
        return "[CLS]" if name == "class" else "[DIST]" if name == "distillation" else f"[R{index}]"
    row, column = grid.position(index - len(grid.prefix))
    return f"{row + 1},{column + 1}"


def _sheet(row: HeadRow, grid: PatchGrid) -> tuple[list[SheetMatrix], list[SheetStage]]:
    """Return the matrices and stages: what is shown of each sum, and the rest of it."""
    keys = _largest(row.attention, SHOWN)
    channels = _largest(np.abs(row.query * row.keys[keys[0]]), SHOWN)
    names = {"keys": [_short(int(key), grid) for key in keys], "channels": [str(channel) for channel in channels]}
    query = [_short(row.token, grid)]
    matrices = [
        SheetMatrix(
            symbol="q", title=_("query"), rows=query, columns=names["channels"], values=row.query[None, channels]
        ),
        SheetMatrix(
            symbol="Kᵀ", title=_("keys, turned"), rows=names["channels"], columns=names["keys"],
            values=row.keys[np.ix_(keys, channels)].T,
        ),
        SheetMatrix(symbol="s", title=_("scores"), rows=query, columns=names["keys"], values=row.scores[None, keys]),
        SheetMatrix(
            symbol="s/√d", title=_("scaled"), rows=query, columns=names["keys"],
            values=(row.factor * row.scores + row.bias)[None, keys],
        ),
        SheetMatrix(
            symbol="A", title=_("attention"), rows=query, columns=names["keys"], values=row.attention[None, keys],
            share=True,
        ),
        SheetMatrix(
            symbol="V", title=_("values"), rows=names["keys"], columns=names["channels"],
            values=row.values[np.ix_(keys, channels)],
        ),
        SheetMatrix(
            symbol="o", title=_("output"), rows=query, columns=names["channels"], values=row.output[None, channels]
        ),
    ]  # fmt: skip
    first, entering = _query_stage(row, channels, query, names["channels"])
    return entering + matrices, first + _stages(row, keys, channels)


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return the places of the largest numbers, largest first."""
    return np.argsort(-values, kind="stable")[:count]


def _query_stage(
    row: HeadRow, channels: NDArray[np.intp], query: list[str], names: list[str]
) -> tuple[list[SheetStage], list[SheetMatrix]]:
    """Return the stage of x·W_Q with its matrices, or nothing where the model makes its queries otherwise."""
    if row.entering is None or row.query_weights is None:
        return [], []
    inputs = _largest(np.abs(row.entering) * np.linalg.norm(row.query_weights[:, channels], axis=1), SHOWN)
    shown = row.entering[inputs] @ row.query_weights[np.ix_(inputs, channels)]  # (channel,)
    sources, others = [str(place) for place in inputs], len(row.entering) - len(inputs)
    stage = SheetStage(
        title=_("Query"),
        words=_("What enters is the token after LayerNorm, {width} numbers; W_Q makes {channels} of them.").format(
            width=len(row.entering), channels=len(row.query)
        ),
        equation="q = x·W_Q + b", kind="product", result="q", left="x", right="W_Q",
        rest=(row.query[channels] - shown)[None],
        rest_text=ngettext("{count} more channel and the bias", "{count} more channels and the bias", others).format(
            count=others
        )
        if others
        else _("the bias"),
    )  # fmt: skip
    weights = row.query_weights[np.ix_(inputs, channels)]
    return [stage], [
        SheetMatrix(
            symbol="x", title=_("LN(z), the token"), rows=query, columns=sources, values=row.entering[None, inputs]
        ),
        SheetMatrix(symbol="W_Q", title=_("weights"), rows=sources, columns=names, values=weights),
    ]  # fmt: skip


def _stages(row: HeadRow, keys: NDArray[np.intp], channels: NDArray[np.intp]) -> list[SheetStage]:
    more = len(row.query) - len(channels)
    more_channels = ngettext("{count} more channel", "{count} more channels", more).format(count=more)
    more = len(row.scores) - len(keys)
    more_keys = ngettext("{count} more key", "{count} more keys", more).format(count=more)
    scaled = row.factor * row.scores + row.bias
    shown_scores = row.keys[np.ix_(keys, channels)] @ row.query[channels]
    others = np.delete(np.arange(len(scaled)), keys)
    shift = float(scaled.max()) if scaled.max() > _LARGE else 0.0
    return [
        SheetStage(
            title=_("Scores"), words=_("The query times every key, summed over all channels."),
            equation="s = q·Kᵀ", kind="product", result="s", left="q", right="Kᵀ",
            rest=(row.scores[keys] - shown_scores)[None] if len(row.query) > len(channels) else None,
            rest_text=more_channels,
        ),
        SheetStage(
            title=_("Scale"), words=_scale_words(row),
            equation="s / √d", kind="scale", result="s/√d", left="s", operator="·", factor_text=f"{row.factor:.4g}"
            + (_(" + bias") if row.bias.any() else ""),
        ),
        SheetStage(
            title=_("Softmax"), words=_softmax_words(len(scaled), shift), shift=shift,
            equation="A = softmax", kind="softmax", result="A", left="s/√d",
            rest=np.array([[np.exp(scaled[others] - shift).sum()]]) if len(others) else None, rest_text=more_keys,
        ),
        SheetStage(
            title=_("Output"), words=_("The mean of all values, weighted by the attention."),
            equation="o = A·V", kind="product", result="o", left="A", right="V",
            rest=(row.attention[others] @ row.values[np.ix_(others, channels)])[None] if len(others) else None,
            rest_text=more_keys,
        ),
    ]  # fmt: skip


def _softmax_words(tokens: int, shift: float) -> str:
    told = (
        _("Shares over all {tokens} keys, not over the shown ones alone.").format(tokens=tokens)
        if tokens > SHOWN
        else _("Shares over all keys.")
    )
    return told + (" " + _("The largest score is subtracted first: the shares stay the same.") if shift else "")


def _scale_words(row: HeadRow) -> str:
    told = _("Every score times {factor:.4g}, which is 1/√{channels} in the plain Transformer.").format(
        factor=row.factor, channels=len(row.query)
    )
    return told + (" " + _("This model adds a bias by relative position.") if row.bias.any() else "")


def code(scene: Scene) -> list[str]:
    """Return the Python of this row."""
    return [
        "import vitviz",
        "from vitviz.examples import example",
        "",
        load_line(scene),
        f"trace = vitviz.trace(vit, {picture_expression(scene)})",
        f"row = attention_by_hand.head_row(vit, trace, layer={scene.layer}, head={head(scene)}, token={token(scene)})",
        "print(row.query, row.scores, row.attention, row.output, row.gap)",
    ]


def arrays(row: HeadRow) -> dict[str, Matrix]:
    """Return the numbers of the row."""
    names = ("query", "keys", "values", "scores", "attention", "output")
    return {f"model_{name}": getattr(row, name) for name in names}
