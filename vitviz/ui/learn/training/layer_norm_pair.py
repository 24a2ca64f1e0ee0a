"""A pair of runs, Pre-LN and Post-LN with one setting: how it is trained, and which runs a reader sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vitviz.errors import StoppedError
from vitviz.labs.layer_norm.runs import shipped_runs
from vitviz.labs.layer_norm.training import LayerNormTraining, train
from vitviz.ui.kept.jobs import JobView, Report

ORDERS = ("pre", "post")
_ASKED = ("order", "depth", "width", "learning_rate", "warmup_steps", "steps", "seed")

Groups = dict[tuple[str, int], list[LayerNormTraining]]
"""Runs by order and warm-up."""


@dataclass(frozen=True)
class Going:
    """The run that goes on now: its losses so far."""

    asked: Mapping[str, Any]
    """What ``train`` was called with."""
    losses: tuple[float, ...]

    @property
    def order(self) -> str:
        """Where its LayerNorm is: "pre" or "post"."""
        return str(self.asked["order"])

    @property
    def warmup_steps(self) -> int:
        """Updates over which its rate grows."""
        return int(self.asked["warmup_steps"])


@dataclass(frozen=True, eq=False)
class Pair:
    """Both orders with one setting; a stopped run has what was trained until then."""

    runs: tuple[LayerNormTraining, ...]
    going: Going | None = None


def train_pair(settings: Mapping[str, Any], report: Report) -> Pair:
    """Train both orders, telling every fifth step."""
    runs: list[LayerNormTraining] = []
    total = len(ORDERS) * settings["steps"]
    for order in ORDERS:
        losses: list[float] = []
        asked: dict[str, Any] = {"order": order, "seed": 0, **settings}

        def progress(
            done: int, steps: int, loss: float, asked: Mapping[str, Any] = asked, losses: list[float] = losses
        ) -> bool:
            losses.append(loss)
            if done % 5 and done < steps:
                return True
            before = len(runs) * steps
            return report(before + done, total, Pair(tuple(runs), Going(asked, tuple(losses))))

        runs.append(train(progress=progress, **asked))
        if not (runs[-1].finished or runs[-1].diverged):
            raise StoppedError("Stopped, as asked. What was trained until then was handed on.")
    return Pair(tuple(runs))


def groups_of(view: JobView | None) -> Groups:
    """Return the runs to show: those of a job, else the shipped ones."""
    runs: Sequence[LayerNormTraining] = shipped_runs()
    if view is not None and view.result is not None:
        runs = view.result.runs
    groups: Groups = {}
    for run in runs:
        if len(run.losses):
            groups.setdefault((run.order, run.warmup_steps), []).append(run)
    return groups


def holds(groups: Groups, settings: Mapping[str, Any]) -> bool:
    """Return whether some of the runs have these settings."""
    return any(
        all(getattr(run, name) == value for name, value in settings.items()) for runs in groups.values() for run in runs
    )


def asked_of(run: LayerNormTraining) -> dict[str, Any]:
    """Return what ``train`` was called with."""
    return {name: getattr(run, name) for name in _ASKED}
