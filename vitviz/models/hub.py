"""Weights from the hub that timm downloads from: the local cache first, then the network with a bounded wait."""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from huggingface_hub import CachedRevisionInfo, constants, scan_cache_dir, try_to_load_from_cache
from huggingface_hub.errors import CacheNotFound

from vitviz.errors import WeightsUnavailableError
from vitviz.models import timm_door
from vitviz.models.hugging_face.families import ENCODERS, FAMILIES, HEADS, PROJECTIONS, TWO_TOWERS

WAIT_SECONDS = 6.0
_FILES = ("model.safetensors", "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")


def cached_file(settings: dict[str, Any]) -> Path | None:
    """Return the cached safetensors file of a timm pretrained config, or None."""
    repository = settings.get("hf_hub_id")
    if not repository:
        return None
    names = [settings["hf_hub_filename"]] if settings.get("hf_hub_filename") else []
    for name in (*names, *_FILES):
        cached = try_to_load_from_cache(repository, name)
        if isinstance(cached, str):
            return Path(cached)
    return None


def cached_models() -> list[str]:
    """Return the timm model names whose weights lie in the local cache."""
    try:
        repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except (CacheNotFound, OSError):
        return []
    whole = [repo.repo_id for repo in repositories if any(map(_weights, repo.revisions))]
    return sorted(f"timm:{name.removeprefix('timm/')}" for name in whole if name.startswith("timm/"))


def cached_hugging_face() -> list[str]:
    """Return the vision models of transformers in the local cache, as names for ``load_vit``."""
    try:
        repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except (CacheNotFound, OSError):
        return []
    known = {*FAMILIES, *HEADS, *PROJECTIONS, *TWO_TOWERS, *ENCODERS}
    return sorted(
        f"hf:{repo.repo_id}"
        for repo in repositories
        if any(_weights(revision) and known & set(_architectures(revision)) for revision in repo.revisions)
    )


def _architectures(revision: CachedRevisionInfo) -> list[str]:
    """Return the classes of transformers that a repository's configuration names; none if it has no such file."""
    for file in revision.files:
        if file.file_name == "config.json":
            try:
                told = json.loads(file.file_path.read_text("utf-8"))
            except (OSError, ValueError):
                return []
            names = told.get("architectures") if isinstance(told, dict) else None
            return [str(name) for name in names] if isinstance(names, list) else []
    return []


def _weights(revision: CachedRevisionInfo) -> bool:
    return any(file.file_name in _FILES for file in revision.files)


def reachable(seconds: float = WAIT_SECONDS) -> bool:
    """Return whether the hub answers within the given time, name look-up included."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        return False
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=seconds).close()
        except urllib.error.HTTPError:
            answered.set()  # an answer, if an unfriendly one
        except (OSError, ValueError):
            return
        else:
            answered.set()

    # A thread, because a name look-up has no time limit of its own and cannot be stopped.
    worker = threading.Thread(target=ask, daemon=True)
    worker.start()
    worker.join(seconds)
    return answered.is_set()


def unavailable(name: str, why: str, offline: list[str]) -> WeightsUnavailableError:
    """Return the error for weights that cannot be had, with what is available without a network."""
    return WeightsUnavailableError(
        "The weights of {name} are not in the local cache and could not be downloaded ({why}). Available offline: "
        "{offline}.",
        name=name,
        why=why,
        offline=", ".join(offline),
        advice={
            "weights='random'": "Without a network: weights='random'.",
            "weights=FILE": "Or a local safetensors file: weights=FILE.",
        },
    )


def hub_name(name: str) -> str:
    """Return the full name with tag of a timm model's standard weights, for messages and manifests."""
    settings = timm_door.pretrained_settings(name)
    tag = settings.get("tag") or ""
    return f"{name}.{tag}" if tag and "." not in name else name
