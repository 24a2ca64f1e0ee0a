"""Anatomy, the MLP of a block: one token through LN, Linear, GELU, Dropout and Linear, number by number."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.errors import VitvizError
from vitviz.figures.anatomy import strip
from vitviz.labs.mlp import MlpSteps, mlp_steps
from vitviz.numbers import percent
from vitviz.ui.choices.anatomy import MLP_STAGE
from vitviz.ui.choices.shared import LAYER
from vitviz.ui.components.matrix_sheet import matrix_sheet
from vitviz.ui.components.sheet_view import SheetMatrix, SheetStage, SheetView
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, ngettext, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.labels import token_title

SHOWN = 6
"""Channels that are shown; all others are summed up."""
_QUIET = 0.05  # size of an answer that hardly counts
_PLAIN = 1e-3  # how far the scale of what is added may be from 1 by rounding


@st.cache_resource(max_entries=12, show_spinner=False)
def _steps(model_key: str, digest: str, layer: int, _scene: Scene) -> MlpSteps:
    return mlp_steps(_scene.vit, _scene.original, layer)


def draw(scene: Scene) -> SheetView | None:
    """Draw one token on its way through the MLP of the chosen block; return its sheet, None for a block without."""
    if scene.vit.layers > 1:
        st.slider(_("Block"), 0, scene.vit.layers - 1, **link.widget(LAYER))
    try:
        steps = _steps(scene.model_key, scene.photo.digest, scene.layer, scene)
    except VitvizError as error:
        st.info(plain(in_dashboard(error)))
        return None
    prefix = scene.vit.grid.prefix
    token = int(scene.query) + len(prefix) if scene.query.isdecimal() else scene.original.token(scene.query)
    name = token_title(prefix[token]) if token < len(prefix) else _patch_words(scene, token - len(prefix))
    _strips(steps, token, name)
    matrices, stages = _sheet(steps, token)
    view = SheetView(matrices=matrices, stages=stages, stage=link.get(MLP_STAGE))
    matrix_sheet(view, key="mlp_sheet", on_stage=lambda stage: link.put(MLP_STAGE.at(stage)))
    st.caption(
        _(
            "The {shown} hidden units that answer most and the {shown} channels that count most are shown; what all "
            "others add stands in the sums. The same two matrices serve every token, one by one: here nothing is mixed "
            "between tokens."
        ).format(shown=SHOWN)
    )
    return view


def _patch_words(scene: Scene, patch: int) -> str:
    row, column = scene.vit.grid.position(patch)
    return _("row {row}, column {column}").format(row=row + 1, column=column + 1)


def _strips(steps: MlpSteps, token: int, name: str) -> None:
    """Draw the token's vectors before and after, as wide as they are."""
    silent = float((steps.activated[token].abs() < _QUIET).float().mean())
    for column, (title, vector) in zip(
        st.columns([1, 2, 1], gap="medium"),
        (
            (_("LN(z'): {count} numbers"), steps.normed[token]),
            (_("after {kind}: {count} numbers"), steps.activated[token]),
            (_("added to the stream: {count} numbers"), steps.leaving[token] - steps.entering[token]),
        ),
        strict=True,
    ):
        told = title.format(count=len(vector), kind=steps.activation)
        column.image(strip(vector.numpy(), rows=8, cell=5, height=12), output_format="PNG", width="stretch", alt=told)
        column.caption(told)
    st.markdown(
        _(
            "**{token}** in block {layer}: {width} numbers become {hidden}, {times:g} times as many; {silent} of "
            "them are nearly silent (below {quiet} in size)."
        ).format(
            token=name,
            layer=steps.layer,
            width=steps.normed.shape[1],
            hidden=steps.hidden.shape[1],
            times=steps.hidden.shape[1] / steps.normed.shape[1],
            silent=percent(silent),
            quiet=_QUIET,
        )
    )


def _largest(values: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.argsort(-np.abs(values), kind="stable")[:SHOWN]


def _sheet(steps: MlpSteps, token: int) -> tuple[list[SheetMatrix], list[SheetStage]]:
    """Return what is shown of one token's numbers, and the rest of every sum."""
    x, h, g, y = (tensor[token].numpy() for tensor in (steps.normed, steps.hidden, steps.activated, steps.output))
    before, after = (tensor[token].numpy() for tensor in (steps.entering, steps.leaving))
    first, second = (weights.numpy() for weights in steps.weights)
    units = _largest(g)
    inputs = _largest(np.abs(x) * np.linalg.norm(first[:, units], axis=1))
    outputs = _largest(y)
    names = {part: [str(place) for place in places] for part, places in (("x", inputs), ("h", units), ("y", outputs))}
    row = ["·"]
    matrices = [
        SheetMatrix(symbol="x", title=_("LN(z')"), rows=row, columns=names["x"], values=x[None, inputs]),
        SheetMatrix(
            symbol="W₁", title=_("weights"), rows=names["x"], columns=names["h"], values=first[np.ix_(inputs, units)]
        ),
        SheetMatrix(symbol="h", title=_("hidden"), rows=row, columns=names["h"], values=h[None, units]),
        SheetMatrix(symbol="g", title=_("activated"), rows=row, columns=names["h"], values=g[None, units]),
        SheetMatrix(symbol="g'", title=_("kept"), rows=row, columns=names["h"], values=g[None, units]),
        SheetMatrix(
            symbol="W₂", title=_("weights"), rows=names["h"], columns=names["y"], values=second[np.ix_(units, outputs)]
        ),
        SheetMatrix(symbol="y", title=_("output"), rows=row, columns=names["y"], values=y[None, outputs]),
        SheetMatrix(symbol="z'", title=_("stream"), rows=row, columns=names["y"], values=before[None, outputs]),
        SheetMatrix(symbol="Δ", title=_("added"), rows=row, columns=names["y"], values=(after - before)[None, outputs]),
        SheetMatrix(symbol="z''", title=_("stream"), rows=row, columns=names["y"], values=after[None, outputs]),
    ]  # fmt: skip
    rest = (
        (h[units] - x[inputs] @ first[np.ix_(inputs, units)])[None],
        (y[outputs] - g[units] @ second[np.ix_(units, outputs)])[None],
    )
    return matrices, _stages(steps, rest)


def _stages(steps: MlpSteps, rest: tuple[NDArray[np.float32], NDArray[np.float32]]) -> list[SheetStage]:
    width, hidden = steps.weights[0].shape
    channels, units = max(0, width - SHOWN), max(0, hidden - SHOWN)
    off = _(
        "Dropout is off: it sets numbers to zero at random in training alone, so that no unit relies on another. A "
        "model that answers keeps them all (times 1), else the same photo would be answered differently each time."
    )
    rate = (
        _("In training this model's rate was {rate}.").format(rate=percent(steps.dropout))
        if steps.dropout
        else _("This model was built without: its rate is 0.")
    )
    return [
        SheetStage(
            title=_("1 Linear, {times:g}D").format(times=hidden / width),
            words=_(
                "Every hidden unit asks the whole token one question: a weighted sum of its {width} numbers."
            ).format(width=width),
            equation="h = x·W₁ + b₁", kind="product", result="h", left="x", right="W₁", rest=rest[0],
            rest_text=_others(channels),
        ),
        SheetStage(
            title=f"2 {steps.activation}",
            words=_(
                "Answers above 0 pass, those far below are silenced, those near 0 are bent. Without it both matrices "
                "would be one."
            ),
            equation=f"g = {steps.activation}(h)", kind="function", result="g", left="h", operator=steps.activation,
        ),
        SheetStage(
            title=_("3 Dropout"), words=f"{off} {rate}", equation=_("g' = g (off)"), kind="scale", result="g'",
            left="g", operator="·", factor_text="1",
        ),
        SheetStage(
            title=_("4 Linear, D"),
            words=_("Every unit that answered writes its row of W₂ into the stream, as strongly as it answered."),
            equation="y = g'·W₂ + b₂", kind="product", result="y", left="g'", right="W₂", rest=rest[1],
            rest_text=ngettext("{count} more unit and the bias", "{count} more units and the bias", units).format(
                count=units
            ),
        ),
        SheetStage(
            title=_("5 Add"),
            words=_("The result is added to the stream: nothing is replaced.")
            + ("" if abs(steps.scale - 1) < _PLAIN else " " + _("Before that, LayerScale multiplies it: Δ = γ⊙y.")),
            equation="z'' = z' + Δ", kind="add", result="z''", left="z'", right="Δ",
        ),
    ]  # fmt: skip


def _others(channels: int) -> str:
    """Return what else is in a sum over the channels of a token."""
    if not channels:
        return _("the bias")
    return ngettext("{count} more channel and the bias", "{count} more channels and the bias", channels).format(
        count=channels
    )
