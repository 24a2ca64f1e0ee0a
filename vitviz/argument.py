"""The kinds of the arguments of ``vitviz.NAME``: a file name where a model belongs is told before anything computes.

The functions themselves see what an option is worth; that ``trace`` is a Trace, ``residual`` a number and ``steps`` a
whole one is the same question for all of them, and asked here, once, from their annotations.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

from vitviz.argument_kinds import KINDS, SOURCES, Kind, is_a
from vitviz.errors import OptionError, shown

P = ParamSpec("P")
R = TypeVar("R")
_BETWEEN = re.compile(r" \| (?![^[]*\])")
"""What stands between the kinds of an annotation, and not inside the brackets of one."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with the kinds of its arguments checked at each call.

    An annotation that is made of classes and kinds known here is checked; any other is left to the function. Classes
    are compared by name, so that this file needs none of them.
    """
    signature = inspect.signature(function)
    kinds = {name: names for name, parameter in signature.parameters.items() if (names := kinds_of(parameter))}

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **options).arguments
        except TypeError:  # too few, too many, a misspelt name: Python's own message names it
            return function(*args, **options)
        for name, names in kinds.items():
            if name in given and not any(_fits(given[name], kind) for kind in names):
                _refuse(signature.parameters[name], given[name], names)
        return function(*args, **options)

    return call


def kinds_of(parameter: inspect.Parameter) -> list[str]:
    """Return the kinds that a parameter takes, or none if one of them is not known here."""
    if parameter.name == "seed":
        return ["seed"]
    names = _BETWEEN.split(str(parameter.annotation))
    many = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return names if not many and all(name in SOURCES or _kind(name) or name == "None" for name in names) else []


def _kind(name: str) -> Kind | None:
    return KINDS.get(name) or KINDS.get(name.partition("[")[0])


def _fits(value: object, name: str) -> bool:
    if name == "None" or name in SOURCES:
        return value is None if name == "None" else is_a(value, name)
    kind = _kind(name)
    return kind is not None and kind.fits(value)


def _refuse(parameter: inspect.Parameter, value: object, names: list[str]) -> NoReturn:
    raise OptionError(
        "{name} must be {wanted}; got {given}.{next}",
        name=parameter.name,
        wanted=" or ".join(dict.fromkeys(_words(name) for name in names if name != "None")),
        given=shown(value),
        next=_next(parameter, value, names),
    )


def _words(name: str) -> str:
    kind = _kind(name)
    return kind.words if kind else f"a {name}"


def _next(parameter: inspect.Parameter, value: object, names: list[str]) -> str:
    """Return what to do instead: where the right object comes from, or what happens without the argument."""
    if sources := [SOURCES[name] for name in names if name in SOURCES]:
        return f" It comes from {' or '.join(sources)}."
    if is_a(value, "Attribution") and any(name.startswith("NDArray") for name in names):
        return " Give its values."
    if parameter.default is parameter.empty:
        return ""
    default = "the default" if parameter.default is None else repr(parameter.default)
    return f" Leave it out for {default}."
