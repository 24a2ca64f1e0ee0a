"""What explain can compute, as data: views of attention, and every explanation of ``vitviz.METHODS`` by its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vitviz.attention.rollout import FUSIONS
from vitviz.attention.rollout_view import rollout_view
from vitviz.attention.view import DIRECTIONS, MapView, attention_view
from vitviz.attribution import METHODS as EXPLANATIONS
from vitviz.attribution import Knob
from vitviz.attribution.attribute import find_method
from vitviz.attribution.method import Method as Explanation
from vitviz.cli.wording import flag_of
from vitviz.errors import OptionError


@dataclass(frozen=True)
class Option:
    """One option of a method on the command line."""

    name: str
    """Keyword of the method's function; the flag is the same with dashes."""
    default: Any
    help: str
    read: Callable[[str], Any] = str
    """From the text on the command line to the value."""
    choices: tuple[str, ...] | None = None
    metavar: str | None = None

    @property
    def flag(self) -> str:
        """The flag, such as "--head-fusion"."""
        return flag_of(self.name)


@dataclass(frozen=True)
class Method:
    """One way to explain a picture."""

    name: str
    summary: str
    options: tuple[Option, ...]
    view: Callable[..., MapView] | None
    """From a trace and the options, as keywords, to a view of attention; None if there is none."""
    uses_target: bool
    """Whether the map depends on the class that is explained."""
    explanation: Explanation | None = None
    """The record of the explanation; None if there is only a view of attention."""

    def is_view(self, given: Mapping[str, Any]) -> bool:
        """Return whether these options ask for a view of attention: for what the explanation of the name has not."""
        if self.view is None or self.explanation is None:
            return self.view is not None
        return not {knob.name for knob in self.explanation.knobs} >= set(given)

    def choose(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a view, given or default, or the given knobs of an explanation.

        Raises OptionError for another method's option, and for a knob that fits no model.
        """
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                own = ", ".join(option.flag for option in self.options)
                has = f"wanted {own}" if own else "it has none"
                raise OptionError(
                    f"{flag_of(name)} is no option of the method {self.name}; {has}. Leave it out or "
                    "choose another method."
                )
        if self.explanation is None or self.is_view(given):
            return {name: given.get(name, option.default) for name, option in known.items()}
        # a layer is checked when the model is there
        return {name: self.explanation.knob(name).check(value, _ANY_DEPTH) for name, value in given.items()}


_ANY_DEPTH = 1_000_000


def _head(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


QUERY = Option(
    "query",
    None,
    "token whose map is shown: class, another special token, a patch number, mean (of all patches) or pool "
    "(default: class if the model has one, else mean; without a query, rollout takes what the answer is read from)",
)
DIRECTION = Option("direction", "attends_to", "where the query looks, or who looks at it", choices=DIRECTIONS)

VIEWS = (
    Method(
        "attention",
        "one head of one layer, or the mean or maximum of its heads",
        (
            Option("layer", None, "block, counted from 0 (default: the last)", int),
            Option("head", "mean", "mean, max or a head's number", _head),
            QUERY,
            DIRECTION,
        ),
        attention_view,
        uses_target=False,
    ),
    Method(
        "rollout",
        "the attention of all layers multiplied",
        (
            QUERY,
            DIRECTION,
            Option("head_fusion", "mean", "how heads become one", choices=FUSIONS),
            Option(
                "discard_ratio",
                0.0,
                "share of the smallest weights set to zero",
                float,
                metavar="SHARE",
            ),
            Option("residual", 0.5, "share of the residual connection", float, metavar="SHARE"),
            Option("start_layer", 0, "first block of the product", int, metavar="LAYER"),
        ),
        rollout_view,
        uses_target=False,
        explanation=find_method("rollout"),
    ),
)


def _option(knob: Knob) -> Option:
    """Return the option of a knob."""
    reads: dict[str, Callable[[str], Any]] = {"layer": int, "integer": int, "number": float}
    metavar = None if knob.choices else knob.kind.upper()
    words = knob.help[0].lower() + knob.help[1:].rstrip(".")
    if knob.kind == "layer":
        words += " (default: the last)"
    return Option(knob.name, knob.default, words, reads.get(knob.kind, str), knob.choices or None, metavar)


METHODS: dict[str, Method] = {method.name: method for method in VIEWS} | {
    explanation.name: Method(
        explanation.name,
        explanation.summary[0].lower() + explanation.summary[1:].rstrip("."),
        tuple(_option(knob) for knob in explanation.knobs),
        view=None,
        uses_target=explanation.targeted,
        explanation=explanation,
    )
    for explanation in EXPLANATIONS
    if explanation.name not in {method.name for method in VIEWS}  # the view of a rollout has more options
}


def all_options() -> list[tuple[Option, dict[str, Option]]]:
    """Return every option once, in order, with the methods that have it and what it is there.

    An option that several methods have takes the choices of all of them; each method checks its own.
    """
    owners: dict[str, dict[str, Option]] = {}
    for method in METHODS.values():
        for option in method.options:
            owners.setdefault(option.name, {})[method.name] = option
    return [(_merged(list(by_method.values())), by_method) for by_method in owners.values()]


def _merged(options: list[Option]) -> Option:
    choices = dict.fromkeys(choice for option in options for choice in option.choices or ())
    return replace(options[0], choices=tuple(choices) or None)


def help_of(option: Option, owners: Mapping[str, Option]) -> str:
    """Return the help of an option: its methods, what it is, and the default, by method where they differ."""
    defaults = {name: own.default for name, own in owners.items()}
    told = ""
    if len(set(defaults.values())) > 1:
        told = f" (default: {', '.join(f'{name} {value}' for name, value in defaults.items())})"
    elif option.default is not None:
        told = f" (default: {option.default})"
    texts: dict[str, list[str]] = {}
    for name, own in owners.items():
        texts.setdefault(own.help, []).append(name)
    told = "; ".join(f"{', '.join(names)}: {text}" for text, names in texts.items()) + told
    return told.replace("%", "%%")
