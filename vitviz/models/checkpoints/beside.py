"""Whether config.json beside a weights file tells of this file, or of another model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.file import Contents

_WIDTHS = ("hidden_size", "embed_dim", "num_features")
_DEPTHS = ("num_hidden_layers", "depth")
_TYPES: dict[str, tuple[str, ...]] = {
    "ViT": ("vit", "vit_mae", "vit_msn", "ijepa", "deit"),
    "DeiT": ("deit", "vit"),
    "BEiT": ("beit", "data2vec-vision"),
    "DINOv2": ("dinov2",),
    "DINOv2 with registers": ("dinov2_with_registers", "dinov2"),
    "DINOv3": ("dinov3_vit",),
    "CLIP, the picture tower": ("clip", "clip_vision_model"),
    "SigLIP, the picture tower": ("siglip", "siglip_vision_model", "siglip2", "siglip2_vision_model"),
}
"""model_type of transformers, by what was recognised of its names."""
_OTHERS = ("swin", "swinv2", "resnet", "convnext", "convnextv2", "bert", "roberta", "gpt2", "llama", "t5", "segformer")
"""Some more of it, of which no Vision Transformer is."""


def check_beside(contents: Contents, state: Mapping[str, Tensor], width: int, layout: str) -> None:
    """Raise CheckpointError where config.json says another kind or other sizes than the tensors have, in timm's names.

    Its number of heads, its activation and its class names would be those of another model. ``layout`` is what was
    recognised. A config of the same kind and sizes proves nothing: heads, activation and ε are in no tensor.
    """
    config = contents.tables.get("config", {})
    inner = config.get("vision_config")
    told = {**config, **inner} if isinstance(inner, Mapping) else config
    blocks = {name.split(".")[1] for name in state if name.startswith("blocks.")}
    patches = state.get("patch_embed.proj.weight")
    patch = int(patches.shape[-1]) if patches is not None and patches.ndim == 4 else 0
    kind = layout.removeprefix("Hugging Face's ")
    own_types = _TYPES.get(kind, ()) if layout.startswith("Hugging Face") else ()
    others = {name for types in _TYPES.values() for name in types} | {*_OTHERS}
    if (given_type := config.get("model_type")) in others - {*own_types}:
        raise CheckpointError(
            "config.json beside {file} tells of another model: its model_type is {given}, the tensors are named as in "
            "{layout}. Take it away, or put the weights into a folder of their own.",
            file=contents.name,
            given=given_type,
            layout=layout,
        )
    hidden = state.get("blocks.0.mlp.fc1.weight")
    inside = 0 if hidden is None else int(hidden.shape[0])
    colours = 0 if patches is None or patches.ndim != 4 else int(patches.shape[1])
    more = ((("intermediate_size",), inside), (("num_channels",), colours))
    for names, own in ((_WIDTHS, width), (_DEPTHS, len(blocks)), (("patch_size",), patch), *more):
        name, given = _number(told, names)
        if own and given and given != own:
            raise CheckpointError(
                "config.json beside {file} tells of another model: its {name} is {given}, the tensors have {own}. "
                "Take it away, or put the weights into a folder of their own.",
                file=contents.name,
                name=name,
                given=given,
                own=own,
            )


def classes_beside(contents: Contents, classes: int) -> Clause | None:
    """Return the step that says that config.json tells of another number of classes, whose names are not taken."""
    config = contents.tables.get("config", {})
    labels = config.get("id2label")
    given = len(labels) if isinstance(labels, Mapping) else _number(config, ("num_labels", "num_classes"))[1]
    if not given or not classes or given == classes:
        return None
    told = "config.json beside it tells of {given} classes, the tensors have {classes}: its class names are not taken"
    return Clause(told, given=given, classes=classes)


def _number(table: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, int]:
    """Return the first of some settings that is a whole number, with its name; 0 if there is none."""
    numbers = ((name, table.get(name)) for name in names)
    return next(((name, value) for name, value in numbers if type(value) is int), ("", 0))
