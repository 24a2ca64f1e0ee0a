"""The files that explain can write, as data: one writer a suffix."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.attention.view import MEAN, POOL, MapView
from vitviz.cli.answer import add_json, add_overwrite, files_read
from vitviz.cli.shown import Shown
from vitviz.errors import OptionError, suggest
from vitviz.export.arrays import npz_bytes
from vitviz.export.json_text import json_text
from vitviz.figures.export import html_of_png
from vitviz.figures.image_files import jpeg_bytes
from vitviz.figures.overlay import grey
from vitviz.figures.sheet import Panel, print_figure
from vitviz.files import check_outputs, write_files
from vitviz.models.vit import ViT
from vitviz.trace import Trace

PALETTES = ("viridis", "cividis", "spotlight")


@dataclass(frozen=True)
class Looks:
    """How a map is painted over its photo."""

    palette: str
    opacity: float
    interpolate: bool

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise OptionError(f"--opacity is {self.opacity}; wanted 0 (the photo alone) to 1 (the map alone).")


@dataclass(frozen=True, eq=False)
class Content:
    """All that a file can be made of."""

    vit: ViT
    trace: Trace
    shown: Shown
    photo: Image.Image
    manifest: dict[str, Any]
    looks: Looks
    method: str

    @property
    def title(self) -> str:
        """The map in words, as a heading."""
        return self.shown.label[0].upper() + self.shown.label[1:]

    @property
    def source(self) -> str:
        """The picture and the model."""
        grid, picture = self.trace.grid, self.manifest["picture"]["name"]
        return f"{picture}; {self.vit.name} ({short(self.vit.weights)}); {grid.rows} by {grid.columns} patches."

    @property
    def caption(self) -> str:
        """What the map was made of and the numbers beside it."""
        facts = f" {self.shown.facts}" if self.shown.facts else ""
        return f"{self.source}{facts} Made with vitviz {self.manifest['versions']['vitviz']}."


def short(weights: str) -> str:
    """Return where weights come from with the checksum cut to its start; the manifest has it in full."""
    return re.sub(r"(SHA-256 [0-9a-f]{8})[0-9a-f]{56}", r"\1…", weights)


def add_to(parser: argparse.ArgumentParser, suffixes: Collection[str]) -> None:
    """Add the options that say where a command's answer goes: to files of these kinds, or to the output as JSON."""
    parser.add_argument(
        "--out", metavar="FILE", action="append", default=[], type=Path,
        help=f"file to write, one of {', '.join(suffixes)}; may be given several times",
    )  # fmt: skip
    add_overwrite(parser)
    add_json(parser)
    parser.set_defaults(suffixes=tuple(suffixes))


def check(arguments: argparse.Namespace) -> None:
    """Raise OptionError, before any work, for files that could not or must not be written."""
    for path in arguments.out:
        if path.suffix.lower() not in arguments.suffixes:
            known = ", ".join(arguments.suffixes)
            raise OptionError(
                f"{path.name} has the suffix {path.suffix!r}; wanted one of {known}."
                f"{suggest(path.suffix, arguments.suffixes)} The suffix decides what is written."
            )
    check_outputs(arguments.out, files_read(arguments), overwrite=arguments.overwrite)


def write(paths: Sequence[Path], content: Content) -> list[str]:
    """Write files, each of the kind that its suffix says; return what the user should know about them."""
    made = {path: WRITERS[path.suffix.lower()](content) for path in paths}
    write_files({path: data for path, (data, _notes) in made.items()})
    return [f"{path.name}: {note}" for path, (_data, notes) in made.items() for note in notes]


Written = tuple[bytes, list[str]]


def _png(content: Content) -> Written:
    shown, looks, grid = content.shown, content.looks, content.trace.grid
    photo = content.vit.frame(content.photo)  # (height, width, 3)
    spotlight = looks.palette == "spotlight" and not shown.scale.signed
    panels = [
        Panel(
            label="What the model sees",
            photo=photo,
            cells=(grid.rows, grid.columns),
            query=shown.cell,
            grid_lines=True,
        ),
        Panel(
            label=shown.panel,
            photo=grey(photo) if shown.scale.signed else photo,
            map=shown.values,
            scale=shown.scale,
            palette=None if spotlight or shown.scale.signed else looks.palette,
            opacity=looks.opacity,
            interpolated=looks.interpolate,
            spotlight=spotlight,
            query=shown.cell,
        ),
    ]
    return print_figure(panels, title=content.title, caption=content.caption), []


def _html(content: Content) -> Written:
    view = content.shown.view
    if view is not None and content.method == "attention" and view.query != POOL:
        viewer = _viewer()
        if viewer is not None:
            return _interactive(content, view, *viewer)
    png, _ = _png(content)
    page = html_of_png(png, content.title, content.caption, content.manifest, alt=content.shown.words)
    return page.encode(), []


def _npz(content: Content) -> Written:
    picture = content.vit.frame(content.photo)  # (height, width, 3): the crop that the model saw, as pages have it
    return npz_bytes({**content.shown.arrays, "picture": picture}, content.manifest), []


def _json(content: Content) -> Written:
    return json_text(values(content)).encode(), []


def values(content: Content) -> dict[str, Any]:
    """Return the manifest with the map's values, (rows, columns) or (height, width), as JSON has them."""
    return {**content.manifest, "map": {**content.manifest["map"], "values": content.shown.values.tolist()}}


WRITERS: Mapping[str, Callable[[Content], Written]] = {
    ".png": _png,
    ".html": _html,
    ".npz": _npz,
    ".json": _json,
}


def _viewer() -> tuple[Any, Any] | None:
    """Return (AttentionView, standalone_html), or None in a copy of vitviz without its dashboard."""
    try:
        parts = (importlib.import_module(f"vitviz.ui.components.{name}") for name in ("attention_view", "standalone"))
        view, page = parts
    except ModuleNotFoundError:
        return None
    return view.AttentionView, page.standalone_html


def _interactive(content: Content, view: MapView, attention_view: Any, standalone_html: Any) -> Written:
    trace, settings = content.trace, content.manifest["settings"]
    layer, query = settings["layer"], view.query
    notes = []
    if query == MEAN:
        query = str(view.strongest[0])
        notes.append(f"the page shows one token at a time, so it starts at patch {query}, the strongest of the mean.")
    shown = attention_view(
        photo=jpeg_bytes(content.vit.frame(content.photo)),
        grid=trace.grid,
        layer=layer,
        layers=trace.layers,
        **_arrays(trace, layer),
        query=query,
        head=settings["head"],
        direction=settings["direction"],
        opacity=content.looks.opacity,
        palette=content.looks.palette,
        interpolate=content.looks.interpolate,
    )
    page: str = standalone_html(shown, title=f"Attention of layer {layer}", caption=content.source)
    return page.encode(), notes


def _arrays(trace: Trace, layer: int) -> dict[str, NDArray[np.float32]]:
    """Return queries and keys, small, for the browser to multiply; or the maps where a bias is added to them."""
    if trace.has_bias(layer):
        return {"maps": trace.attention(layer).cpu().numpy()}
    queries = trace.queries(layer).float() * trace.scale(layer)  # (heads, token, head_dim)
    return {"queries": queries.cpu().numpy(), "keys": trace.keys(layer).float().cpu().numpy()}
