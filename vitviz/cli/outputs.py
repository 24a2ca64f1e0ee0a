"""The files that explain can write, as data: one writer a suffix."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.attention.view import MEAN, POOL, MapView
from vitviz.errors import OptionError, VitvizError, suggest
from vitviz.export.arrays import npz_bytes, view_arrays
from vitviz.export.manifest import json_text
from vitviz.figures.export import html_of_png
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, print_figure
from vitviz.figures.summary import describe_map
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
    view: MapView
    photo: Image.Image
    manifest: dict[str, Any]
    looks: Looks
    method: str

    @property
    def title(self) -> str:
        """The map in words, as a heading."""
        return self.view.label[0].upper() + self.view.label[1:]

    @property
    def source(self) -> str:
        """The picture and the model."""
        grid, picture = self.trace.grid, self.manifest["picture"]["name"]
        return f"{picture}; {self.vit.name} ({short(self.vit.weights)}); {grid.rows} by {grid.columns} patches."

    @property
    def caption(self) -> str:
        """What the map was made of and the numbers beside it."""
        shares = ", ".join(f"{name} {100 * share:.2g} %" for name, share in self.view.special.items())
        special = f" Special tokens: {shares}." if shares else ""
        return f"{self.source}{special} Made with vitviz {self.manifest['versions']['vitviz']}."


def short(weights: str) -> str:
    """Return where weights come from with the checksum cut to its start; the manifest has it in full."""
    return re.sub(r"(SHA-256 [0-9a-f]{8})[0-9a-f]{56}", r"\1…", weights)


def check_files(paths: Sequence[Path], suffixes: Collection[str] | None = None) -> None:
    """Raise OptionError, before any work, for files that could not be written; by default those of explain."""
    suffixes = WRITERS if suffixes is None else suffixes
    for path in paths:
        if path.suffix.lower() not in suffixes:
            known = ", ".join(suffixes)
            raise OptionError(
                f"{path.name} has the suffix {path.suffix!r}; wanted one of {known}.{suggest(path.suffix, suffixes)} "
                "The suffix decides what is written."
            )
        if not path.absolute().parent.is_dir():
            raise OptionError(f"There is no folder {path.parent} for {path.name}. Make it first, or choose another.")
        if path.is_dir():
            raise OptionError(f"{path} is a folder; wanted the name of a file. Choose another name.")
    if len({path.absolute() for path in paths}) < len(paths):
        raise OptionError("The same file is given twice with --out; wanted each file once. Leave one out.")


def write(path: Path, content: Content) -> list[str]:
    """Write one file, of the kind that its suffix says; return what the user should know about it."""
    data, notes = WRITERS[path.suffix.lower()](content)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise VitvizError(f"{path} could not be written ({error.strerror}). Choose another place.") from error
    return [f"{path.name}: {note}" for note in notes]


Written = tuple[bytes, list[str]]


def _png(content: Content) -> Written:
    view, looks, grid = content.view, content.looks, content.trace.grid
    photo = content.vit.frame(content.photo)  # (height, width, 3)
    spotlight = looks.palette == "spotlight"
    panels = [
        Panel(
            label="What the model sees", photo=photo, cells=(grid.rows, grid.columns), query=view.cell, grid_lines=True
        ),
        Panel(
            label=f"The map over it, smallest share {view.minimum:.2%}",
            photo=photo,
            map=view.values,
            scale=Scale(0, view.top_of_scale, view.uniform),
            palette=None if spotlight else looks.palette,
            opacity=looks.opacity,
            interpolated=looks.interpolate,
            spotlight=spotlight,
            query=view.cell,
        ),
    ]
    return print_figure(panels, title=content.title, caption=content.caption), []


def _html(content: Content) -> Written:
    if content.method == "attention" and content.view.query != POOL:
        viewer = _viewer()
        if viewer is not None:
            return _interactive(content, *viewer)
    png, _ = _png(content)
    alt = describe_map(content.view.values, content.trace.grid, content.view.uniform)
    page = html_of_png(png, content.title, content.caption, content.manifest, alt=alt)
    return page.encode(), []


def _npz(content: Content) -> Written:
    picture = content.vit.picture(content.trace.pixels)
    return npz_bytes(view_arrays(content.view, picture), content.manifest), []


def _json(content: Content) -> Written:
    values = {"values": content.view.values.tolist()}  # (rows, columns)
    return json_text({**content.manifest, "map": {**content.manifest["map"], **values}}).encode(), []


WRITERS: Mapping[str, Callable[[Content], Written]] = {".png": _png, ".html": _html, ".npz": _npz, ".json": _json}


def _viewer() -> tuple[Any, Any] | None:
    """Return (AttentionView, standalone_html), or None in a copy of vitviz without its dashboard."""
    try:
        parts = (importlib.import_module(f"vitviz.ui.components.{name}") for name in ("attention_view", "standalone"))
        view, page = parts
    except ModuleNotFoundError:
        return None
    return view.AttentionView, page.standalone_html


def _interactive(content: Content, attention_view: Any, standalone_html: Any) -> Written:
    trace, settings = content.trace, content.manifest["settings"]
    layer, query = settings["layer"], content.view.query
    notes = []
    if query == MEAN:
        query = str(content.view.strongest[0])
        notes.append(f"the page shows one token at a time, so it starts at patch {query}, the strongest of the mean.")
    shown = attention_view(
        photo_png=_jpeg(content.vit.frame(content.photo)),
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


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
