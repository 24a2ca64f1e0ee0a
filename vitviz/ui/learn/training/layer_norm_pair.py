"""Which runs of Pre-LN and Post-LN a reader sees: those of a job, else the shipped ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vitviz.labs.layer_norm.runs import shipped_runs
from vitviz.labs.layer_norm.training import LayerNormTraining
from vitviz.ui.kept.jobs import JobView

_ASKED = ("order", "depth", "width", "learning_rate", "warmup_steps", "steps", "seed")

Groups = dict[tuple[str, int], list[LayerNormTraining]]
"""Runs by order and warm-up."""


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
