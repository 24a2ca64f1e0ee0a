"""What explain can compute, as data: a new method is one more line in METHODS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vitviz.attention.rollout import FUSIONS
from vitviz.attention.view import DIRECTIONS, MapView, attention_view, rollout_view
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
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Method:
    """One way to explain a picture."""

    name: str
    summary: str
    options: tuple[Option, ...]
    view: Callable[..., MapView]
    """From a trace and the options, as keywords, to the map."""
    uses_target: bool
    """Whether the map depends on the class that is explained."""

    def choose(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return every option of the method, given or default; raises OptionError for another method's option."""
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                flag, own = ("--" + name.replace("_", "-"), ", ".join(each.flag for each in self.options))
                raise OptionError(
                    f"{flag} is no option of the method {self.name}; wanted {own}. "
                    "Leave it out or choose another method."
                )
        return {name: given.get(name, option.default) for name, option in known.items()}


def _head(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


QUERY = Option(
    "query",
    None,
    "token whose map is shown: class, another special token, a patch number, mean (of all patches) or pool "
    "(default: class if the model has one, else mean)",
)
DIRECTION = Option("direction", "attends_to", "where the query looks, or who looks at it", choices=DIRECTIONS)

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
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
                Option("discard_ratio", 0.0, "share of the smallest weights set to zero", float, metavar="SHARE"),
                Option("residual", 0.5, "share of the residual connection", float, metavar="SHARE"),
                Option("start_layer", 0, "first block of the product", int, metavar="LAYER"),
            ),
            rollout_view,
            uses_target=False,
        ),
    )
}


def all_options() -> list[tuple[Option, list[str]]]:
    """Return every option once, in order, with the names of the methods that have it."""
    options = {option.name: option for method in METHODS.values() for option in method.options}
    return [
        (option, [method.name for method in METHODS.values() if option in method.options])
        for option in options.values()
    ]
