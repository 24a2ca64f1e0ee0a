"""The classifier of a checkpoint, wherever it lies and whatever it is called: a matrix, or a few layers in a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn

from vitviz.clause import Clause
from vitviz.errors import CheckpointError, OptionError
from vitviz.models.checkpoints.layout import State
from vitviz.record import Record

HeadActivation = Literal["none", "relu", "gelu", "tanh", "silu"]
_ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "silu": nn.SiLU}
_NAMES = (
    "head", "classifier", "cls_head", "fc", "heads.head", "linear_head", "linear", "classification_head", "mlp_head",
    "cls_classifier", "visual_projection", "head.layers.head", "head.fc",
)  # fmt: skip
HEADS = rf"(?:pre_logits\.|(?:{'|'.join(map(re.escape, _NAMES))})\.)"
"""Matches the names of a classifier in a state dict that begins with the model's own."""
_DEEPER = ("head.layers.head", "head.fc")  # of MMPretrain, beside its backbone
_ASIDE = re.compile(
    r"(?:.*(?:criterion|loss|metric|accuracy|optimi[sz]er|scheduler|decoder|predictor|projector|projection|prototype"
    r"|queue|center|mixup|teacher|student|momentum).*|(?:.*_)?ema(?:_.*)?|initted|step"
    r"|n_averaged|mask_token|masked_embed|lm_head|(?:dino|ibot)_head|text.*|transformer|token_embedding"
    r"|positional_embedding|ln_final|logit_scale|logit_bias|input_resolution|context_length|vocab_size|pooler)$"
)


@dataclass(frozen=True)
class Classifier(Record):
    """What answers with classes."""

    state: State = field(default_factory=dict, repr=False)
    """Its tensors: "weight" and "bias" of a matrix, or "1.weight" and so on of layers in a row."""
    projection: bool = False
    """Whether it makes an embedding, and no classes."""
    steps: tuple[str, ...] = ()
    """What was done, a clause each."""
    activation: HeadActivation | None = None
    """What stands between its matrices, where the layout says so."""

    @property
    def matrix(self) -> bool:
        """Whether it is one linear layer."""
        return "weight" in self.state

    @property
    def classes(self) -> int:
        """Number of its outputs; 0 if there is none."""
        weights = [value for name, value in self.state.items() if name.endswith("weight") and value.ndim == 2]
        return int(weights[-1].shape[0]) if weights else 0


def classifier_of(body: State, outside: State, places: Sequence[str], width: int) -> Classifier:
    """Return the classifier of a model whose embedding has ``width`` numbers.

    ``body`` are its tensors in timm's names, ``outside`` what lies beside it by whole name, ``places`` the prefixes at
    which a classifier may stand, nearest first. A layer between the model and it whose work is unknown leaves it out.
    """
    candidates = [(name, "", _part(body, f"{name}.")) for name in _NAMES if name not in _DEEPER]
    for place in places:
        candidates += [(f"{place}{name}", place, _part(outside, f"{place}{name}.")) for name in (*_DEEPER, *_NAMES)]
    name, tensors = next(((name, part) for name, _, part in candidates if part), ("", {}))
    classifier = _recognised(name, tensors, width)
    within = {key for key in body if _ASIDE.match(key.split(".")[0])}
    others = {**outside, **{key: body[key] for key in within}}
    strangers = sorted({_first(key, places) for key in outside if not key.startswith(f"{name}.")})
    more = sorted({key.split(".")[0] for key in within} - set(strangers))
    unknown = [
        stranger
        for stranger in [*strangers, *more]
        if not _ASIDE.match(stranger) or _may_join(_layers(others, stranger, places), width, classifier.classes)
    ]
    steps = (
        [Clause("left aside: {listed}", listed=", ".join(strangers[:4]) + " …" * (len(strangers) > 4))]
        if strangers
        else []
    )
    if unknown and classifier.state:
        # what stands between the embedding and the classifier is not known, so its answer would be another
        told = Clause(
            "its classifier left out, because {unknown} beside it is no part of the architecture", unknown=unknown[0]
        )
        return Classifier(steps=(*steps, told))
    if _part(body, "pre_logits.") and classifier.matrix:
        return _behind_pre_logits(classifier, _part(body, "pre_logits."), steps)
    return replace(classifier, steps=(*classifier.steps, *steps))


def table_names() -> tuple[str, ...]:
    """Return what a table with a classifier alone is called."""
    return _NAMES


def _behind_pre_logits(classifier: Classifier, part: State, steps: Sequence[str]) -> Classifier:
    """Return a classifier behind the layer with tanh that the first ViTs had before it."""
    layer = {key.rpartition(".")[2]: value for key, value in part.items()}
    state = {f"0.{key}": value for key, value in layer.items()} | {f"2.{key}": v for key, v in classifier.state.items()}
    told = Clause("a layer with tanh before the classifier (pre_logits)")
    return Classifier(state, steps=(*classifier.steps, told, *steps), activation="tanh")


def _layers(state: State, name: str, places: Sequence[str]) -> list[Tensor]:
    return [value for key, value in state.items() if _first(key, places) == name and value.ndim == 2]


def _may_join(matrices: Sequence[Tensor], width: int, classes: int) -> bool:
    """Return whether layers fit between the embedding and its classifier, or behind it: the answer may be theirs."""
    if not matrices or not classes:
        return False
    first, last = matrices[0].shape[1], matrices[-1].shape[0]
    return bool((first == width and last == width) or first == classes)


def left_aside(state: State) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return a state dict without what training keeps beside a model, such as a loss's weights, and that in words."""
    gone = sorted({name.split(".")[0] for name in state if _ASIDE.match(name.split(".")[0])})
    kept = {name: value for name, value in state.items() if name.split(".")[0] not in gone}
    return kept, (Clause("left aside: {listed}", listed=", ".join(gone)),) if gone else ()


def _part(state: State, prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def _first(name: str, places: Sequence[str]) -> str:
    place = next((place for place in places if name.startswith(place)), "")
    return name[len(place) :].split(".")[0]


def _recognised(name: str, part: State, width: int) -> Classifier:
    if not part:
        return Classifier()
    matrices = [key for key, value in part.items() if key.endswith("weight") and value.ndim == 2]
    if any("last_layer" in key or key.startswith("mlp.") for key in part):
        return Classifier(steps=(Clause("its projection head left aside"),))
    if not matrices or part[matrices[0]].shape[1] != width:
        reads = (
            Clause(
                "which reads {width} numbers where the model has {other_width}",
                width=part[matrices[0]].shape[1],
                other_width=width,
            )
            if matrices
            else Clause("unknown")
        )
        return Classifier(steps=(Clause("its classifier {name} left out, {reads}", name=name, reads=reads),))
    projection = name.endswith("visual_projection") or set(part) == {"proj.weight"}
    if len(matrices) == 1 and set(part) <= {matrices[0], matrices[0].replace("weight", "bias")}:
        state = {key.rpartition(".")[2]: value for key, value in part.items()}
        if projection:
            return Classifier(state, projection=True)
        place = re.match(r"(\d+)\.", matrices[0])
        said: tuple[str, ...] = (
            () if name == "head" and not place else (Clause("classifier taken from {name}", name=name),)
        )
        if place and int(place[1]):
            said += (Clause("what stands before it in {name} holds no weights and is taken as dropout", name=name),)
        return Classifier(state, steps=said)
    if all(re.match(r"\d+\.\w+$", key) for key in part):
        return Classifier(dict(part), steps=(Clause("classifier of several layers ({name})", name=name),))
    return Classifier(steps=(Clause("its classifier {name} left out, whose layers are not in a row", name=name),))


def layers_of(classifier: Classifier, activation: HeadActivation | None) -> nn.Sequential:
    """Return the layers of a classifier in a row, with its weights.

    Raises CheckpointError where layers without weights stand between and ``activation`` does not say what they do.
    """
    numbers = sorted({int(name.split(".")[0]) for name in classifier.state})
    layers: list[nn.Module] = []
    previous = 0
    for number in numbers:
        if layers and number - previous > 1 and not isinstance(layers[-1], nn.LayerNorm | nn.BatchNorm1d):
            layers.append(_activation(classifier.activation or activation))
        layers.append(_layer(_part(classifier.state, f"{number}.")))
        previous = number
    return nn.Sequential(*layers).eval().requires_grad_(False)


def _activation(name: HeadActivation | None) -> nn.Module:
    if name is None:
        raise CheckpointError(
            "The classifier has layers without weights between its matrices, and the file does not say which; wanted "
            "head_activation=NAME, one of {names} (none for dropout alone).",
            names=", ".join(_ACTIVATIONS),
        )
    if name not in _ACTIVATIONS:
        raise OptionError(
            "head_activation {name} is unknown; wanted one of {listed}.",
            name=repr(name),
            listed=", ".join(_ACTIVATIONS),
        )
    layer: nn.Module = _ACTIVATIONS[name]()
    return layer


def _layer(state: State) -> nn.Module:
    weight = state["weight"] if "weight" in state else state["running_mean"]
    layer: nn.Module
    if "weight" not in state:
        layer = nn.BatchNorm1d(len(weight), affine=False, eps=1e-6)  # MAE's linear probe
    elif weight.ndim == 2:
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias="bias" in state)
    elif "running_mean" in state:
        layer = nn.BatchNorm1d(len(weight))
    else:
        layer = nn.LayerNorm(len(weight))
    with torch.no_grad():
        layer.load_state_dict(state, strict="running_mean" not in state)
    return layer
