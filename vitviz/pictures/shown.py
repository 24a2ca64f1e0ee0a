"""What ``vitviz.show`` and ``vitviz.side_by_side`` return: something that shows itself at the end of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from PIL import Image

from vitviz.attention.view import MapView
from vitviz.attribution.method import Attribution
from vitviz.errors import OptionError, check_choice
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.files import write_text
from vitviz.pictures.drawing import Drawing, Maps
from vitviz.pictures.maps import attribution_panel, attribution_scale, map_panel
from vitviz.pictures.register import drawn
from vitviz.pictures.series import SERIES
from vitviz.pictures.viewer import framed, viewer_page
from vitviz.record import Record
from vitviz.trace.trace import Trace

SCALES = ("shared", "own")


@dataclass(frozen=True, eq=False)
class Shown(Record):
    """A drawing with the options that it was asked for."""

    drawing: Drawing

    def figure(self) -> go.Figure:
        """Return it as a Plotly figure."""
        return self.drawing.figure()

    def image(self, *, width_mm: float = 120, dpi: float = 150) -> Image.Image:
        """Return it as a Pillow picture for print, ``width_mm`` millimetres wide."""
        return self.drawing.image(width_mm=width_mm, dpi=dpi)

    def _repr_html_(self) -> str:
        return self.drawing.html()


@dataclass(frozen=True, eq=False)
class Viewer(Record):
    """The hover viewer of one layer; it shows itself in a notebook, and is a page of its own in a file."""

    title: str
    page: str
    """The whole page, which needs no network and no server."""

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the page as an HTML file; raises OptionError if there is one and it may not be written over."""
        target = Path(path)
        if target.exists() and not overwrite:
            raise OptionError(f"{target} exists already; wanted a new name. Pass overwrite=True to write over it.")
        write_text(target, self.page)
        return target

    def _repr_html_(self) -> str:
        return framed(self.page, title=self.title)


def show(result: Any, options: Mapping[str, Any]) -> Shown | Viewer:
    """Return a result, or several of one kind, as something that shows itself; a trace is the hover viewer."""
    if isinstance(result, Trace):
        layer = options.get("layer")
        title = f"{result.model}: attention of layer {result.layers - 1 if layer is None else layer}"
        return Viewer(title, viewer_page(result, **options))
    if isinstance(result, list | tuple) and result:
        series = SERIES.get(type(result[0]))
        if series is not None and len({type(member) for member in result}) == 1:
            return Shown(series(result, **options))
    return Shown(drawn(result, options))


def side_by_side(
    results: Sequence[Any],
    *,
    labels: Sequence[str] | None = None,
    scale: str | None = None,
    columns: int | None = None,
    title: str = "",
    options: Mapping[str, Any],
) -> Shown:
    """Return maps beside each other; see ``vitviz.side_by_side``."""
    if not results:
        raise OptionError("There are no maps to show side by side; got none. Pass maps, such as those of attribute.")
    if labels is not None and len(labels) != len(results):
        raise OptionError(f"Got {len(labels)} labels for {len(results)} maps; wanted one a map, or none.")
    wrong = [type(result).__name__ for result in results if not isinstance(result, MapView | Attribution)]
    if wrong:
        raise OptionError(
            f"Only maps stand side by side; got {', '.join(dict.fromkeys(wrong))}. Pass what attribute, rollout_view "
            "or attention_view return."
        )
    span = _scale(results, scale)
    panels = [_panel(result, span, options) for result in results]
    if labels is not None:
        panels = [replace(panel, label=label) for panel, label in zip(panels, labels, strict=True)]
    return Shown(Maps(panels, title, columns=columns))


def _scale(results: Sequence[Any], chosen: str | None) -> Scale | None:
    """Return the scale that all share, or None for one each: explanations by different methods have other units."""
    methods = {result.method if isinstance(result, Attribution) else "attention" for result in results}
    choice = check_choice("Scale", chosen or ("shared" if len(methods) == 1 else "own"), SCALES)
    if choice == "own":
        return None
    if len(methods) > 1:
        raise OptionError(
            f"Maps by {', '.join(sorted(methods))} have other units, so they share no scale; wanted maps of one "
            "method. Use scale='own'."
        )
    if isinstance(results[0], MapView):
        evens = {result.uniform for result in results}
        top = max(result.top_of_scale for result in results)
        return Scale(0, top, evens.pop() if len(evens) == 1 else None)
    scales = [attribution_scale(result) for result in results]
    return max(scales, key=lambda other: other.high)


def _panel(result: MapView | Attribution, scale: Scale | None, options: Mapping[str, Any]) -> Panel:
    panel = map_panel if isinstance(result, MapView) else attribution_panel
    try:
        return panel(result, scale=scale, **options)  # type: ignore[arg-type]
    except TypeError as error:
        raise OptionError(
            f"Maps side by side have no such option ({error}); wanted photo or opacity and, for attention, palette or "
            "interpolated."
        ) from error
