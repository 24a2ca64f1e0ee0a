"""The texts of the Long range page, and what it gives to take away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from vitviz.labs.long_range.counter import AttentionCount
from vitviz.labs.long_range.moves import text_of
from vitviz.labs.long_range.results import results
from vitviz.labs.long_range.tasks import TASKS
from vitviz.numbers import percent
from vitviz.ui.choices.long_range import BETA, SEED
from vitviz.ui.components.standalone import fragment
from vitviz.ui.components.window_view import WindowView
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.learn.long_range import counter, verdicts, windows
from vitviz.ui.learn.long_range.board import Situation
from vitviz.ui.learn.long_range.results import figure
from vitviz.ui.reader import link
from vitviz.ui.text import _, gap

_LEARNT = 0.95
"""Share of right answers from which a task counts as learnt."""
Step = str | tuple[str, str, Mapping[str, str]]


def question(task: str) -> tuple[str, str]:
    """Return the question of a task and the sentence that says what is seen."""
    if task == "occluder":
        return _("Can a network compare what it cannot see at once?"), _(
            "A grey band hides the middle. The bars on its two sides either have the same orientation or not. Drag "
            "a bar away "
            "and watch the three verdicts."
        )
    return _("How many objects are whole?"), _(
        "Each object is cut into a left and a right half of one colour and shape; some halves have lost their "
        "partner. Drag "
        "two halves of one object apart and watch the three verdicts."
    )


def caveat(situation: Situation) -> str:
    """Return where the simple story is not the whole truth."""
    common = _(
        "Halves and bars lie in the cells of the ViT's patch grid, shifted by at most half a pixel; that suits all "
        "three networks, which start with the same cut into cells. The networks are small and were trained for minutes "
        "on pictures made for this question; photographs are another matter. An attention link shows where a head "
        "reads; switching the head off shows whether the answer needs it."
    )
    own = (
        _(
            "A threshold on added evidence could be right more often than guessing, so “at chance” is a measurement "
            "here; the proof is about probabilities."
        )
        if situation.task.name == "occluder"
        else _(
            "The closed form compares identities by hand; the trained ViT need not count that way, and its answer "
            "comes from the class token."
        )
    )
    return gap().join(part for part in (_small_field(situation), _large_field(situation), common, own) if part)


def _small_field(situation: Situation) -> str:
    """Return what to think of the small field where it holds both parts and still falls short; empty if it does not."""
    measured = situation.results
    network = measured.networks["limited"]
    held = [place for place, pixels in enumerate(measured.pixels) if pixels < (network.field or 0)]
    weakest = min(held, key=lambda place: float(network.mean[place]))
    if network.mean[weakest] >= _LEARNT:
        return ""
    return _(
        "At {pixels} px the small field holds both parts, and still its CNN is right in only {share} of pictures. What "
        "it lacks there is training, not sight."
    ).format(pixels=measured.pixels[weakest], share=percent(float(network.mean[weakest])))


def _large_field(situation: Situation) -> str:
    """Return what the measurements say of the CNN with the large field, on this task and on the other."""
    here, there = (
        float(results(task).networks["large"].mixed_accuracy.mean())
        for task in (situation.task.name, *(set(TASKS) - {situation.task.name}))
    )
    text = _(
        "Distance is a matter of the receptive field, not of convolution: the CNN whose field covers the picture is "
        "right in {here} of mixed pictures here, and in {there} in the other task."
    ).format(here=percent(here), there=percent(there))
    if min(here, there) < _LEARNT:
        text += gap() + _(
            "Where it falls short, this training did not teach it; that is no inability: no argument keeps it from "
            "comparing the two places."
        )
    return text


def next_steps(task: str) -> list[Step]:
    """Return what to try next."""
    other = "counting" if task == "occluder" else "occluder"
    steps: list[Step] = [
        _("Put the two halves into neighbouring cells: do all three networks agree?")
        if task == "counting"
        else _("Make the band as narrow as it goes: do all three networks agree?"),
        _("Choose another head, or the class token, and look for the one without which the answer changes."),
        (_("The other task"), "long_range", {"range_task": other}),
        (_("How far do the model of the sidebar and a CNN see? Receptive field"), "receptive_field", {}),
    ]
    return steps


def result(situation: Situation, counted: AttentionCount | None) -> Result:
    """Return what the page computed, to take away."""
    task = situation.task.name
    return Result(
        page="long_range",
        title=question(task)[0],
        settings=_settings(situation),
        code=_code(situation),
        arrays=lambda: _arrays(situation, counted),
        figures=lambda: _figures(situation, counted),
        opening=lambda: fragment(verdicts.view_of(situation), *_counters(situation)),
    )


def _counters(situation: Situation) -> list[WindowView]:
    """Return the windows over the board, where halves are counted."""
    return [windows.view_of(situation)] if situation.task.name == "counting" else []


def _settings(situation: Situation) -> dict[str, Any]:
    layer, head = situation.head
    return {
        "task": situation.task.name,
        "board": text_of(situation.board),
        "noise_seed": link.get(SEED),
        "training_seed": situation.training,
        "chosen_cell": situation.chosen,
        "partner_cell": situation.partner,
        "attention_of": "class token" if situation.from_class else "chosen cell",
        "layer": layer,
        "head": head,
        "beta": link.get(BETA),
        "right_answer": situation.truth,
        "answers": {name: verdict.answer for name, verdict in situation.look.verdicts.items()},
    }


def _code(situation: Situation) -> str:
    task, training = situation.task.name, situation.training
    return f"""from vitviz.labs.long_range import moves, results, shipped, tasks, verdict

board = moves.board_of({text_of(situation.board)!r})
picture = verdict.picture(board, seed={link.get(SEED)})  # (height, width, 3)
names = ("vit", "limited", "large")
networks = {{name: shipped.load({task!r}, name, seed={training}) for name in names}}
for told in verdict.verdicts(networks, picture).values():
    print(told.network, told.answer, told.probabilities.round(3))
print("right:", tasks.find({task!r}).label(board[None])[0])
vit = shipped.as_vit(networks["vit"], {task!r})
attention = verdict.attention(vit, picture)  # (layer, head, query, key)
results.results({task!r}).figure()  # accuracy a distance
"""


def _arrays(situation: Situation, counted: AttentionCount | None) -> dict[str, NDArray[Any]]:
    measured = situation.results
    arrays: dict[str, NDArray[Any]] = {
        "board": situation.board,
        "picture": situation.look.picture,
        "attention": situation.look.attention,
        "distances": np.array(measured.distances),
    }
    for name, verdict in situation.look.verdicts.items():
        arrays[f"{name}_probabilities"] = verdict.probabilities
        arrays[f"{name}_accuracy"] = measured.networks[name].accuracy
    if counted is not None:
        arrays["counting_attention"] = counted.attention
    return arrays


def _figures(situation: Situation, counted: AttentionCount | None) -> dict[str, go.Figure]:
    figures = {
        _("What the networks answered when this was saved"): verdicts.figure(situation),
        _("How far does each network see?"): figure(situation),
    }
    if counted is not None:
        figures[_("What one attention layer counts")] = counter.curve_figure(counted)
    return figures
