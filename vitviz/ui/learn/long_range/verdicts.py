"""The picture of the Long range page with the ViT's links, and beside it what the three networks say."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.figures.bars import Verdict, verdict_bars
from vitviz.figures.long_range import SECOND_CNN
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.labs.long_range.contents import (
    CELL_PIXELS,
    COLOURS,
    COLUMNS,
    EMPTY,
    FIRST_BAR,
    FIRST_HALF,
    ORIENTATIONS,
    ROWS,
    identity_of,
    side_of,
)
from vitviz.labs.long_range.moves import text_of
from vitviz.labs.long_range.results import TaskResult
from vitviz.numbers import percent
from vitviz.ui.choices.long_range import BEST, BOARD, HEAD, QUERY, SEED, TRAINING
from vitviz.ui.components.board_view import BoardView
from vitviz.ui.components.object_board import object_board
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.long_range import moves
from vitviz.ui.learn.long_range.board import Situation, can_turn, choose, move, redraw, turn, without_head
from vitviz.ui.reader import link
from vitviz.ui.text import _

_HARDLY = 0.05  # above the accuracy of guessing: a right answer says nothing yet
COLOURS_OF = {"vit": VIT_BLUE, "limited": CNN_VERMILION, "large": SECOND_CNN}


def network_names(measured: TaskResult) -> dict[str, str]:
    """Return what the networks are called, with the measured field of the CNNs."""
    field = {name: network.field for name, network in measured.networks.items()}
    return {
        "vit": _("ViT"),
        "limited": _("CNN, field {pixels} px").format(pixels=field["limited"]),
        "large": _("CNN, field {pixels} px").format(pixels=field["large"]),
    }


def answer_names(situation: Situation) -> list[str]:
    """Return the answers of the task in words."""
    if situation.task.name == "occluder":
        return [_("differ"), _("match")]
    return [_("{count} whole").format(count=count) for count in range(situation.task.answers)]


def _object_words() -> tuple[list[str], dict[str, str]]:
    """Return the shapes and the colours in the reader's words."""
    colours = dict(zip(COLOURS, (_("blue"), _("orange"), _("green"), _("pink")), strict=True))
    return [_("disc"), _("frame")], colours


def object_name(identity: int) -> str:
    """Return an object in the reader's words."""
    shapes, colours = _object_words()
    shape, colour = divmod(identity, len(COLOURS))
    return _("{colour} {shape}").format(colour=colours[COLOURS[colour]], shape=shapes[shape])


def name_of(content: int) -> str:
    """Return what a cell holds in the reader's words; empty for what cannot be looked at."""
    shapes, colours = _object_words()
    if FIRST_HALF <= content < FIRST_BAR:
        shape, colour = divmod(int(identity_of(content)), len(COLOURS))
        side = _("left half") if side_of(content) == 0 else _("right half")
        return _("{side} of the {colour} {shape}").format(
            side=side, colour=colours[COLOURS[colour]], shape=shapes[shape]
        )
    if FIRST_BAR <= content < FIRST_BAR + ORIENTATIONS:
        degrees = (int(content) - FIRST_BAR) * 180 // ORIENTATIONS
        return _("bar at {degrees}°").format(degrees=degrees)
    return ""


def board(situation: Situation, *, shown: bool) -> None:
    """Draw the picture: halves and bars can be dragged, the attention of the chosen one is drawn as links.

    Where ``shown``, what the networks say stands above it and follows while something is dragged.
    """
    object_board(
        view_of(situation, shown=shown),
        key="range_picture",
        on_choose=choose,
        on_move=lambda start, end: move(situation.board, start, end),
    )
    _under(situation)


def view_of(situation: Situation, *, shown: bool = True) -> BoardView:
    """Return the board for the browser, with what the networks say of every move where ``shown``."""
    cells = situation.board.reshape(-1)
    free = _free_for_bar(situation) if can_turn(situation) else np.flatnonzero(cells == EMPTY)
    field = situation.results.networks["limited"].field or 0
    names = network_names(situation.results)
    return BoardView(
        picture=situation.look.picture,
        rows=ROWS,
        columns=COLUMNS,
        names=[name_of(int(content)) for content in cells],
        free=free.tolist(),
        chosen=situation.chosen,
        partner=situation.partner,
        attention=situation.row[situation.prefix :],
        uniform=1 / situation.row.size,
        from_class=situation.from_class,
        reach=(field // CELL_PIXELS) // 2,
        labels=_labels(situation),
        networks=[(names[name], COLOURS_OF[name]) for name in situation.look.verdicts] if shown else (),
        answers=answer_names(situation),
        verdicts=moves.verdicts(situation) if shown else {},
    )


def _free_for_bar(situation: Situation) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the cells on the chosen bar's side of the other bar."""
    column = np.arange(ROWS * COLUMNS) % COLUMNS
    partner_column = (situation.partner or 0) % COLUMNS
    left = situation.chosen % COLUMNS < partner_column
    free: np.ndarray[tuple[int], np.dtype[np.int64]] = np.flatnonzero(
        column < partner_column if left else column > partner_column
    )
    return free


def _under(situation: Situation) -> None:
    """Draw the buttons under the picture."""
    with st.container(horizontal=True):
        if can_turn(situation):
            st.button(
                _("Turn this bar by {degrees}°").format(degrees=180 // ORIENTATIONS),
                icon=":material/rotate_right:",
                key="range_turn",
                on_click=turn,
                args=(situation.board, situation.chosen),
            )
        if link.get(BOARD):
            st.button(_("Undo what was moved"), icon=":material/undo:", key="range_undo", on_click=redraw)


def summary(situation: Situation) -> str:
    """Return in one sentence what the drawn head gives to whom."""
    layer, head = situation.head
    looker = (
        _("the class token") if situation.from_class else name_of(int(situation.board.reshape(-1)[situation.chosen]))
    )
    words = {"head": f"L{layer}·H{head}", "looker": looker, "uniform": percent(1 / situation.row.size)}
    weights = situation.row[situation.prefix :]
    if situation.partner is None:
        return _(
            "{head}: {looker} has no partner in the picture; the cell that gets most attention gets {most}. "
            "Looking evenly gives {uniform}."
        ).format(most=percent(float(weights.max())), **words)
    if situation.from_class:
        both = weights[situation.chosen], weights[situation.partner]
        return _(
            "{head}: {looker} gives {one} to the chosen cell and {other} to its partner. Looking evenly gives "
            "{uniform}."
        ).format(one=percent(float(both[0])), other=percent(float(both[1])), **words)
    return _(
        "{head}: {looker} gives {share} of its attention to its partner, {distance} px away. Looking evenly gives "
        "{uniform}."
    ).format(
        share=percent(float(weights[situation.partner])), distance=(situation.distance or 0) * CELL_PIXELS, **words
    )


def _labels(situation: Situation) -> dict[str, str]:
    return {
        "board": _("Picture of {rows} × {columns} cells").format(rows=ROWS, columns=COLUMNS),
        "hint": _(
            "Drag a half or bar to another cell; a click chooses it. With the keyboard: arrows and Enter choose, Shift "
            "and an arrow moves. Blue: the attention of one head of the ViT. Dashed: all that the CNN with the "
            "small field "
            "sees from the chosen cell. By luck: at this distance the network is no better than guessing."
        ),
        "hint_touch": _(
            "Drag a half or bar to another cell; a tap chooses it. Blue: the attention of one head of the ViT. Dashed: "
            "all that the CNN with the small field sees from the chosen cell. By luck: at this distance the network is "
            "no better than guessing."
        ),
        "summary": summary(situation),
        "empty": _("empty cell"),
        "place": _("row {row}, column {column}"),
        "truth": _("Right answer: {answer}"),
        "right": _("right"),
        "luck": _("right by luck"),
        "wrong": _("wrong"),
        "comma": _(", "),
        "sure": _("{share} sure"),
    }


def head_choice(situation: Situation) -> None:
    """Draw which head's attention is shown, whose, and which training's networks."""
    vit = situation.bench.vit
    heads = [f"{layer}.{head}" for layer in range(vit.layers) for head in range(vit.heads[layer])]
    best = "L{}·H{}".format(*situation.results.best_head(situation.training, link.get(QUERY)))
    names = {head: "L{}·H{}".format(*head.split(".")) for head in heads}
    names[BEST] = _("links best ({head})").format(head=best)
    columns = st.columns(2, vertical_alignment="bottom")
    columns[0].selectbox(
        _("Head"),
        [BEST, *heads],
        format_func=lambda head: names[head],
        help=_(
            "Links best, on average over pictures that are not shown here: for a half or bar, the head that gives most "
            "to its partner; for the class token, the one that gives most to both bars, or to one of two halves."
        ),
        **link.widget(HEAD),
    )
    lookers = {"object": _("chosen cell"), "class": _("class token")}
    st.segmented_control(
        _("Attention of"),
        list(lookers),
        format_func=lambda looker: lookers[looker],
        required=True,
        **link.widget(QUERY),
    )
    columns[1].selectbox(
        _("Networks trained from seed"), situation.results.networks["vit"].seeds, **link.widget(TRAINING)
    )


def figure(situation: Situation) -> go.Figure:
    """Return what each network answers, as bars."""
    names = network_names(situation.results)
    shown = [
        Verdict(names[name], verdict.probabilities, COLOURS_OF[name], hatched=name == "large")
        for name, verdict in situation.look.verdicts.items()
    ]
    return verdict_bars(
        answer_names(situation),
        shown,
        truth=situation.truth,
        x_title=_("Probability"),
        height=130 + 76 * situation.task.answers,
    )


def verdicts(situation: Situation) -> None:
    """Draw the bars behind the networks' answers, and what they say of the chosen one's partner."""
    chart(figure(situation), key="range_verdicts")
    st.caption(_partner_sentence(situation))


def _partner_sentence(situation: Situation) -> str:
    """Return what each network says of the chosen half, and whether the drawn head matters for the ViT's answer."""
    row, column = divmod(situation.chosen, COLUMNS)
    shares = {name: verdict.partner[row, column] for name, verdict in situation.look.verdicts.items()}
    names = network_names(situation.results)
    said = _(", ").join(f"{names[name]} {percent(share)}" for name, share in shares.items())
    without = without_head(
        situation.task.name, situation.training, text_of(situation.board), link.get(SEED), situation.head
    )
    layer, head = situation.head
    return _(
        "Has the chosen one its partner? {truth}. The networks say yes with: {said}. With head L{layer}·H{head} "
        "switched "
        "off the ViT answers: {without}."
    ).format(
        truth=_("Yes") if situation.task.has_partner(situation.board[None])[0].flat[situation.chosen] else _("No"),
        said=said,
        layer=layer,
        head=head,
        without=answer_names(situation)[without],
    )
