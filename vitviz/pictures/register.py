"""Which function draws which kind of result: the one list that notebooks, ``figure`` and ``image`` go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from inspect import signature
from typing import Any

from vitviz.errors import OptionError, VitvizError, suggest
from vitviz.pictures import atlases, blocks, costs, curves, encodings, fields, lessons, maps, networks, tokens
from vitviz.pictures.drawing import Drawing

DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    **maps.DRAWINGS,
    **tokens.DRAWINGS,
    **fields.DRAWINGS,
    **curves.DRAWINGS,
    **encodings.DRAWINGS,
    **lessons.DRAWINGS,
    **networks.DRAWINGS,
    **blocks.DRAWINGS,
    **costs.DRAWINGS,
    **atlases.DRAWINGS,
}
"""By the type of the result."""
OF_PAGES = ("say", "extra")
"""What the pages alone hand to a drawing function: their language, and what they draw into its chart besides."""


def drawn(result: Any, given: Mapping[str, Any]) -> Drawing:
    """Return the drawing of a result; raises OptionError for a result or an option that has none."""
    function = DRAWINGS.get(type(result))
    if function is None:
        raise OptionError(
            f"A {type(result).__name__} has no picture; wanted a result such as what attribute, rollout_view or "
            "head_statistics return. Its numbers are its fields: print it."
        )
    known = options(result)
    for name in given:
        if name not in known:
            raise OptionError(
                f"The picture of a {type(result).__name__} has no option {name!r}; it has "
                f"{', '.join(known) or 'none'}.{suggest(name, known)} Leave it out."
            )
    return function(result, **given)


def options(result: Any) -> dict[str, Any]:
    """Return the options of a result's picture with their defaults.

    >>> from vitviz.pictures import options
    >>> options(vitviz.head_statistics(trace))
    {'statistic': 'distance', 'palette': 'viridis', 'dots': False}
    """
    function = DRAWINGS.get(type(result))
    parameters = [] if function is None else list(signature(function).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters if parameter.name not in OF_PAGES}


def in_notebook(result: Any) -> str:
    """Return the result's drawing as HTML; its numbers and the reason where it cannot be drawn."""
    try:
        return drawn(result, {}).html()
    except VitvizError as error:
        return f"<div><pre>{escape(repr(result))}</pre><div>{escape(str(error))}</div></div>"
