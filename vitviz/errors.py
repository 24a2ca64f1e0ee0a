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
├── OutputError                a file that cannot be written: a full disk, no permission
├── TrainingError              a training run whose loss is not a number any more
├── ShortMemoryError           memory ran out, here or on a device
└── StoppedError               a long computation was stopped by the one who asked for it

Each message says what went wrong, what was given, what is wanted and what to do next. The text is part of the
interface: tests match it, and the dashboard shows it as it stands.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from numbers import Real

from vitviz.clause import Clause, filled

_VALUE = r"'[^']*'|\"[^\"]*\"|\([^)]*\)|[\w.…-]*[\w…]"
# An argument with its value, one whose name no prose has, or one that begins a sentence such as "window is 0".
# Not inside of a path or a longer name.
_ARGUMENT = re.compile(
    rf"(?<![\w/\\.'-])(?:[a-z]\w*=(?:{_VALUE})|[a-z]+(?:_[a-z]+)+(?![\w/\\'(]|\.\w))"
    r"|(?:^|(?<=\. ))[a-z]+(?= is )"
)


class VitvizError(ValueError):
    """Any error that vitviz raises on purpose, with a message fit to be shown to a user.

    A message names arguments as Python has them: ``weights='random'``, ``trained_size``. ``advice`` holds sentences
    that end it, each by the argument that it takes, so that an interface can leave out what it does not have.
    With ``values`` the message is a template that they fill in, ``"{width} × {height} pixels"``: an interface can then
    say it in another language.

    >>> try:
    ...     vitviz.attribute("rolout", vit, trace)
    ... except vitviz.VitvizError as error:
    ...     print(type(error) is vitviz.errors.OptionError)
    True
    """

    def __init__(self, message: str = "", *, advice: Mapping[str, str] | None = None, **values: object) -> None:
        self.template, self.values, self.advice = message, values, dict(advice or {})
        self.message = self._filled(message)
        super().__init__(" ".join([self.message, *(self._filled(text) for text in self.advice.values())]))

    def __reduce__(self) -> tuple[object, ...]:
        return _made_again, (type(self), self.template, self.advice, self.values)

    @property
    def clause(self) -> Clause:
        """The message without its advice, to stand in a longer text that can be said in another language."""
        return Clause(self.template, **self.values)

    def _filled(self, text: str, translate: Callable[[str], str] = str) -> str:
        return filled(text, self.values, translate)

    def worded(self, name: Callable[[str], str | None], translate: Callable[[str], str] = str) -> str:
        """Return the message in the words of an interface, without the advice that cannot be followed there.

        ``name`` returns what an argument of Python's is called there, "weights='random'" for one, or None if the
        interface has nothing of the kind. In the message itself, arguments that it does not know stay as they are.
        ``translate`` returns a text, as it stands in the code, in the reader's language.
        """
        kept = [text for argument, text in self.advice.items() if name(argument) is not None]
        told = " ".join(self._filled(translate(text), translate) for text in [self.template, *kept])
        return _ARGUMENT.sub(lambda match: name(match[0]) or match[0], told)


def _made_again(
    kind: type[VitvizError], template: str, advice: Mapping[str, str], values: Mapping[str, object]
) -> VitvizError:
    """Return an error that came from another process."""
    return kind(template, advice=advice, **values)


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


class OutputError(VitvizError):
    """A file cannot be written; what was there before is unchanged."""


class TrainingError(VitvizError):
    """A training run diverged: its loss is not a finite number any more."""


class ShortMemoryError(VitvizError, MemoryError):
    """Memory ran out, on the processor or on a device, where no smaller batch is left."""


class StoppedError(VitvizError):
    """A long computation was stopped by the one who asked for it."""


def suggest(name: str, known: Iterable[str], *, count: int = 3) -> str:
    """Return " Did you mean 'a' or 'b'?" for the known names nearest to ``name``, or an empty string."""
    near = get_close_matches(name, list(known), n=count, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number: Python's, NumPy's or a tensor of one."""
    try:
        operator.index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is one number, and not NaN."""
    alone = isinstance(value, Real) or getattr(value, "ndim", None) == 0
    if not alone or isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        return False
    try:
        return not math.isnan(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return False


def shown(value: object) -> str:
    """Return a value as a message shows it: small ones themselves, large ones by their kind."""
    short = isinstance(value, int | float | complex | type(None)) or getattr(value, "size", None) == 1
    short = short or (isinstance(value, str | bytes | list | tuple | dict) and len(value) <= 60)
    if short and len(text := repr(value)) <= 60:
        return text
    return f"an object of {type(value).__name__}" if not isinstance(value, type) else f"the class {value.__name__}"


def check_number(label: str, value: float) -> float:
    """Return ``value`` as a float if it is one number, and not NaN, else raise OptionError."""
    if not is_number(value):
        raise OptionError("{label} must be a number; got {given}. Give one.", label=label, given=shown(value))
    return float(value)


def check_whole(label: str, value: int) -> int:
    """Return ``value`` as an int if it is a whole number, else raise OptionError."""
    if not is_whole(value):
        raise OptionError("{label} must be a whole number; got {given}. Give one.", label=label, given=shown(value))
    return operator.index(value)


def check_index(label: str, index: int, size: int) -> int:
    """Return ``index`` if it lies in [0, size), else raise OptionError that names the legal range.

    NumPy's whole numbers are taken too, as an int.
    """
    if not is_whole(index):
        raise OptionError(
            "{label} must be a whole number; got {given}. Give one from 0 to {last}.",
            label=label,
            given=shown(index),
            last=size - 1,
        )
    index = operator.index(index)
    if not 0 <= index < size:
        raise OptionError(
            "{label} {index} does not exist; there are {size}. Give one from 0 to {last}.",
            label=label,
            index=index,
            size=size,
            last=size - 1,
        )
    return index


def check_choice(label: str, value: str, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``, else raise OptionError that lists them."""
    options = list(choices)
    if not isinstance(value, str) or value not in options:  # an array would be asked for its truth
        listed = ", ".join(repr(option) for option in options)
        raise OptionError(
            "{label} {given} is unknown; wanted one of {listed}.{hint}",
            label=label,
            given=shown(value),
            listed=listed,
            hint=suggest(str(value), options),
        )
    return value
