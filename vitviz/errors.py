"""The errors that vitviz raises on purpose.

VitvizError (a ValueError)
├── UnsupportedModelError      the model has no global attention that can be read truthfully
├── UnknownModelError          no model of that name
├── WeightsUnavailableError    the weights are not here and could not be fetched
├── CheckpointError            a weights file that cannot be used: a pickle, other layers, other shapes
├── ImageError                 a picture that cannot be opened, or should not be
├── GridError                  tokens that do not fit the patch grid
├── CaptureError               a forward pass that recorded nothing, or something that is not attention
├── OptionError                an option outside its range: a layer, a head, a token, a fusion
├── TrainingError              a training run whose loss is not a number any more
└── StoppedError               a long computation was stopped by the one who asked for it

Each message says what went wrong, what was given, what is wanted and what to do next. The text is part of the
interface: tests match it, and the dashboard shows it as it stands.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from difflib import get_close_matches


class VitvizError(ValueError):
    """Any error that vitviz raises on purpose, with a message fit to be shown to a user."""


class UnsupportedModelError(VitvizError):
    """The model has no global self-attention that can be read truthfully, so it is refused."""


class UnknownModelError(VitvizError):
    """No model has that name."""


class WeightsUnavailableError(VitvizError):
    """The weights are not on this machine and could not be fetched."""


class CheckpointError(VitvizError):
    """A weights file cannot be used: it is a pickle, or it belongs to another architecture."""


class ImageError(VitvizError):
    """A picture cannot be opened, or should not be."""


class GridError(VitvizError):
    """A number of tokens, a token or a map does not fit the patch grid."""


class CaptureError(VitvizError):
    """A forward pass recorded no attention, or numbers that cannot be attention."""


class OptionError(VitvizError):
    """An option lies outside its range."""


class TrainingError(VitvizError):
    """A training run diverged: its loss is not a finite number any more."""


class StoppedError(VitvizError):
    """A long computation was stopped by the one who asked for it."""


def suggest(name: str, known: Iterable[str], *, count: int = 3) -> str:
    """Return " Did you mean 'a' or 'b'?" for the known names nearest to ``name``, or an empty string."""
    near = get_close_matches(name, list(known), n=count, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""


def check_index(what: str, index: int, size: int) -> int:
    """Return ``index`` if it lies in [0, size), else raise OptionError that names the legal range.

    NumPy's whole numbers are taken too, as an int.
    """
    try:
        index = operator.index(None if isinstance(index, bool) else index)  # type: ignore[arg-type]
    except TypeError:
        raise OptionError(f"{what} must be a whole number; got {index!r}. Give one from 0 to {size - 1}.") from None
    if not 0 <= index < size:
        raise OptionError(f"{what} {index} does not exist; there are {size}. Give one from 0 to {size - 1}.")
    return index


def check_choice(what: str, value: str, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``, else raise OptionError that lists them."""
    options = list(choices)
    if value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise OptionError(f"{what} {value!r} is unknown; wanted one of {listed}.{suggest(str(value), options)}")
    return value
