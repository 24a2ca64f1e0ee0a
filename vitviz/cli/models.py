"""The command models: what can be loaded, with and without a network."""

from __future__ import annotations

import argparse
from fnmatch import fnmatch
from typing import Any

from vitviz.assets import WEIGHTS
from vitviz.cli.answer import Answer, add_json
from vitviz.errors import UnknownModelError, suggest
from vitviz.examples import examples
from vitviz.models import hub, shipped, timm_door


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "models",
        help="list the models and example photos",
        description="List the models that need no network, the example photos and, if asked, timm's architectures.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--timm", metavar="PATTERN", help="list timm's architectures too: part of a name, or a pattern such as 'vit_*'"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Return the lists."""
    listed = catalogue(arguments.timm)
    return Answer(as_text(listed), listed)


def catalogue(pattern: str | None = None) -> dict[str, Any]:
    """Return what can be loaded: shipped models, cached models, example photos and, with a pattern, timm's names.

    Raises UnknownModelError if no architecture fits the pattern.
    """
    listed: dict[str, Any] = {
        "shipped": [
            {
                "name": name,
                "architecture": model.architecture,
                "image_size": list(model.image_size),
                "summary": model.summary,
                "present": (WEIGHTS / model.file).is_file(),
            }
            for name, model in (shipped.MODELS | shipped.CONVNETS).items()
        ],
        "cached": hub.cached_models(),
        "examples": [{"id": example.id, "title": example.title, "alt": example.alt} for example in examples()],
    }
    if pattern is not None:
        listed["timm"] = timm_names(pattern)
    return listed


def timm_names(pattern: str) -> list[str]:
    """Return timm's architectures that fit a pattern, as names for ``load_vit``; a plain text may stand anywhere."""
    wanted = pattern.removeprefix("timm:").lower()
    wanted = wanted if any(sign in wanted for sign in "*?[") else f"*{wanted}*"
    names = timm_door.model_names()
    matching = [f"timm:{name}" for name in names if fnmatch(name, wanted)]
    if not matching:
        near = suggest(wanted.strip("*"), names)
        raise UnknownModelError(
            f"None of timm's {len(names)} architectures fits {pattern!r}; "
            f"wanted part of a name, or a pattern such as 'vit_*'.{near} Try a shorter one."
        )
    return matching


def as_text(listed: dict[str, Any]) -> str:
    """Return the lists for people."""
    lines = ["Shipped, needs no network:"]
    for model in listed["shipped"]:
        missing = "" if model["present"] else " (its weights are missing here)"
        lines.append(f"  {model['name']}  {model['summary']}{missing}")
    lines += ["", "In the cache, needs no network:"]
    lines += [f"  {name}" for name in listed["cached"]] or ["  none"]
    lines += ["", "Example photos:"]
    lines += [f"  example:{photo['id']}  {photo['title']}" for photo in listed["examples"]]
    if "timm" in listed:
        lines += ["", f"{len(listed['timm'])} architectures of timm; those without global attention are refused:"]
        lines += [f"  {name}" for name in listed["timm"]]
    else:
        lines += ["", "Any Vision Transformer of timm, as timm:NAME; --timm PATTERN lists them."]
        lines += ["Vision models of Hugging Face, as hf:FOLDER or hf:NAME; they need the extra hf."]
    return "\n".join(lines)
