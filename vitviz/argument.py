"""The kinds of the arguments of ``vitviz.NAME``: a file name where a model belongs is told before anything computes.

The functions themselves see what an option is worth; that ``trace`` is a Trace and ``vit`` a ViT is the same question
for all of them, and asked here, once, from their annotations.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import numpy as np

from vitviz.errors import OptionError

P = ParamSpec("P")
R = TypeVar("R")
_FROM = {
    "ViT": "vitviz.load_vit or vitviz.ViT.from_module",
    "Trace": "vitviz.trace",
    "ConvNet": "vitviz.load_convnet",
    "Attribution": "vitviz.attribute",
    "PositionSimilarity": "vitviz.position_similarity",
    "Atlas": "vitviz.read_atlas",
    "PatchGrid": "vitviz.PatchGrid or trace.grid",
    "Edit": "vitviz.Edit",
}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with the kinds of its arguments checked at each call.

    An annotation that is made of the names above, ``bool`` and ``None`` alone is checked; any other is left to the
    function. Classes are compared by name, so that this file needs none of them.
    """
    signature = inspect.signature(function)
    kinds = {
        name: names
        for name, parameter in signature.parameters.items()
        if set(names := str(parameter.annotation).split(" | ")) <= {*_FROM, "bool", "None"}
    }

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **options).arguments
        except TypeError:  # too few, too many, a misspelt name: Python's own message names it
            return function(*args, **options)
        for name, names in kinds.items():
            if name in given and not any(_is_a(given[name], kind) for kind in names):
                _refuse(name, given[name], names)
        return function(*args, **options)

    return call


def _is_a(value: object, kind: str) -> bool:
    if kind in ("None", "bool"):
        return value is None if kind == "None" else isinstance(value, bool | np.bool_)
    return any(base.__name__ == kind for base in type(value).__mro__)


def _refuse(name: str, value: object, names: list[str]) -> NoReturn:
    wanted = [kind for kind in names if kind != "None"]
    if wanted == ["bool"]:
        raise OptionError("{name} must be True or False; got {given}.", name=name, given=_short(value))
    raise OptionError(
        "{name} must be a {kind}; got {given}. It comes from {source}.",
        name=name,
        kind=" or a ".join(wanted),
        given=_short(value),
        source=" or ".join(_FROM[kind] for kind in wanted),
    )


def _short(value: object) -> str:
    """Return a value as a message shows it: small ones themselves, large ones by their kind."""
    if isinstance(value, str | int | float | complex | bytes | type(None)) and len(text := repr(value)) <= 60:
        return text
    return f"an object of {type(value).__name__}" if not isinstance(value, type) else f"the class {value.__name__}"
