"""What a measuring command found, and the files that it can write: picture, arrays, numbers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vitviz.analysis.convnet import ConvNet
from vitviz.cli import outputs, picture_options
from vitviz.cli.answer import Answer, model_lines, plain
from vitviz.export.arrays import npz_bytes
from vitviz.export.json_text import json_text
from vitviz.export.manifest import DIGEST, LICENCE, file_name, seen, versions
from vitviz.figures.sheet import Panel, print_figure
from vitviz.files import write_files
from vitviz.images import Photo
from vitviz.models.vit import ViT
from vitviz.record import pictures as room

_HIGH = 0.75  # height of a chart beside maps, in parts of its width


@dataclass(frozen=True, eq=False, kw_only=True)
class Measurement:
    """The result of one command."""

    title: str
    panels: Sequence[Panel]
    """The picture, panel by panel."""
    arrays: Mapping[str, NDArray[Any]]
    numbers: Mapping[str, Any]
    """What JSON gets; NaN is written as null."""
    words: Sequence[str]
    """Sentences for the terminal."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The options as they were resolved."""
    columns: int | None = None
    """Panels in a row of the picture."""


def chart_panels(result: Any, label: str = "", *, width_mm: float = 80, **options: Any) -> list[Panel]:
    """Return the charts of a result, or of several of one kind, as panels of the picture: those of the dashboard.

    ``width_mm`` is about what a panel has, so that all letters are of one size.
    """
    charts = room().show(result, options).drawing.images(width_mm=width_mm, height_mm=_HIGH * width_mm)
    return [Panel(label=label or title, picture=chart) for title, chart in charts]


def picture(name: str, arguments: argparse.Namespace) -> tuple[str, Photo]:
    """Return the name and the photo of a path or of "example:ID"."""
    return name, picture_options.opened(name, arguments)


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the answer goes."""
    outputs.add_to(parser, WRITERS)


def finish(
    command: str,
    measured: Measurement,
    model: ViT | ConvNet,
    pictures: Sequence[tuple[str, Photo]],
    paths: Sequence[Path],
) -> Answer:
    """Write the files and return what was found."""
    of_model = list(model.notes) if isinstance(model, ViT) else []
    parts = [model.seen_part(photo) for _, photo in pictures]
    told = {
        "vitviz_manifest": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "versions": versions(),
        "model": {
            "name": model.name,
            "weights": model.weights,
            "image_size": list(model.image_size),
            "layers": model.layers,
            "notes": of_model,
        },
        "pictures": [
            {"name": file_name(name), "digest": photo.digest, "digest_of": DIGEST, **seen(model.crop, part)}
            for (name, photo), part in zip(pictures, parts, strict=True)
        ],
        "settings": {"command": command, **plain(measured.settings)},
        "licence": LICENCE,
    }
    write_files({path: WRITERS[path.suffix.lower()](measured, told, model) for path in paths})
    names = ", ".join(file_name(name) for name, _ in pictures)
    shown = f"{names}, " if names else ""
    notes = [f"{file_name(name)} was changed on opening: {note}." for name, photo in pictures for note in photo.notes]
    notes += [
        f"{file_name(name)}: {part.told()}."
        for (name, _), part in zip(pictures, parts, strict=True)
        if part is not None and not part.is_plain
    ]
    heading = f"{shown}{model.name} ({outputs.short(model.weights)}): {measured.title}."
    lines = [heading, *measured.words, *model_lines(of_model), *notes]
    if paths:
        lines.append(f"Wrote {', '.join(map(str, paths))}.")
    values = {**told, "result": measured.numbers, "notes": notes, "files": [str(path) for path in paths]}
    return Answer("\n".join(lines), values)


def _png(measured: Measurement, told: Mapping[str, Any], model: ViT | ConvNet) -> bytes:
    names = ", ".join(picture["name"] for picture in told["pictures"][:3])
    more = len(told["pictures"]) - 3
    source = f"{names}{f' and {more} more' if more > 0 else ''}; " if names else ""
    caption = (
        f"{source}{model.name} ({outputs.short(model.weights)}). "
        f"{' '.join(measured.words)} Made with vitviz {told['versions']['vitviz']}."
    )
    return print_figure(measured.panels, title=measured.title, caption=caption, columns=measured.columns)


def _npz(measured: Measurement, told: Mapping[str, Any], model: ViT | ConvNet) -> bytes:
    return npz_bytes(measured.arrays, {**told, "result": plain(measured.numbers)})


def _json(measured: Measurement, told: Mapping[str, Any], model: ViT | ConvNet) -> bytes:
    return json_text({**told, "result": plain(measured.numbers)}).encode()


WRITERS: Mapping[str, Callable[[Measurement, Mapping[str, Any], ViT | ConvNet], bytes]] = {
    ".png": _png,
    ".npz": _npz,
    ".json": _json,
}
