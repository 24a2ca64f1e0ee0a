"""Rebinding: functions that were put on a module's objects, made to speak of the module's copy instead.

``module.forward = lambda x: module.head(…)`` and hooks that close over the module run the original, which nobody
observes. The same code, with the copy in place of the original, is what the copy must run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from torch import nn


class Rebinding:
    """The way from a module's parts to those of its copy, for functions that hold them."""

    def __init__(self, copies: Mapping[int, nn.Module]) -> None:
        """``copies`` are the parts of the copy by the ``id`` of the original."""
        self._copies = copies
        self._made: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """Return a value with the copies in place of the originals that it holds; itself where it holds none."""
        if isinstance(value, nn.Module):
            return self._copies.get(id(value), value)
        if id(value) in self._made:
            return self._made[id(value)]
        if isinstance(value, MethodType):
            owner, function = self.of(value.__self__), self.of(value.__func__)
            return value if owner is value.__self__ and function is value.__func__ else MethodType(function, owner)
        if isinstance(value, partial):
            return self._partial(value)
        if type(value) in (list, tuple, dict):
            return self._container(value)
        return self._function(value) if isinstance(value, FunctionType) else value

    def _container(self, value: Any) -> Any:
        """Return a list, tuple or dictionary of modules with their copies; any other is shared with the original."""
        held = list(value.values()) if isinstance(value, dict) else list(value)
        if not any(isinstance(part, nn.Module) and id(part) in self._copies for part in held):
            return value
        if isinstance(value, dict):
            return {key: self.of(part) for key, part in value.items()}
        return type(value)(self.of(part) for part in value)

    def _partial(self, value: partial[Any]) -> partial[Any]:
        function, given = self.of(value.func), [self.of(argument) for argument in value.args]
        named = {name: self.of(argument) for name, argument in value.keywords.items()}
        made = partial(function, *given, **named)
        made.__dict__.update(vars(value))
        return made

    def _function(self, function: FunctionType) -> FunctionType:
        """Return a function with other cells, globals and defaults, if any of them holds a part of the module."""
        self._made[id(function)] = function  # a function that refers to itself
        world = self._globals(function)
        cells = tuple(self._cell(cell) for cell in function.__closure__ or ())
        defaults = tuple(self.of(value) for value in function.__defaults__ or ())
        changed = bool(world) or any(a is not b for a, b in zip(cells, function.__closure__ or (), strict=True))
        if not changed and all(a is b for a, b in zip(defaults, function.__defaults__ or (), strict=True)):
            return function
        inside = {**function.__globals__, **world} if world else function.__globals__
        made = FunctionType(function.__code__, inside, function.__name__, defaults or None, cells or None)
        made.__kwdefaults__ = function.__kwdefaults__
        made.__dict__.update(vars(function))
        self._made[id(function)] = made
        return made

    def _globals(self, function: FunctionType) -> dict[str, Any]:
        """Return the globals that a function must have in other forms; functions of other files are left alone."""
        given = function.__globals__
        held = {name: given[name] for name in _names(function) if name in given and _may_hold(given[name])}
        own = {
            name: value
            for name, value in held.items()
            if not isinstance(value, FunctionType) or value.__globals__ is given
        }
        others = {name: self.of(value) for name, value in own.items()}
        return {name: value for name, value in others.items() if value is not given[name]}

    def _cell(self, cell: CellType) -> CellType:
        try:
            value = cell.cell_contents
        except ValueError:  # still empty
            return cell
        other = self.of(value) if _may_hold(value) else value
        return cell if other is value else CellType(other)


def _may_hold(value: Any) -> bool:
    return isinstance(value, nn.Module | MethodType | FunctionType | partial)


def _names(function: FunctionType) -> set[str]:
    """Return the global names that a function's code uses, also inside of the functions that it defines."""
    codes, names = [function.__code__], set[str]()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [constant for constant in code.co_consts if isinstance(constant, type(code))]
    return names
