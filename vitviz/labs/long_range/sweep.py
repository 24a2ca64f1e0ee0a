"""Sweep: what the trained networks say of every board that one move leads to, so that a drag can show it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.labs.long_range.contents import Board, is_bar, is_half
from vitviz.labs.long_range.moves import distance, moved, partner_cell
from vitviz.labs.long_range.networks import Answerer
from vitviz.labs.long_range.tasks import Task
from vitviz.labs.long_range.verdict import picture
from vitviz.record import Record

_AT_ONCE = 64
"""Pictures in one pass."""


@dataclass(frozen=True, eq=False)
class Sweep(Record):
    """Every single move of a half or bar, and what each network says of the board it leads to."""

    starts: NDArray[np.int64]
    """(move,) the cell that something is taken from."""
    ends: NDArray[np.int64]
    """(move,) the cell that it is put into; equal to the start for the board as it is."""
    truth: NDArray[np.int64]
    """(move,) the right answer."""
    apart: NDArray[np.int64]
    """(move,) largest distance, in cells, of two that belong together; 0 where none do."""
    answers: Mapping[str, NDArray[np.int64]]
    """By network, (move,)."""
    confidence: Mapping[str, NDArray[np.float64]]
    """By network, (move,): probability of its answer."""


def sweep(networks: Mapping[str, Answerer], task: Task, board: Board, *, seed: int = 0) -> Sweep:
    """Return what networks say of a board (row, column) and of every board that one move of a half or bar leads to.

    The pictures are those of ``verdict.picture``, with the noise of the seed.
    """
    places = [(start, end, after) for start in _movable(board) for end, after in _moves(board, start)]
    boards = np.stack([after for _start, _end, after in places])  # (move, row, column)
    pixels = np.stack([picture(after, seed=seed) for after in boards])  # (move, height, width, channel)
    tensor = torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    shares = {name: _probabilities(network, tensor) for name, network in networks.items()}
    return Sweep(
        starts=np.array([start for start, _end, _after in places]),
        ends=np.array([end for _start, end, _after in places]),
        truth=np.asarray(task.label(boards), np.int64),
        apart=np.array([_apart(after) for after in boards]),
        answers={name: share.argmax(-1) for name, share in shares.items()},
        confidence={name: share.max(-1) for name, share in shares.items()},
    )


def _movable(board: Board) -> list[int]:
    cells = board.reshape(-1)
    return [int(cell) for cell in np.flatnonzero(is_half(cells) | is_bar(cells))]


def _moves(board: Board, start: int) -> list[tuple[int, Board]]:
    """Return (end, board) of every move from a cell, the one to itself first."""
    boards = [(start, board)]
    for end in range(board.size):
        try:
            if end != start:
                boards.append((end, moved(board, start, end)))
        except OptionError:
            continue  # taken, or past the other bar
    return boards


def _apart(board: Board) -> int:
    pairs = [(cell, partner_cell(board, cell)) for cell in _movable(board)]
    return max((distance(cell, partner) for cell, partner in pairs if partner is not None), default=0)


def _probabilities(network: Answerer, pixels: torch.Tensor) -> NDArray[np.float64]:
    """Return (move, answer): rows sum to 1."""
    with torch.no_grad():
        logits = torch.cat([network.answers(part)[0] for part in pixels.split(_AT_ONCE)])
    return np.asarray(logits.double().softmax(-1).numpy())
