"""Every move at once: the same boards, pictures and verdicts as one move after the other."""

import numpy as np
import pytest

from vitviz.labs.long_range import moves, shipped, tasks, verdict
from vitviz.labs.long_range.contents import is_bar, is_half
from vitviz.labs.long_range.sweep import sweep


@pytest.mark.parametrize("name", ["counting", "occluder"])
def test_a_sweep_says_what_each_move_leads_to(name):
    task = tasks.find(name)
    options = {"distance": 5, "pairs": 1, "distractors": 0}
    board = task.sample(1, generator=np.random.default_rng(0), **options)[0]
    network = shipped.load(name, "limited", seed=0)
    made = sweep({"limited": network}, task, board, seed=3)
    movable = [cell for cell in range(board.size) if is_half(board.flat[cell]) or is_bar(board.flat[cell])]
    assert np.unique(made.starts).tolist() == movable
    assert set(zip(made.starts, made.ends, strict=True)) >= {(cell, cell) for cell in movable}
    for place in (0, len(made.starts) // 2, len(made.starts) - 1):
        after = moves.moved(board, int(made.starts[place]), int(made.ends[place]))
        said = verdict.verdicts({"limited": network}, verdict.picture(after, seed=3))["limited"]
        assert made.answers["limited"][place] == said.answer
        assert made.confidence["limited"][place] == pytest.approx(said.confidence, abs=1e-5)
        assert made.truth[place] == task.label(after[None])[0]
        pairs = {(cell, moves.partner_cell(after, cell)) for cell in range(after.size)}
        assert made.apart[place] == max(moves.distance(*pair) for pair in pairs if pair[1] is not None)
