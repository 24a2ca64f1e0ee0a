"""Method, Knob and Attribution: what explains an answer and what comes out, as data.

A page draws the widgets of any method and picks its colours from these records without knowing a method by name.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vitviz.argument import checked
from vitviz.errors import OptionError, check_choice, check_index, shown, suggest
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.record import Record, Result
from vitviz.trace.target import Target
from vitviz.trace.trace import Trace


@dataclass(frozen=True)
class Knob(Record):
    """One option of a method, with what a widget for it needs.

    >>> rollout = next(method for method in vitviz.METHODS if method.name == "rollout")
    >>> [knob.name for knob in rollout.knobs][:2]
    ['head_fusion', 'discard_ratio']
    """

    name: str
    """Keyword of ``attribute``."""
    default: int | float | str | None
    """None stands for the model's last layer."""
    help: str
    """One sentence, in the field's words."""
    low: float = -math.inf
    """The smallest value of a number."""
    high: float = math.inf
    """The largest value of a number."""
    choices: tuple[str, ...] = ()
    """The values of a text; empty for numbers."""
    label: str = field(default="", kw_only=True)
    """What it is called where people turn it, such as "Random masks"."""

    @property
    def kind(self) -> str:
        """What it takes: "choice", "layer", "integer" or "number"."""
        if self.choices:
            return "choice"
        if self.default is None:
            return "layer"
        return "integer" if isinstance(self.default, int) else "number"

    @checked
    def read(self, text: str) -> Any:
        """Return the value that a text such as "3" stands for; raises OptionError for a text that fits no model."""
        if self.kind in ("layer", "integer") and text.isascii() and text.lstrip("-").isdecimal():
            return self.check(int(text), 1_000_000)
        return self.check(text, 1_000_000)

    @checked
    def check(self, value: Any, layers: int) -> Any:
        """Return a value of the right type and in range; raises OptionError, with the range, for any other."""
        if self.kind == "choice":
            return check_choice(self.name, value, self.choices)
        if self.kind == "layer":
            return layers - 1 if value is None else check_index("Layer", value, layers)
        try:
            number = operator.index(value) if self.kind == "integer" else float(value)
            fits = not isinstance(value, bool) and self.low <= number <= self.high
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise OptionError(
                "{name} is {value}; wanted {reason} number from {low:g} to {high:g}. {default:g} is the default.",
                name=self.name,
                value=repr(value),
                reason="a whole" if self.kind == "integer" else "a",
                low=self.low,
                high=self.high,
                default=self.default,
            )
        return number


@dataclass(frozen=True, eq=False)
class Task(Record):
    """What a method is asked to do."""

    vit: ViT
    """The model."""
    trace: Trace
    """The recorded pass of the picture, with the gradients that the method reads."""
    target: Target
    """What is explained; its score can be read from whole batches."""
    seed: int
    """Of everything random."""
    batch_size: int
    """Inputs that are run at once."""
    progress: Progress | None
    """Called with (done, total)."""
    preview: Callable[[Callable[[], RawMap]], None] | None = field(default=None, repr=False)
    """Called on the way with what gives the map as it stands; None where nobody looks."""

    def show(self, so_far: Callable[[], RawMap]) -> None:
        """Offer the map as it stands; it is only made if somebody looks."""
        if self.preview is not None:
            self.preview(so_far)

    @property
    def pixels(self) -> Tensor:
        """The model's input, normalised: (3, height, width)."""
        return self.trace.pixels


@dataclass(frozen=True, eq=False)
class RawMap(Record):
    """What a method's function returns."""

    values: Tensor
    """(rows, columns) over the patches, or (height, width) over the pixels."""
    completeness_gap: float | None = None
    """See ``Attribution.completeness_gap``."""
    sampling_error: float | None = None
    """See ``Attribution.sampling_error``."""
    notes: tuple[str, ...] = ()
    """See ``Attribution.notes``."""


def serves_all(vit: ViT) -> str | None:
    """Return None: there is no model that the method cannot serve."""
    return None


@dataclass(frozen=True)
class Method(Record):
    """One way to explain an answer: the function and all that should be told beside its map.

    >>> [method.label for method in vitviz.METHODS if method.name == "legrad"]
    ['LeGrad']
    """

    name: str
    """For ``attribute`` and for links; never translated."""
    label: str
    """For people."""
    summary: str
    """What the map shows, in one sentence."""
    formula: str
    """The definition in one line."""
    paper: str
    """Where it comes from."""
    cost: str
    """In forward and backward passes."""
    limits: str
    """What the map does not show, in one sentence."""
    function: Callable[..., RawMap] = field(repr=False)
    """From a task and the knobs, as keywords, to the map."""
    knobs: tuple[Knob, ...] = ()
    signed: bool = False
    """Whether negative values mean something: evidence against the target."""
    shares: bool = False
    """Whether the values are shares of attention, which are said in per cent."""
    pixelwise: bool = False
    """Whether the map has a value a pixel, rather than one a patch."""
    seeded: bool = False
    """Whether the result, with the default knobs, depends on the seed."""
    targeted: bool = True
    """Whether the map depends on the target."""
    backward: bool = False
    """Whether the function reads the target's gradients from the trace."""
    layer_scores: bool = False
    """Whether the function reads the gradients of each layer's own answer from the trace."""
    differentiates: bool = False
    """Whether the function takes gradients at other inputs than the trace's."""
    passes: Callable[[Mapping[str, Any], PatchGrid], float] | None = field(default=None, repr=False)
    """About how many forward passes of one picture it takes with these knobs, a backward pass counted as two; None for
    a method that takes a few at most."""
    along: str | None = None
    """What a pass of the method's own sums up of the maps (``vitviz.trace.along``); the function does without, too."""
    why_not: Callable[[ViT], str | None] = field(default=serves_all, repr=False)
    """Why the method cannot serve a model, in one sentence, or None if it can."""

    @property
    def needs_gradients(self) -> bool:
        """Whether the method can only serve a model that gives gradients."""
        return self.backward or self.layer_scores or self.differentiates

    @checked
    def choose(self, given: Mapping[str, Any], layers: int) -> dict[str, Any]:
        """Return every knob with its value, given or default; raises OptionError for a knob it has not."""
        for name in given:
            self.knob(name)
        return {knob.name: knob.check(given.get(knob.name, knob.default), layers) for knob in self.knobs}

    def knob(self, name: str) -> Knob:
        """Return the knob of that name; raises OptionError, with the nearest names, if there is none."""
        known = {knob.name: knob for knob in self.knobs}
        if not isinstance(name, str) or name not in known:
            raise OptionError(
                "{name} has no knob {given}; it has {listed}.{hint} Leave it out or choose another method.",
                name=self.name,
                given=shown(name),
                listed=", ".join(known) or "none",
                hint=suggest(str(name), known),
            )
        return known[name]


@dataclass(frozen=True, eq=False)
class Attribution(Result):
    """How much each part of the picture speaks for the target, according to one method.

    >>> why = vitviz.attribute("rollout", vit, trace)
    >>> why.values.shape, why.signed, why.target.label == trace.top(1)[0][0]
    ((16, 16), False, False)
    """

    values: NDArray[np.float32]
    """(rows, columns) over the patches or, for a pixelwise method, (height, width) of the model's input."""
    method: str
    """Name of the method."""
    target: Target
    """What was explained."""
    signed: bool
    """Whether negative values mean evidence against the target; otherwise none is negative."""
    seconds: float
    """How long it took, with the passes that were run for it; a trace that was given is not counted."""
    completeness_gap: float | None
    """Sum of the values minus the score they should add up to, in units of the score; None if nothing is promised."""
    sampling_error: float | None
    """Standard error of the values, as the root of its mean square over the map, in units of the values; None for a
    method that draws nothing at random or drew too little to tell."""
    knobs: Mapping[str, Any]
    """Every knob with the value that was used."""
    seed: int
    """The seed of everything random."""
    notes: tuple[str, ...]
    """What else should be known about this very map."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """What the model saw, (height, width, 3), to lie under the map; None where it is not known."""
