"""FilmView: maps that follow each other, such as those of all layers, as the film shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import GridError, OptionError, check_choice, check_index
from vitviz.figures.palettes import DIVERGING
from vitviz.ui.components.attention_view import VIEWER_PALETTES, viewer_colours
from vitviz.ui.components.labels import film_labels
from vitviz.ui.components.packing import pack

FILM_PALETTES = (*VIEWER_PALETTES, *DIVERGING)
"""Those of the viewer and, for values with a sign, the diverging ones."""
Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of the picture; below 0 or above 1 where it is cut off."""


@dataclass(frozen=True, kw_only=True)
class FilmPanel:
    """One picture of the film, which changes from frame to frame."""

    title: str
    levels: NDArray[np.uint8]
    """The colour of every cell: (frames, rows, columns), 0 to 255."""
    captions: tuple[str, ...]
    """What is told below, one text a frame."""
    boxes: tuple[Box | None, ...] = ()
    """A dashed outline, one a frame; none at all if empty."""
    missing: tuple[int, ...] = ()
    """Frames that are not there yet: a hatched frame stands in their place, and their levels are not looked at."""


@dataclass(frozen=True, kw_only=True)
class FilmView:
    """Panels that play together over the same photo.

    Raises GridError for panels of different lengths, OptionError for a frame that does not exist.
    """

    name: str
    """What the film shows, for those who do not see it."""
    photo: bytes
    """The picture under the maps, as a file."""
    size: tuple[int, int]
    """(height, width) of the picture."""
    panels: tuple[FilmPanel, ...]
    frames: tuple[str, ...]
    """The name of each frame, for example "Layer 3"."""
    ends: tuple[str, str]
    """What the first and the last colour mean."""
    start: int = 0
    """The frame that is shown at first."""
    mark: Box | None = None
    """The orange outline, for example of the query patch."""
    ruled: tuple[int, int] | None = None
    """(rows, columns) of lines over the photo."""
    tiles: bool = False
    """Whether the frames of the first panel stand beside it, to see at once and to choose."""
    untiled: int = 0
    """So many of the first frames have no tile, such as the photo before the first layer."""
    choose: str = ""
    """Words of a button that sends the frame to Python; no button if empty."""
    palette: str = "spotlight"
    opacity: float = 0.8
    labels: Mapping[str, str] = field(default_factory=film_labels)

    def __post_init__(self) -> None:
        for panel in self.panels:
            lengths = {len(panel.levels), len(panel.captions), len(panel.boxes) or len(self.frames), len(self.frames)}
            if panel.levels.ndim != 3 or len(lengths) != 1:
                raise GridError(
                    f"Panel {panel.title!r} has levels {panel.levels.shape} and {len(panel.captions)} captions; wanted "
                    f"(frames, rows, columns) and texts for {len(self.frames)} frames."
                )
        if not self.panels:
            raise OptionError("The film has no panels; give at least one.")
        check_index("Frame", self.start, len(self.frames))
        check_choice("Palette", self.palette, FILM_PALETTES)

    def read_frame(self, sent: object) -> int | None:
        """Return the frame that the browser sent, or None if it sent none or one that this film has not."""
        frame = sent.get("frame") if isinstance(sent, Mapping) else None
        return frame if isinstance(frame, int) and 0 <= frame < len(self.frames) else None

    def pack(self, *, standalone: bool = False) -> bytes:
        """Return the film as one blob for the browser: a byte a cell, panel and frame.

        ``standalone`` leaves out the button that only the page can answer.
        """
        parts = {f"levels {at}": panel.levels.tobytes() for at, panel in enumerate(self.panels)}
        missing = repr([panel.missing for panel in self.panels]).encode()
        content = hashlib.blake2b(b"".join([*parts.values(), missing]), digest_size=8).hexdigest()
        panels: list[dict[str, Any]] = [
            {
                "title": panel.title,
                "captions": panel.captions,
                "boxes": panel.boxes,
                "missing": panel.missing,
                "rows": panel.levels.shape[1],
                "columns": panel.levels.shape[2],
            }
            for panel in self.panels
        ]
        meta = {
            "name": self.name,
            "height": self.size[0],
            "width": self.size[1],
            "panels": panels,
            "frames": self.frames,
            "ends": self.ends,
            "start": self.start,
            "mark": self.mark,
            "ruled": self.ruled,
            "tiles": self.tiles,
            "untiled": self.untiled,
            "choose": "" if standalone else self.choose,
            "darkens": self.palette == "spotlight",
            "opacity": self.opacity,
            "labels": dict(self.labels),
            "photoName": hashlib.blake2b(self.photo, digest_size=8).hexdigest(),
            "content": content,
        }
        return pack(meta, {**parts, "photo": self.photo, "palette": viewer_colours(self.palette).tobytes()})
