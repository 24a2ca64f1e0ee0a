"""What the Atlas page that works offline shows below its table: mean maps of all heads, differences, layers, photos."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vitviz.figures.image_files import jpeg_bytes
from vitviz.figures.sheet import Panel
from vitviz.numbers import amount
from vitviz.ui.components.labels import board_map_labels
from vitviz.ui.components.map_board import MapBoard
from vitviz.ui.components.photo_picker import thumbnail
from vitviz.ui.components.standalone import View
from vitviz.ui.components.wall_view import WallView
from vitviz.ui.explore.atlas import comparison, grid, layers
from vitviz.ui.explore.atlas.chosen import Chosen
from vitviz.ui.explore.atlas.comparison import Compared
from vitviz.ui.explore.atlas.photos import ShownPhoto, example_photos, readable_photos
from vitviz.ui.text import _

_GREY = 112
"""Of the ground of maps that lie on no photo: a mean over many has none."""


def below(shown: Chosen, compared: Compared | None) -> list[tuple[str, View]]:
    """Return the views with their headings, as the page has them."""
    views: list[tuple[str, View]] = [(_("Where each head looks on average"), _wall(shown))]
    if compared is not None:
        views.append((_("What differs: {other}").format(other=compared.title), comparison.view(shown, compared)))
    title = _("Places that are liked in every photo")
    liked = [panel for panel in layers.mean_maps(shown) if layers.has_values(panel)]
    views += [(title, MapBoard(name=title, panels=liked))] if liked else []
    return views + [(label, _photos(shown, label, listed)) for label, listed in _listed(shown)]


def _wall(shown: Chosen) -> WallView:
    """Return the mean maps of all heads, framed by the statistic."""
    layout = shown.atlas.layout
    maps = shown.atlas.mean_map("attention").astype(np.float32)
    for layer, heads in enumerate(layout.heads):
        maps[layer, heads:] = np.nan  # a head that this layer has not
    height, width = layout.grid.image_size
    return WallView(
        photo=jpeg_bytes(np.full((height, width, 3), _GREY, np.uint8)),
        grid=layout.grid,
        maps=maps,
        statistic=shown.summary.mean.astype(np.float32),
        limits=grid.limits(shown, spread=False),
        label=shown.words[0],
        unit=shown.words[1],
        query=layout.query,
        selected=shown.head,
        scale="map",
        palette="viridis",
        opacity=1.0,
    )


def _listed(shown: Chosen) -> list[tuple[str, list[ShownPhoto]]]:
    """Return the photos that can be seen: those at both ends, else the examples."""
    ends = {
        _("Ten photos with {end}").format(end=_("most")): shown.atlas.extremes(shown.statistic, shown.head),
        _("Ten photos with {end}").format(end=_("least")): shown.atlas.extremes(
            shown.statistic, shown.head, largest=False
        ),
    }
    listed = [(label, readable_photos(shown, values)) for label, values in ends.items()]
    listed.append((_("The example photos, most first"), example_photos(shown)))
    return [(f"{label} ({shown.head_name})", photos) for label, photos in listed if photos]


def _photos(shown: Chosen, name: str, listed: list[ShownPhoto]) -> MapBoard:
    panels = [
        Panel(label=f"{photo.title} ({amount(photo.value, shown.words[1])})", photo=_small(photo)) for photo in listed
    ]
    return MapBoard(name=name, panels=panels, labels={**board_map_labels(), "hint": "", "hint_touch": ""})


def _small(photo: ShownPhoto) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(thumbnail(photo.photo.digest, photo.photo))).convert("RGB"))
