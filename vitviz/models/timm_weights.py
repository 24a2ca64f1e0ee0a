"""timm models with downloaded, cached, local or random weights, the same for ViTs and convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.errors import CheckpointError, VitvizError
from vitviz.models import checkpoints, hub, timm_door
from vitviz.models.position_table import Size, grid_in_file, is_own_grid

TIMM = "timm:"


def skeleton(name: str) -> nn.Module | None:
    """Return a timm model without memory for its weights, to be looked at, or None if it cannot be built so."""
    with torch.device("meta"):
        try:
            return timm_door.build(name)
        except (RuntimeError, TypeError, ValueError):
            return None


def load_module(
    name: str,
    weights: str,
    *,
    seed: int = 0,
    image_size: Size | None = None,
    trained_size: Size | None = None,
    offline: Sequence[str] = (),
) -> tuple[nn.Module, str]:
    """Return a timm model by name (without "timm:") and in words where its weights come from.

    ``weights`` is "pretrained", "random" or the path of a file; ``trained_size`` is the size that the file was
    trained for, where its positions do not tell. ``offline`` names what can be had instead, besides the cache.
    Raises WeightsUnavailableError, CheckpointError, or OptionError for a size that the model cannot take.
    """
    if weights == "random":
        return timm_door.build(name, image_size=image_size, seed=seed), f"random, seed {seed}"
    if weights == "pretrained":
        return _pretrained(name, image_size, offline)
    return _from_file(name, Path(weights).expanduser(), image_size, trained_size)


def from_state(
    name: str,
    state: dict[str, Tensor],
    *,
    image_size: Size | None = None,
    classes: int | None = None,
    trained_size: Size | None = None,
) -> nn.Module:
    """Return a timm model with the tensors of a checkpoint, its positions resampled to ``image_size``.

    With ``trained_size`` it is first built as it was trained, so that no grid has to be guessed from a number.
    Raises CheckpointError, with the tensors that differ, if they are those of another architecture.
    """
    overlay: dict[str, Any] = {"state_dict": state, "source": "", "custom_load": False}
    if classes is not None:
        overlay["num_classes"] = classes
    if trained_size is not None:
        overlay["input_size"] = (3, *trained_size)
    size = trained_size or image_size
    try:
        module = timm_door.build(name, image_size=size, classes=classes, pretrained=True, overlay=overlay)
        resize: Any = getattr(module, "set_input_size", None)
        if resize is not None and image_size is not None and image_size != size:
            resize(img_size=image_size)
    except VitvizError:
        raise
    except (RuntimeError, KeyError, ValueError, IndexError, AttributeError, TypeError, AssertionError) as error:
        raise _misfit(name, state, size, classes) from error
    return module


def _misfit(name: str, state: dict[str, Tensor], size: Size | None, classes: int | None) -> CheckpointError:
    with torch.device("meta"):
        plain = timm_door.build(name, image_size=size, classes=classes)
    told = checkpoints.difference(TIMM + name, state, plain)
    return CheckpointError(f"{told} Choose the architecture that the file was saved from.")


def _from_file(name: str, path: Path, image_size: Size | None, trained_size: Size | None) -> tuple[nn.Module, str]:
    state = checkpoints.read_checkpoint(path)
    origin = f"{path.name}, SHA-256 {checkpoints.sha256_of(path)}"
    plain = skeleton(name)
    if plain is not None:
        grid = grid_in_file(path.name, state, plain, image_size=image_size, trained_size=trained_size)
        if grid is not None and trained_size is None and not is_own_grid(grid, state, plain):
            # nothing in the file says so: who reads the result must be able to see what was assumed
            origin += f", positions taken as {grid[0]} × {grid[1]}"
    module = from_state(
        name, state, image_size=image_size, classes=checkpoints.classes_in(state), trained_size=trained_size
    )
    return module, origin


def _pretrained(name: str, size: Size | None, offline: Sequence[str]) -> tuple[nn.Module, str]:
    settings, full = timm_door.pretrained_settings(name), hub.hub_name(name)
    others = [*offline, *hub.cached_models()]
    if not settings.get("hf_hub_id") and not settings.get("url"):
        raise hub.unavailable(TIMM + name, "timm has no weights of that name", others)
    cached = hub.cached_file(settings)
    if cached is not None:
        state = checkpoints.read_checkpoint(cached)
        return from_state(name, state, image_size=size), f"{full}, from the cache"
    if not hub.reachable():
        raise hub.unavailable(TIMM + full, "the hub does not answer", others)
    try:
        return timm_door.build(name, image_size=size, pretrained=True), f"{full}, downloaded"
    except VitvizError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        told = str(error).partition("\n")[0]
        raise hub.unavailable(TIMM + full, told, others) from error
