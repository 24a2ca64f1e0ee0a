"""timm models and the tensors of a checkpoint: what a file is asked, what is loaded, and the projection of a tower."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vitviz.errors import CheckpointError, VitvizError
from vitviz.models import checkpoints, timm_door
from vitviz.models.checkpoints.classifier import HeadActivation
from vitviz.models.checkpoints.selection import WeightsKind
from vitviz.models.position_table import Size
from vitviz.record import Record

TIMM = "timm:"


Pooling = Literal["token", "avg"]


@dataclass(frozen=True)
class FileOptions(Record):
    """What only a local file of weights is asked, each with the answer where the file gives none."""

    trained_size: Size | None = None
    """Height and width in pixels that it was trained for."""
    heads: int | None = None
    """Number of attention heads of each layer."""
    weights_kind: WeightsKind = "averaged"
    """Which weights are taken where raw and averaged ones are there."""
    head_activation: HeadActivation | None = None
    """What stands between the matrices of a classifier of several layers."""
    pooling: Pooling | None = None
    """What the classifier reads: the class token or the mean of the patches."""


@dataclass(frozen=True)
class Loaded(Record):
    """A module with its weights."""

    module: nn.Module
    origin: str
    """Where the weights come from and what was assumed, in words."""
    class_names: tuple[str, ...] | None = None
    """Names that the file of weights has; None if it has none."""
    local: bool = False
    """Whether the weights come from a file of the user's."""
    notes: tuple[str, ...] = ()
    """What is assumed of such a file because its tensors do not tell."""
    image_size: Size | None = None
    """The size that it was opened at because its positions are for it; None where it was given, or is the usual one."""


def skeleton(name: str, *, options: Mapping[str, Any] | None = None) -> nn.Module | None:
    """Return a timm model without memory for its weights, to be looked at, or None if it cannot be built so."""
    return _built(name, options) if options else _plain(name)


@lru_cache(maxsize=8)
def _plain(name: str) -> nn.Module | None:
    """Keep the last few: to load a model, its skeleton is looked at several times, and nobody changes it."""
    return _built(name, None)


def _built(name: str, options: Mapping[str, Any] | None) -> nn.Module | None:
    with torch.device("meta"):
        try:
            return timm_door.build(name, options=options)
        except (RuntimeError, TypeError, ValueError):
            return None


def with_embedding(module: nn.Module) -> nn.Module:
    """Return a module, in place, that answers with the embedding that its tower projects to, and not with classes.

    The projection becomes the last step of the embedding; the module's answer stays the same.
    """
    if not timm_door.projects(module):
        return module
    return projected(module)


def projected(module: Any) -> nn.Module:
    """Return a module, in place, whose head is part of the embedding."""
    last = getattr(module, "fc_norm", None)
    module.fc_norm = module.head if last is None or isinstance(last, nn.Identity) else nn.Sequential(last, module.head)
    module.head, module.num_classes = nn.Identity(), 0
    result: nn.Module = module
    return result


def from_state(
    name: str,
    state: dict[str, Tensor],
    *,
    image_size: Size | None = None,
    classes: int | None = None,
    trained_size: Size | None = None,
    channels: int = 3,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Return a timm model with the tensors of a checkpoint, its positions resampled to ``image_size``.

    With ``trained_size`` it is first built as it was trained, so that no grid has to be guessed from a number.
    Raises CheckpointError, with the tensors that differ, if they are those of another architecture.
    """
    overlay: dict[str, Any] = {"state_dict": state, "source": "", "custom_load": False}
    if classes is not None:
        overlay["num_classes"] = classes
    if trained_size is not None or channels != 3:
        own = timm_door.pretrained_settings(name).get("input_size") or (3, 224, 224)
        overlay["input_size"] = (channels, *(trained_size or own[1:]))
    size = trained_size or image_size
    options = {**(options or {}), **({"in_chans": channels} if channels != 3 else {})}
    try:
        module = timm_door.build(
            name, image_size=size, classes=classes, pretrained=True, overlay=overlay, options=options
        )
        resize: Any = getattr(module, "set_input_size", None)
        if resize is not None and image_size is not None and image_size != size:
            resize(img_size=image_size)
    except VitvizError:
        raise
    except (RuntimeError, KeyError, ValueError, IndexError, AttributeError, TypeError, AssertionError) as error:
        with torch.device("meta"):
            plain = timm_door.build(name, image_size=size, classes=classes, options=options)
        told = checkpoints.difference(TIMM + name, state, plain)
        raise CheckpointError(
            "{told} Choose the architecture that the file was saved from.",
            told=told,
        ) from error
    return module
