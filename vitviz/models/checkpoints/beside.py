"""Whether config.json beside a weights file tells of this file, or of another model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.file import Contents

_WIDTHS = ("hidden_size", "embed_dim", "num_features")
_DEPTHS = ("num_hidden_layers", "depth")


def check_beside(contents: Contents, state: Mapping[str, Tensor], width: int) -> None:
    """Raise CheckpointError where config.json says other sizes than the tensors have, which timm's names name.

    Its number of heads, its activation and its class names would be those of another model.
    """
    config = contents.tables.get("config", {})
    inner = config.get("vision_config")
    told = {**config, **inner} if isinstance(inner, Mapping) else config
    blocks = {name.split(".")[1] for name in state if name.startswith("blocks.")}
    patches = state.get("patch_embed.proj.weight")
    patch = int(patches.shape[-1]) if patches is not None and patches.ndim == 4 else 0
    for names, own in ((_WIDTHS, width), (_DEPTHS, len(blocks)), (("patch_size",), patch)):
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


def _number(table: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, int]:
    """Return the first of some settings that is a whole number, with its name; 0 if there is none."""
    numbers = ((name, table.get(name)) for name in names)
    return next(((name, value) for name, value in numbers if type(value) is int), ("", 0))
