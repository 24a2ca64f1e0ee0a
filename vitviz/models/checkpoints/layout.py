"""A layout: the names that a library gives the tensors of a Vision Transformer, and the way from them to timm's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from vitviz.record import Record

State = Mapping[str, Tensor]
"""The tensors of a model by name."""


@dataclass(frozen=True)
class Traits(Record):
    """What a layout fixes beside the tensors; None where it fixes nothing."""

    heads: int | None = None
    """Number of attention heads of each layer."""
    eps: float | None = None
    """What layer normalisation adds to the variance."""
    activation: str | None = None
    """timm's name of the activation in the MLPs."""
    registers: int | None = None
    """Number of tokens beside the class token that the plain architecture has not."""
    beside: bool = False
    """Whether heads, activation and ε are those of config.json beside the file, which no tensor proves."""
    projection: bool = False
    """Whether what looks like a classifier projects to an embedding shared with texts."""


@dataclass(frozen=True)
class Converted(Record):
    """A state dict in timm's names, and what was done to it."""

    state: dict[str, Tensor] = field(repr=False)
    """The tensors by timm's names."""
    name: str
    """What was recognised: "DINOv2", "torchvision's VisionTransformer"."""
    steps: tuple[str, ...] = ()
    """What was done, a clause each."""
    traits: Traits = Traits()


@dataclass(frozen=True)
class Layout(Record):
    """One recogniser: how a layout is known, and the pure function that converts it."""

    name: str
    anchor: re.Pattern[str]
    """Matches the name of one tensor that every such file has; what stands before it is the prefix."""
    convert: Callable[[State, Mapping[str, Any]], Converted]
    """From the tensors without their prefix, and the settings in "config", to timm's names."""
    companion: str = ""
    """Matches what must stand beside the anchor, without the prefix: text towers have blocks of the same names."""

    own_head: bool = False
    """Whether its head is no classifier behind a transformer, and is taken as it is: of a convolutional network."""

    def prefixes(self, state: State) -> list[str]:
        """Return the prefixes at which such a model begins."""
        prefixes = [match[1] for match in map(self.anchor.match, state) if match]
        return [prefix for prefix in prefixes if not self.companion or self._accompanied(state, prefix)]

    def _accompanied(self, state: State, prefix: str) -> bool:
        return any(name.startswith(prefix) and re.match(self.companion, name[len(prefix) :]) for name in state)


def renamed(state: State, names: Mapping[str, str]) -> dict[str, Tensor]:
    """Return a state dict with names rewritten by regular expressions, all of them in turn."""
    result = {}
    for name, value in state.items():
        for pattern, replacement in names.items():
            name = re.sub(pattern, replacement, name)
        result[name] = value
    return result


def without(state: State, pattern: str) -> tuple[dict[str, Tensor], list[str]]:
    """Return a state dict without the names that a pattern matches from their start, and these."""
    gone = [name for name in state if re.match(pattern, name)]
    return {name: value for name, value in state.items() if name not in set(gone)}, gone


def depth_of(state: State) -> int:
    """Return the number of blocks of a state dict in timm's names."""
    numbers = [int(match[1]) for match in (re.match(r"blocks\.(\d+)\.", name) for name in state) if match]
    return max(numbers, default=-1) + 1
