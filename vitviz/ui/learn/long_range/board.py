"""The board of the Long range page: which one the choices make, what is looked at, the knobs, dragging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.capture.edit import Edit
from vitviz.errors import OptionError
from vitviz.labs.long_range import shipped, tasks, verdict
from vitviz.labs.long_range.contents import CELL_PIXELS, Board, is_bar
from vitviz.labs.long_range.counting import COUPLES, LONGEST, MOST_DISTRACTORS
from vitviz.labs.long_range.moves import board_of, distance, moved, partner_cell, text_of, turned
from vitviz.labs.long_range.networks import BUILDERS, Answerer
from vitviz.labs.long_range.results import TaskResult, results
from vitviz.labs.long_range.sweep import Sweep, sweep
from vitviz.labs.long_range.tasks import Task
from vitviz.labs.long_range.verdict import Verdict
from vitviz.models.vit import ViT
from vitviz.ui.choices.choice import Choice
from vitviz.ui.choices.long_range import (
    BEST,
    BOARD,
    CELL,
    DISTANCE,
    EXTRA,
    HEAD,
    MATCH,
    PAIRS,
    QUERY,
    SEED,
    TASK,
    TRAINING,
)
from vitviz.ui.furniture import lesson
from vitviz.ui.reader import link
from vitviz.ui.text import N_, _
from vitviz.ui.words.errors import in_dashboard


@dataclass(frozen=True, eq=False)
class Bench:
    """The three trained networks of a task, from one seed."""

    networks: dict[str, Answerer]
    vit: ViT
    """The Vision Transformer among them, for traces."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the networks say of one picture, and all attention of the ViT."""

    picture: NDArray[np.uint8]
    verdicts: dict[str, Verdict]
    attention: NDArray[np.float32]
    """(layer, head, query, key)."""


@dataclass(frozen=True, eq=False)
class Situation:
    """What the page shows in this run."""

    task: Task
    board: Board
    """(row, column)."""
    results: TaskResult
    training: int
    """Seed of the networks that are shown."""
    chosen: int
    """The cell of the half or bar that is looked at."""
    partner: int | None
    """The cell of its partner."""
    head: tuple[int, int]
    """Layer and head whose attention is drawn."""
    from_class: bool
    """Whether the class token's attention is drawn instead of the chosen one's."""
    bench: Bench
    look: Look

    @property
    def truth(self) -> int:
        """The right answer."""
        return int(self.task.label(self.board[None])[0])

    @property
    def distance(self) -> int | None:
        """Cells from the chosen half or bar to its partner."""
        return None if self.partner is None else distance(self.chosen, self.partner)

    @property
    def row(self) -> NDArray[np.float32]:
        """(token,): the attention that is drawn."""
        layer, head = self.head
        query = 0 if self.from_class else self.prefix + self.chosen
        weights: NDArray[np.float32] = self.look.attention[layer, head, query]
        return weights

    @property
    def prefix(self) -> int:
        """Number of tokens before the patches."""
        return len(self.bench.vit.grid.prefix)


@st.cache_resource(max_entries=6, show_spinner=N_("Loading the three networks …"))
def bench(task: str, training: int) -> Bench:
    """Return the trained networks of a task and a seed."""
    networks = {name: shipped.load(task, name, seed=training) for name in BUILDERS}
    return Bench(networks, shipped.as_vit(networks["vit"], task))


@st.cache_resource(max_entries=64, show_spinner=False)
def look(task: str, training: int, board: str, seed: int) -> Look:
    """Return what the networks say of a board, drawn with noise from a seed."""
    trained = bench(task, training)
    picture = verdict.picture(board_of(board), seed=seed)
    picture.flags.writeable = False
    return Look(picture, verdict.verdicts(trained.networks, picture), verdict.attention(trained.vit, picture))


@st.cache_resource(max_entries=64, show_spinner=False)
def swept(task: str, training: int, board: str, seed: int) -> Sweep:
    """Return what the networks say of every board that one move leads to."""
    return sweep(bench(task, training).networks, tasks.find(task), board_of(board), seed=seed)


@st.cache_data(max_entries=256, show_spinner=False)
def without_head(task: str, training: int, board: str, seed: int, head: tuple[int, int]) -> int:
    """Return the ViT's answer with one head switched off."""
    picture = look(task, training, board, seed).picture
    return verdict.answer(bench(task, training).vit, picture, Edit(ablate_heads=[head]))


def current() -> Situation:
    """Return the situation that the choices describe; what does not fit is put right and told."""
    task = tasks.find(link.get(TASK))
    measured = results(task.name)
    seeds = measured.networks["vit"].seeds
    if link.get(TRAINING) not in seeds:
        st.warning(_("There are no networks of that training; the first is shown."))
        link.put(TRAINING.at(seeds[0]))
    training = link.get(TRAINING)
    board = _board(task)
    chosen = _chosen(task, board)
    trained = bench(task.name, training)
    return Situation(
        task=task,
        board=board,
        results=measured,
        training=training,
        chosen=chosen,
        partner=partner_cell(board, chosen),
        head=_head(measured, training, trained.vit, link.get(QUERY)),
        from_class=link.get(QUERY) == "class",
        bench=trained,
        look=look(task.name, training, text_of(board), link.get(SEED)),
    )


def drawn(task: Task) -> Board:
    """Return the board that seed, distance, pairs and distractors draw."""
    counting = task.name == "counting"
    boards = task.sample(
        1,
        generator=np.random.default_rng([link.get(SEED), 4]),
        distance=link.get(DISTANCE),
        pairs=link.get(PAIRS) if counting else int(link.get(MATCH)),
        distractors=link.get(EXTRA),
    )
    board: Board = boards[0]
    return board


def _board(task: Task) -> Board:
    text = link.get(BOARD)
    if text:
        board = board_of(text)
        if task.is_object(board).any():
            return board
        link.put(BOARD.at(""), CELL.at(-1))  # it was of the other task
    return drawn(task)


def _chosen(task: Task, board: Board) -> int:
    objects = np.flatnonzero(task.is_object(board))
    cell = link.get(CELL)
    if cell in objects:
        return int(cell)
    paired = np.flatnonzero(task.has_partner(board[None])[0])
    return int(paired[0] if len(paired) else objects[0])


def _head(measured: TaskResult, training: int, vit: ViT, looker: str) -> tuple[int, int]:
    text = link.get(HEAD)
    if text != BEST:
        layer, head = (int(part) for part in text.split("."))
        if layer < vit.layers and head < vit.heads[layer]:
            return layer, head
        st.warning(_("The ViT has no head {head}; the one that links best is shown.").format(head=text))
        link.put(HEAD.at(BEST))
    return measured.best_head(training, looker)


def redraw() -> None:
    """Forget what was moved: the board is drawn from the choices again."""
    link.put(BOARD.at(""), CELL.at(-1))


def choose(cell: int) -> None:
    """Look at what lies in a cell."""
    link.put(CELL.at(cell), QUERY.at("object"))


def move(board: Board, start: int, end: int) -> None:
    """Move what lies in a cell, and look at it; a move that is not allowed is told."""
    try:
        after = moved(board, start, end)
    except OptionError as error:
        link.notice(in_dashboard(error))
        return
    link.put(BOARD.at(text_of(after)), CELL.at(end), QUERY.at("object"))


def turn(board: Board, cell: int) -> None:
    """Turn a bar by one step."""
    link.put(BOARD.at(text_of(turned(board, cell))), CELL.at(cell))


def _knob(choice: Choice[Any]) -> dict[str, Any]:
    """Tie a widget to a choice that draws the board anew."""
    tied = link.widget(choice)

    def changed() -> None:
        tied["on_change"]()
        redraw()

    return {**tied, "on_change": changed}


def knobs(situation: Situation) -> None:
    """Draw what makes a new picture: distance, pairs, distractors, the next seed."""
    counting = situation.task.name == "counting"
    told = (
        _("One cell is {pixels} pixels. The distance counts along the longer axis.")
        if counting
        else _("From bar to bar; the band is one cell narrower. One cell is {pixels} pixels.")
    )
    distance_column, next_column = st.columns([5, 2], vertical_alignment="bottom")
    distance_column.slider(_("Distance (cells)"), 1, LONGEST, help=told.format(pixels=CELL_PIXELS), **_knob(DISTANCE))
    next_column.button(_("New picture"), icon=":material/casino:", key="range_next", on_click=_next, width="stretch")
    if counting:
        st.slider(_("Whole objects"), 0, COUPLES, **_knob(PAIRS))
    else:
        st.toggle(_("The bars match"), **_knob(MATCH))
    lesson.more().slider(
        _("Distractors"),
        0,
        MOST_DISTRACTORS,
        help=_("Halves without a partner.") if counting else _("Dots outside the band."),
        **_knob(EXTRA),
    )


def _next() -> None:
    link.put(SEED.at((link.get(SEED) + 1) % 1_000_000))
    redraw()


def can_turn(situation: Situation) -> bool:
    """Return whether the chosen thing is a bar."""
    return bool(is_bar(situation.board.reshape(-1)[situation.chosen]))
