"""What is said of every move on the board of the Long range page, before anybody makes it."""

from __future__ import annotations

from vitviz.labs.long_range.contents import CELL_PIXELS
from vitviz.labs.long_range.moves import text_of
from vitviz.labs.long_range.results import TaskResult
from vitviz.ui.choices.long_range import SEED
from vitviz.ui.components.board_view import BoardVerdict
from vitviz.ui.learn.long_range.board import Situation, swept
from vitviz.ui.reader import link
from vitviz.ui.text import _, gap


def verdicts(situation: Situation) -> dict[int, dict[int, BoardVerdict]]:
    """Return what the networks say of every move, by the cell it starts from and the cell it ends in."""
    moves = swept(situation.task.name, situation.training, text_of(situation.board), link.get(SEED))
    names = list(situation.look.verdicts)
    ability = {apart: abilities(situation.results, apart) for apart in {int(cells) for cells in moves.apart}}
    table: dict[int, dict[int, BoardVerdict]] = {}
    for place, (start, end) in enumerate(zip(moves.starts.tolist(), moves.ends.tolist(), strict=True)):
        apart = int(moves.apart[place])
        table.setdefault(start, {})[end] = BoardVerdict(
            truth=int(moves.truth[place]),
            answers=tuple(int(moves.answers[name][place]) for name in names),
            confidence=tuple(float(moves.confidence[name][place]) for name in names),
            able=tuple(ability[apart][name] for name in names),
            words=_words(situation.results, apart),
        )
    return table


def abilities(measured: TaskResult, apart: int) -> dict[str, bool]:
    """Return by network whether it beats guessing at a distance in cells, measured on pictures not shown here."""
    known = min(max(apart, measured.distances[0]), measured.distances[-1])
    return {name: measured.interval(name, known)[0] > measured.chance for name in measured.networks}


def _words(measured: TaskResult, apart: int) -> str:
    """Return how far apart the furthest couple is, and whether a window of the small field holds it."""
    if not apart:
        return _("No two that belong together are on the board.")
    pixels, field = apart * CELL_PIXELS, measured.networks["limited"].field or 0
    told = _("The furthest couple lies {pixels} px apart.").format(pixels=pixels)
    if pixels < field:
        return told + gap() + _("A window of {field} px holds both.").format(field=field)
    return told + gap() + _("No window of {field} px holds both.").format(field=field)
