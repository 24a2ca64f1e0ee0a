"""Job: one shard's work, as it is sent to a process of this machine or of another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitviz.atlas.entry import Entry
from vitviz.atlas.layout import Layout
from vitviz.attribution.benchmark import Plan
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT
from vitviz.record import Record


@dataclass(frozen=True)
class ModelChoice(Record):
    """A model by its name and the options of ``load_vit``: small enough to send anywhere."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    def __hash__(self) -> int:
        return hash((self.name, str(self.options)))  # class names may be a list

    def load(self, device: str) -> ViT:
        """Return the model on a device."""
        return load_vit(self.name, **{**dict(self.options), "device": device})


@dataclass(frozen=True, eq=False)
class Settings(Record):
    """What decides the numbers, whoever computes them."""

    layout: Layout
    batch: int
    """Photos of a pass."""
    ids: Mapping[str, str]
    """Class names by id, such as WordNet's."""
    plan: Plan | None = None
    """How faithfulness is measured; None if it is not."""

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        plan = None
        if self.plan is not None:
            plan = {
                "methods": list(self.plan.methods),
                "replacement": self.plan.replacement,
                "steps": self.plan.steps,
                "random_maps": self.plan.random_maps,
            }
        ids = json.dumps(sorted(self.ids.items())).encode()
        digest = hashlib.blake2b(ids, digest_size=8).hexdigest() if self.ids else None
        return {"layout": self.layout.describe(), "batch": self.batch, "class_ids": digest, "faithfulness": plan}


@dataclass(frozen=True, eq=False)
class Job(Record):
    """One shard."""

    shard: int
    start: int
    """The line of the first photo."""
    entries: tuple[Entry, ...]
    model: ModelChoice | ViT
    settings: Settings
    base: Path
    """The folder that the entries' paths start from."""
    column: str | None = None
    """Of a table, the column of the pictures."""
    device: str = "cpu"
    threads: int | None = None
    """Of a pass; None leaves them as they are."""
