"""The manifest of a view: what it was made of, so that somebody else can make it again and check it."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import torch

from vitviz.analysis.familiarity import familiarity
from vitviz.attention.view import MapView
from vitviz.errors import OptionError
from vitviz.export.json_text import json_text
from vitviz.images import Crop
from vitviz.images.seen_part import SeenPart
from vitviz.models import timm_door
from vitviz.models.vit import ViT
from vitviz.trace.target import Target
from vitviz.trace.trace import Trace

DIGEST = "BLAKE2b, 128 bits, of the upright RGB pixels and their size"
LICENCE = (
    "This file is derived from the picture and from the model's weights; the licences of both hold for it. "
    "The example photos are in the public domain or CC0. vitviz is under Apache-2.0."
)


def manifest(
    *,
    trace: Trace,
    vit: ViT,
    photo_digest: str,
    picture_name: str,
    settings: Mapping[str, Any],
    view: MapView | None = None,
    part: SeenPart | None = None,
    created: datetime | None = None,
) -> dict[str, Any]:
    """Return what a view was made of, as plain values that fit into JSON.

    ``photo_digest`` is ``Photo.digest``; of ``picture_name`` only the file name is kept, never a folder.
    ``settings`` is ``ViewSettings.describe()`` or the like; ``view`` adds the numbers beside its map, ``part`` which
    part of the picture the model saw (``vit.seen_part``). ``created`` is a time with a time zone, by default now.

    Raises OptionError for a setting that JSON has no words for and for a time without a zone.
    """
    written: dict[str, Any] = {
        "vitviz_manifest": 1,
        "created": _utc(created),
        "versions": versions(),
        "model": _model(vit),
        "picture": {"name": file_name(picture_name), "digest": photo_digest, "digest_of": DIGEST}
        | seen(vit.crop, part),
        "target": None if trace.target is None else _target(trace.target),
        "answers": answers(trace, vit),
        "classes": len(vit.class_names),
        "familiarity": _familiarity(trace, vit),
        "edit": trace.edit.describe(),
        "settings": dict(settings),
        "licence": LICENCE,
    }
    if view is not None:
        written["map"] = view.describe()
    plain: dict[str, Any] = json.loads(json_text(written))  # tuples become lists; what JSON lacks is refused here
    return plain


def seen(crop: Crop, part: SeenPart | None) -> dict[str, Any]:
    """Return how a picture was brought to the model's shape, and the part of it that the model saw, as plain values."""
    if part is None:
        return {"crop": crop}
    box = [round(place, 4) for place in part.box]  # as good as it is measured
    return {"crop": crop, "seen": box, "bars": round(part.bars, 4), "stretch": round(part.stretch, 3)}


def versions() -> dict[str, str]:
    """Return the versions of what computes a map."""
    return {
        "vitviz": sys.modules["vitviz"].__version__,  # the parent package, loaded before any of its modules
        "torch": str(torch.__version__),
        "timm": timm_door.VERSION,
        "python": platform.python_version(),
    }


def answers(trace: Trace, vit: ViT, count: int = 5) -> list[dict[str, Any]]:
    """Return the model's most probable classes, best first; empty without a classifier."""
    return [{"class": index, "name": vit.class_name(index), "probability": share} for index, share in trace.top(count)]


def _familiarity(trace: Trace, vit: ViT) -> dict[str, Any] | None:
    measured = familiarity(vit, trace)
    return None if measured is None else asdict(measured) | {"perhaps_none": measured.perhaps_none}


def file_name(path: str) -> str:
    """Return the last part of a path of any system: names of folders are nobody's business."""
    return re.split(r"[/\\]", path)[-1]


def _target(target: Target) -> dict[str, Any]:
    """Return a target without its direction: a number a channel, which model and picture give again."""
    return {name: value for name, value in asdict(target).items() if name != "direction"}


def _model(vit: ViT) -> dict[str, Any]:
    return {
        "name": vit.name,
        "weights": vit.weights,
        "image_size": vit.image_size,
        "layers": vit.layers,
        "heads": vit.heads,
        "grid": asdict(vit.grid),
        "device": vit.device.type,
        "precision": str(vit.dtype).removeprefix("torch."),
        "multi_label": vit.multi_label,
        "notes": vit.notes,
    }


def _utc(created: datetime | None) -> str:
    created = created or datetime.now(UTC)
    if created.tzinfo is None:
        raise OptionError(f"The time {created} has no time zone; wanted one with it. Use datetime.now(timezone.utc).")
    return created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
