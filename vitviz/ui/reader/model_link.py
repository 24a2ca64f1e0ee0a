"""How the link holds a model: which choices say what of it, for the model that is looked at and the one beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vitviz.ui.choices import compare, own_model
from vitviz.ui.choices.choice import Choice
from vitviz.ui.choices.own_model import colours_of, colours_text
from vitviz.ui.choices.shared import ANSWERS, MODEL, PRECISION, SIZE, WEIGHTS, size_of, size_text
from vitviz.ui.kept.model_choice import ModelChoice, OwnOptions
from vitviz.ui.reader import link

Precision = Literal["", "float32", "bfloat16", "float16"]
Answers = Literal["", "one", "several"]
_READ: dict[str, Any] = {"trained": size_of, "mean": colours_of, "std": colours_of}
_WRITE: dict[str, Any] = {"trained": size_text, "mean": colours_text, "std": colours_text}


@dataclass(frozen=True)
class ModelLink:
    """The choices that hold one model."""

    model: Choice[str]
    weights: Choice[Any]
    size: Choice[str]
    precision: Choice[Precision]
    answers: Choice[Answers]
    own: Mapping[str, Choice[Any]]
    """By their fields in OwnOptions."""

    def asked(self) -> ModelChoice:
        """Return the model that the link asks for."""
        given: dict[str, Any] = {
            name: _READ.get(name, lambda value: value)(link.get(choice)) for name, choice in self.own.items()
        }
        return ModelChoice(
            link.get(self.model),
            link.get(self.weights),
            size_of(link.get(self.size)),
            OwnOptions(**given),
            link.get(self.precision),
            link.get(self.answers),
        )

    def put(self, choice: ModelChoice) -> None:
        """Have the link ask for a model; options of own models are forgotten with the model that they were for."""
        own = choice.own if choice.is_own else OwnOptions()
        link.put(
            self.model.at(choice.name),
            self.weights.at("pretrained" if choice.is_own else choice.weights),
            self.size.at(size_text(choice.size)),
            self.precision.at(choice.precision),
            self.answers.at(choice.answers),
            *(field.at(_WRITE.get(name, lambda value: value)(getattr(own, name))) for name, field in self.own.items()),
        )


_FIELDS = (
    "architecture", "heads", "kind", "activation", "pooling", "trained", "names", "mean", "std", "crop",
    "interpolation", "crop_mode",
)  # fmt: skip
SHOWN = ModelLink(
    MODEL, WEIGHTS, SIZE, PRECISION, ANSWERS, {name: getattr(own_model, f"OWN_{name.upper()}") for name in _FIELDS}
)
"""The model that every page shows; A on the Compare page."""
BESIDE = ModelLink(
    compare.OTHER_MODEL,
    compare.OTHER_WEIGHTS,
    compare.OTHER_SIZE,
    compare.OTHER_PRECISION,
    compare.OTHER_ANSWERS,
    {name: getattr(compare, f"OTHER_{name.upper()}") for name in _FIELDS},
)
"""B of the Compare page."""
