"""What the window counter shows, packed for the browser; without Streamlit, for pages that work offline too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from vitviz.figures.palettes import CNN_VERMILION
from vitviz.labs.long_range.windows import Window
from vitviz.ui.components.labels import window_labels
from vitviz.ui.components.packing import pack


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowView:
    """A board and the windows that go over it; rows and columns are cells."""

    picture: NDArray[np.uint8]
    """(height, width, 3)."""
    rows: int
    columns: int
    windows: Sequence[Window]
    names: Mapping[int, str]
    """What to call each identity."""
    labels: Mapping[str, str] = field(default_factory=window_labels)

    def pack(self, *, standalone: bool = False) -> bytes:
        """Return the blob for the browser; it is the same on a page that nobody answers."""
        del standalone  # the counter asks nobody
        height, width = self.picture.shape[:2]
        windows = [
            {**asdict(window), "names": [self.names[identity] for identity in window.objects]}
            for window in self.windows
        ]
        told = repr((self.picture.tobytes(), windows)).encode()
        meta = {
            "width": width,
            "height": height,
            "rows": self.rows,
            "columns": self.columns,
            "windows": windows,
            "colour": CNN_VERMILION,
            "labels": dict(self.labels),
            "content": blake2b(told, digest_size=8).hexdigest(),
        }
        return pack(meta, {"picture": self.picture.tobytes()})
