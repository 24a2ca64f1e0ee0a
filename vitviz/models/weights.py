"""timm models with downloaded, cached, local or random weights, the same for ViTs and convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.models import checkpoints, hub, timm_door
from vitviz.models.local_weights import from_file
from vitviz.models.position_table import Size
from vitviz.models.timm_weights import TIMM, FileOptions, Loaded, from_state, with_embedding


def load_module(
    name: str,
    weights: str,
    *,
    seed: int = 0,
    image_size: Size | None = None,
    file: FileOptions = FileOptions(),  # noqa: B008 - frozen
    offline: Sequence[str] = (),
) -> Loaded:
    """Return a timm model by name (without "timm:") and in words where its weights come from.

    ``weights`` is "pretrained", "random" or the path of a file, to which ``file`` belongs. ``offline`` names what can
    be had instead, besides the cache.
    Raises WeightsUnavailableError, CheckpointError, or OptionError for a size that the model cannot take.
    """
    if weights == "random":
        return Loaded(with_embedding(timm_door.build(name, image_size=image_size, seed=seed)), f"random, seed {seed}")
    if weights == "pretrained":
        return _pretrained(name, image_size, offline)
    return from_file(name, Path(weights).expanduser(), image_size, file)


def _pretrained(name: str, size: Size | None, offline: Sequence[str]) -> Loaded:
    settings, full = timm_door.pretrained_settings(name), hub.hub_name(name)
    others = [*offline, *hub.cached_models()]
    if not settings.get("hf_hub_id") and not settings.get("url"):
        raise hub.unavailable(TIMM + name, "timm has no weights of that name", others)
    cached = hub.cached_file(settings)
    if cached is not None:
        state = checkpoints.read_checkpoint(cached)
        return Loaded(with_embedding(from_state(name, state, image_size=size)), f"{full}, from the cache")
    if not hub.reachable():
        raise hub.unavailable(TIMM + full, "the hub does not answer", others)
    try:
        module = timm_door.build(name, image_size=size, pretrained=True)
    except VitvizError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        told = str(error).partition("\n")[0]
        raise hub.unavailable(TIMM + full, told, others) from error
    return Loaded(with_embedding(module), f"{full}, downloaded")
