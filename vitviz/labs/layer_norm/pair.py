"""A pair of runs, Pre-LN and Post-LN with one setting, told step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vitviz.errors import StoppedError
from vitviz.labs.blocks import ORDERS
from vitviz.labs.layer_norm.training import LayerNormTraining, train
from vitviz.record import Record


class PairProgress(Protocol):
    """Called with (done, total, what there is so far); False asks it to stop."""

    def __call__(self, done: int, total: int, result: Pair, /) -> bool:  # noqa: D102 - see above
        ...


@dataclass(frozen=True)
class Going(Record):
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
class Pair(Record):
    """Both orders with one setting; a stopped run has what was trained until then."""

    runs: tuple[LayerNormTraining, ...]
    going: Going | None = None


def train_pair(*, progress: PairProgress, **settings: Any) -> Pair:
    """Train both orders with settings of ``train``, telling every fifth step; raises StoppedError when told to stop."""
    runs: list[LayerNormTraining] = []
    total = len(ORDERS) * settings["steps"]
    for order in ORDERS:
        losses: list[float] = []
        asked: dict[str, Any] = {"order": order, "seed": 0, **settings}

        def tell(
            done: int, steps: int, loss: float, asked: Mapping[str, Any] = asked, losses: list[float] = losses
        ) -> bool:
            losses.append(loss)
            if done % 5 and done < steps:
                return True
            before = len(runs) * steps
            return progress(before + done, total, Pair(tuple(runs), Going(asked, tuple(losses))))

        runs.append(train(progress=tell, **asked))
        if not (runs[-1].finished or runs[-1].diverged):
            raise StoppedError("Stopped, as asked. What was trained until then was handed on.")
    return Pair(tuple(runs))
