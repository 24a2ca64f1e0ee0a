"""Whether the tensors of a checkpoint are those of an architecture: what is missing or left over, and which fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from vitviz.clause import Clause, listed
from vitviz.models import timm_door
from vitviz.models.checkpoints.layout import depth_of

_FREE = re.compile(r"head\.|head_dist\.|pos_embed$|(?:norm|fc_norm)\.(?:weight|bias)$|.*relative_position|rope")
_MOST = 5


def difference(name: str, state: Mapping[str, Tensor], module: nn.Module) -> Clause:
    """Return in words how a checkpoint differs from a module: missing and unknown names, other shapes."""
    wanted = module.state_dict()
    missing = sorted(set(wanted) - set(state))
    unknown = sorted(set(state) - set(wanted))
    other = [
        Clause("{key} {shape} instead of {wanted}", key=key, shape=tuple(state[key].shape), wanted=tuple(value.shape))
        for key, value in sorted(wanted.items())
        if key in state and state[key].shape != value.shape
    ]
    kinds: dict[str, Sequence[str]] = {
        "{count} missing: {names}": missing,
        "{count} not known to the model: {names}": unknown,
        "{count} of another shape: {names}": other,
    }
    parts = [Clause(text, count=len(keys), names=_some(keys)) for text, keys in kinds.items() if keys]
    told = listed(parts) if parts else Clause("its tensors could not be converted")
    return Clause("The checkpoint does not fit {name}: {told}.", name=name, told=told)


def _some(names: Sequence[str]) -> Clause:
    """Return the first of some names or clauses, in a row."""
    row = listed(names[:4], ", ")
    return Clause("{names} …", names=row) if len(names) > 4 else row


def first(names: list[str], count: int = 4) -> str:
    """Return the first names of a list, for messages."""
    return ", ".join(names[:count]) + (" …" if len(names) > count else "")


def architectures(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Return at most five of timm's architectures whose tensors have the names and shapes of a state dict.

    Those with as many positions come first. The classifier, the input's channels and the last norm's place count not:
    loading adapts them. Only architectures whose source names the same width and depth are built, one block each.
    """
    table = {name: tuple(value.shape) for name, value in state.items()}
    width = next(
        (table[name][-1] for name in ("norm.weight", "fc_norm.weight", "blocks.0.norm1.weight") if name in table), 0
    )
    depth = depth_of(state)
    fitting = []
    for name in timm_door.architectures_of(int(width), depth):
        shapes = _shapes(name)
        if _body(shapes) == _body({key: shape for key, shape in table.items() if not re.match(r"blocks\.[1-9]", key)}):
            fitting.append((shapes.get("pos_embed") != table.get("pos_embed"), len(name), name))
    return tuple(name for _, _, name in sorted(fitting)[:_MOST])


@lru_cache(maxsize=512)
def _shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    """Return the shapes of an architecture's tensors, of its first block only; empty if it cannot be built so."""
    with torch.device("meta"):
        try:
            module = timm_door.build(name, options={"depth": 1})
        except (RuntimeError, TypeError, ValueError, AssertionError, KeyError, IndexError):
            return {}
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def _body(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    kept: Iterable[str] = (name for name in shapes if not _FREE.match(name))
    channels = "patch_embed.proj.weight"
    return {name: shapes[name][:1] + shapes[name][2:] if name == channels else shapes[name] for name in kept}
