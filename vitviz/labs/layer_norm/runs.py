"""The shipped training runs of Pre-LN and Post-LN: default settings, several seeds, with and without warm-up.

``python -m vitviz.labs.layer_norm.runs`` trains them again (12 runs, about half a minute each on one core) and writes
assets/labs/layer_norm_runs.json.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np

from vitviz.assets import ASSETS
from vitviz.files import write_text
from vitviz.labs.blocks import ORDERS
from vitviz.labs.layer_norm.training import LayerNormTraining, train

FILE = ASSETS / "labs" / "layer_norm_runs.json"
SEEDS = (0, 1, 2)
WARMUPS = (0, 60)
"""Steps of warm-up: none, and as many as help Post-LN."""
SETTINGS: dict[str, Any] = {"depth": 12, "width": 32, "learning_rate": 2e-3, "steps": 200}
_DIGITS = 5


@lru_cache(maxsize=1)
def shipped_runs() -> tuple[LayerNormTraining, ...]:
    """Return the shipped runs: both orders, warm-ups of WARMUPS, seeds of SEEDS; losses to five digits."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))["runs"]
    arrays = ("losses", "gradient_norms")
    return tuple(LayerNormTraining(**(run | {name: np.array(run[name]) for name in arrays})) for run in stored)


def train_all() -> list[LayerNormTraining]:
    """Train every shipped run."""
    return [
        train(order, warmup_steps=warmup, seed=seed, **SETTINGS)
        for order in ORDERS
        for warmup in WARMUPS
        for seed in SEEDS
    ]


def as_text(runs: list[LayerNormTraining]) -> str:
    """Return runs as the text of the shipped file, one run a line."""
    lines = [json.dumps(_plain(run), separators=(",", ":")) for run in runs]
    return '{"runs":[\n' + ",\n".join(lines) + "\n]}\n"


def _plain(run: LayerNormTraining) -> dict[str, Any]:
    return {
        name: [float(f"{number:.{_DIGITS}g}") for number in value] if isinstance(value, np.ndarray) else value
        for name, value in vars(run).items()
    }


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    write_text(FILE, as_text(train_all()))
