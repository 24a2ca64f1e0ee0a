"""Fingerprint: whether a module is still as it was when it was wrapped, in a fraction of a millisecond."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from itertools import chain
from typing import Any

from torch import nn

_PASSING = ("training",)  # what the shell does not take over
_PART = "part "


class Fingerprint:
    """What a module consists of: its parts, their attributes, hooks and code, and the versions of its parameters.

    Reading it again compares identities alone, so it misses what is changed inside a list or a dictionary; the shell
    shares those with the module, and sees the change.
    """

    def __init__(self, module: nn.Module) -> None:
        """Read a module."""
        parts = dict(module.named_modules())
        self._parts = list(parts.values())
        self._types = {type(part) for part in self._parts}
        self._dicts = [
            state for part in self._parts for state in (vars(part), part._modules)
        ]  # the dictionaries themselves: what is put into them later is seen
        self._hooks = [
            value
            for part in self._parts
            for name, value in vars(part).items()
            if "_hooks" in name and value is not None
        ]
        self._kept = list(chain.from_iterable(map(dict.values, self._dicts)))
        self._details = {name: _details(part) for name, part in parts.items()}
        self._weights = _weights(self._parts)
        self._quick = self._read()

    def holds(self, module: nn.Module) -> bool:
        """Return whether a module is still what was read."""
        values = chain.from_iterable(map(dict.values, self._dicts))
        as_before = sum(map(len, self._dicts)) == len(self._kept) and all(map(operator.is_, values, self._kept))
        return self._parts[0] is module and as_before and self._read() == self._quick

    def has_weights_of(self, module: nn.Module) -> bool:
        """Return whether a module has the parameters that were read, with the values that they had."""
        return _weights(module.modules()) == self._weights

    def changes(self, module: nn.Module) -> list[str]:
        """Return what was changed in a module since, in words; parts of it by their names."""
        now = {name: _details(part) for name, part in module.named_modules()}
        told: list[str] = []
        exchanged: set[str] = set()
        for name in {**self._details, **now}:
            if any(name == gone or name.startswith(f"{gone}.") for gone in exchanged):
                continue  # what an exchanged part consists of goes without saying
            before, after = self._details.get(name, {}), now.get(name, {})
            for key in {**before, **after}:
                if before.get(key) != after.get(key):
                    part = f"{name}.{key.removeprefix(_PART)}" if name else key.removeprefix(_PART)
                    exchanged |= {part} if key.startswith(_PART) else set()
                    told.append(part if key.startswith(_PART) else f"{key} of {name or 'the module'}")
        return told

    def _read(self) -> tuple[Any, ...]:
        return (
            tuple(map(type, self._parts)),
            tuple(chain.from_iterable(self._hooks)),
            tuple(id(kind.forward) for kind in self._types),
            _weights(self._parts),
        )


def _weights(parts: Iterable[nn.Module]) -> tuple[list[int], list[int]]:
    """Return the identities and versions of all parameters."""
    dicts = [part._parameters for part in parts]
    weights = [weight for weight in chain.from_iterable(map(dict.values, dicts)) if weight is not None]
    try:
        versions = [weight._version for weight in weights]
    except RuntimeError:  # those made under inference mode have none
        versions = [0 if weight.is_inference() else weight._version for weight in weights]
    return list(map(id, weights)), versions


def _details(part: nn.Module) -> dict[str, Any]:
    """Return what a change of a part is told by: its attributes, hooks, children and the versions of its weights."""
    details: dict[str, Any] = {"class": type(part), "forward of its class": id(type(part).forward)}
    for name, value in vars(part).items():
        if "_hooks" in name:
            details[name.strip("_").replace("_", " ")] = None if value is None else tuple(value)
        elif not name.startswith("_") and name not in _PASSING:
            plain = isinstance(value, bool | int | float | str | tuple | type(None))
            details[name] = repr(value) if plain else id(value)
    for name, child in part._modules.items():
        details[_PART + name] = id(child)
    for name, weight in part._parameters.items():
        version = 0 if weight is None or weight.is_inference() else weight._version
        details[name] = (id(weight), version)
    return details
