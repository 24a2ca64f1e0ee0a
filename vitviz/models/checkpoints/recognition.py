"""What a weights file is, without building a model: its layout, what was done to it, and which architectures fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitviz.clause import Clause, listed
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints import adapters, timm_names
from vitviz.models.checkpoints.beside import check_beside, classes_beside
from vitviz.models.checkpoints.classifier import HEADS, Classifier, classifier_of, left_aside, table_names
from vitviz.models.checkpoints.file import Contents, read_contents
from vitviz.models.checkpoints.fit import architectures, first
from vitviz.models.checkpoints.hugging_face import HUGGING_FACE
from vitviz.models.checkpoints.labels import declared_in, names_in
from vitviz.models.checkpoints.layout import Converted, Layout, Traits, without
from vitviz.models.checkpoints.numbers import check_numbers
from vitviz.models.checkpoints.other_names import LAYOUTS as OTHERS
from vitviz.models.checkpoints.other_networks import check_network
from vitviz.models.checkpoints.records import attributes
from vitviz.models.checkpoints.selection import Selection, WeightsKind, select, unwrapped
from vitviz.record import Record

LAYOUTS: tuple[Layout, ...] = (timm_names.TIMM, HUGGING_FACE, *OTHERS)
"""All recognisers."""


@dataclass(frozen=True)
class Recognition(Record):
    """What a weights file is, in timm's names, ready to be loaded into an architecture."""

    file: str
    """The file's name."""
    layout: str
    """What was recognised: "DINOv2", "torchvision's VisionTransformer"."""
    steps: tuple[str, ...]
    """What was done to it, a clause each."""
    traits: Traits
    """What the layout fixes beside the tensors."""
    classifier: Classifier
    """What answers with classes; without tensors if there is none."""
    class_names: tuple[str, ...] | None
    """Names that the file, or config.json beside it, has; None if there are none, or not as many as outputs."""
    state: Mapping[str, Tensor] = field(repr=False)
    """The tensors in timm's names, the classifier with them where it is one matrix."""
    both_kinds: bool = False
    """Whether the file has raw and averaged weights, so that ``weights_kind`` chooses."""
    declared: str | None = None
    """timm's architecture that the file, or config.json beside it, names; None if there is none of that name."""

    @property
    def sentence(self) -> Clause:
        """What was recognised and done, for people."""
        return Clause("Recognised: {told}.", told=listed([self.layout, *self.steps]))

    @property
    def channels(self) -> int:
        """Number of channels of its input."""
        weight = self.state.get("patch_embed.proj.weight")
        return int(weight.shape[1]) if weight is not None and weight.ndim == 4 else 3

    @property
    def classes(self) -> int:
        """Number of classes; 0 for an embedding, a projection to one included."""
        return 0 if self.classifier.projection else self.classifier.classes

    @property
    def heads(self) -> int | None:
        """Number of attention heads that the file fixes, or None: then the architecture's own are assumed."""
        return self.traits.heads

    @property
    def architectures(self) -> tuple[str, ...]:
        """At most five of timm's architectures whose tensors have these names and shapes, the likeliest first."""
        registers = self.traits.registers is not None  # the plain architecture is given them
        return architectures({name: self.state[name] for name in self.state if not (registers and name == "reg_token")})


def recognise(path: str | Path, *, weights_kind: WeightsKind = "averaged") -> Recognition:
    """Return what a weights file is, without loading it into a model.

    ``weights_kind`` chooses where a training run saved both its raw weights and their running average. Nothing of the
    file is run. Raises WeightsUnavailableError, or CheckpointError for a file that cannot be read, holds no Vision
    Transformer of a known layout, or holds NaN.
    """
    contents = read_contents(Path(path).expanduser())
    recognition = recognition_of(contents, LAYOUTS, weights_kind)
    if recognition is None:
        names = list(contents.tensors)
        check_network(contents.name, names)
        raise CheckpointError(
            "{name} is of no known layout; wanted the tensors of a Vision Transformer as timm, torchvision, Hugging "
            "Face, OpenAI or Google's JAX name them. It holds {count}: {names}. Rename them as timm does.",
            name=contents.name,
            count=len(names),
            names=first(names),
        )
    return recognition


def recognition_of(contents: Contents, layouts: Sequence[Layout], kind: WeightsKind) -> Recognition | None:
    """Return what the contents of a file are by the first layout that knows them, or None."""
    state, merged = adapters.merged(unwrapped(contents.tensors), _adapter_settings(contents))
    check_network(contents.name, state, windows_only=True)
    selection = select(contents, state, layouts, kind)
    if selection is None:
        return None
    converted = _converted(selection, contents)
    if selection.layout.own_head:
        check_numbers(contents.name, converted.state)
        steps = (*merged, *selection.steps, *converted.steps)
        return Recognition(
            contents.name, converted.name, steps, converted.traits, Classifier(), None, converted.state,
            selection.both_kinds, declared_in(contents),
        )  # fmt: skip
    width = _width(converted.state)
    check_beside(contents, converted.state, width, converted.name)
    teacher = _second_classifier(selection)
    outside = {
        name: value for name, value in selection.outside.items() if ".distillation_classifier." not in f".{name}"
    }
    classifier = classifier_of(converted.state, outside | _beside(selection, contents), selection.places, width)
    if converted.traits.projection:
        classifier = replace(classifier, projection=True)
    elif classifier.state and not classifier.projection and _reads_other_tokens(selection, converted):
        told = Clause("its classifier left out, because it may read a pooled embedding; hf:FOLDER reads it as it is")
        classifier = Classifier(steps=(told,))
    bare, aside = left_aside(without(converted.state, HEADS)[0])
    if classifier.matrix:
        bare |= {f"head.{name}": value for name, value in classifier.state.items()}
        if "head.bias" not in bare:
            aside = (*aside, Clause("its classifier has no bias"))
            bare["head.bias"] = torch.zeros(classifier.classes, dtype=bare["head.weight"].dtype)
    traits = converted.traits
    if teacher and "reg_token" in bare:
        bare |= teacher | {"dist_token": bare.pop("reg_token")}
        traits = replace(traits, registers=None)
    check_numbers(contents.name, bare | {f"head.{name}": value for name, value in classifier.state.items()})
    other = classes_beside(contents, classifier.classes)
    foreign = () if other is None else (other,)
    steps = (*merged, *selection.steps, *converted.steps, *aside, *classifier.steps, *foreign)
    names = names_in(contents, classifier.classes)
    return Recognition(
        contents.name,
        converted.name,
        steps,
        traits,
        classifier,
        names,
        bare,
        selection.both_kinds,
        declared_in(contents),
    )


def _reads_other_tokens(selection: Selection, converted: Converted) -> bool:
    """Return whether a classifier of Hugging Face's reads something else than timm's would.

    Behind CLIP and SigLIP it is the mean of the patches, behind a pooler perhaps what that makes of the class token.
    """
    if selection.layout is not HUGGING_FACE:
        return False
    pooler = any(re.match(r"pooler\.(?!layernorm\.)", name) for name in selection.body)
    return pooler or converted.name.startswith(("Hugging Face's CLIP", "Hugging Face's SigLIP"))


def _beside(selection: Selection, contents: Contents) -> dict[str, Tensor]:
    """Return the classifier of a file that has a table for it beside that of the backbone, by names in the latter."""
    parent = selection.root.rpartition(".")[0].rpartition(".")[0]
    above = f"{parent}." if parent else ""
    tables = [f"{above}{name}." for name in table_names() if f"{above}{name}." in contents.tables_of_tensors]
    if not selection.root or len(tables) != 1 or tables[0] == selection.root:
        return {}
    return {
        selection.root + key[len(above) :]: value
        for key, value in contents.tensors.items()
        if key.startswith(tables[0])
    }


def _converted(selection: Selection, contents: Contents) -> Converted:
    try:
        converted = selection.layout.convert(selection.body, contents.tables.get("config", {}))
    except (KeyError, IndexError, RuntimeError) as error:
        raise CheckpointError(
            "{name} looks like {other_name}'s layout, but {error} is missing or of another shape. "
            "Save the whole state_dict.",
            name=contents.name,
            other_name=selection.layout.name,
            error=error,
        ) from error
    if any(part in selection.prefix for part in ("base_encoder.", "momentum_encoder.")):
        converted = timm_names.moco(converted)
    if (
        converted.name == "timm"
        and selection.prefix.endswith("backbone.")
        and "teacher" in selection.prefix + str(selection.root)
    ):
        converted = replace(converted, name="DINO")
    if converted.name.startswith("OpenAI") and f"{selection.root}input_resolution" in selection.outside:
        return replace(converted, traits=replace(converted.traits, activation="quick_gelu"))
    if converted.name.startswith("OpenAI"):
        told = Clause("GELU or QuickGELU as the architecture has it, because the names do not tell")
        return replace(converted, steps=(*converted.steps, told))
    return converted


def _second_classifier(selection: Selection) -> dict[str, Tensor]:
    """Return the classifier of a DeiT's distillation token in timm's names; empty if there is none.

    A DeiT without it keeps the token as a register.
    """
    names = [
        (part, f"{place}distillation_classifier.{part}") for place in selection.places for part in ("weight", "bias")
    ]
    return {f"head_dist.{part}": selection.outside[name] for part, name in names if name in selection.outside}


def _width(state: Mapping[str, Tensor]) -> int:
    for name in ("norm.weight", "fc_norm.weight", "cls_token", "blocks.0.norm1.weight"):
        if name in state:
            return int(state[name].shape[-1])
    return int(state["head.weight"].shape[1]) if "head.weight" in state else 0


def _adapter_settings(contents: Contents) -> Mapping[str, Any]:
    beside = contents.tables.get("adapter_config")
    if isinstance(beside, Mapping) and beside:
        return beside
    inside = (attributes(contents.values.get(name)) for name in ("peft_config", "lora_config", "adapter_config"))
    settings = next((table for table in inside if table), contents.values)
    return attributes(settings.get("default")) or settings
