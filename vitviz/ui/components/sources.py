"""The browser side of the components, read once at import: no build step, no bundler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_MOUNT = """
export default (component) => {
  const clean = mount(component);
  component.parentElement.host.dataset.drawn = "";
  return clean;
};
"""


@dataclass(frozen=True)
class Source:
    """Markup, style and script of one component. The script defines ``mount(component)``."""

    html: str
    css: str
    js: str

    @property
    def module(self) -> str:
        """The script as an ES module whose default export mounts the component, as Streamlit wants it.

        It also marks the place as drawn, for what waits for it while the page arrives.
        """
        return f"{self.js}\n{_MOUNT}"


def _read(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def _source(name: str, *scripts: str) -> Source:
    """Return the component of a name: its own files, after what all share and ``scripts`` in their order."""
    return Source(
        html=_read(f"{name}.html"),
        css=_read("shared.css", "press.css", f"{name}.css"),
        js=_read("shared.js", "finger.js", *scripts, f"{name}.js"),
    )


VIEWER = _source(
    "attention_viewer",
    "attention_rows.js",
    "attention_paint.js",
    "attention_words.js",
    "attention_events.js",
    "player.js",
    "attention_film.js",
)
ATLAS = _source("head_atlas")
PICKER = _source("photo_picker")
PLACES = _source("place_picker")
TOKENS = _source("token_viewer", "token_rows.js")
PAINTER = _source("patch_painter", "painter_paint.js")
DRAWER = _source("box_drawer")
COPIER = _source("picture_copier")
BOARD = _source("object_board", "board_verdicts.js")
SHEET = _source("matrix_sheet", "player.js", "matrix_tables.js", "matrix_sums.js", "matrix_paths.js")
SKETCH = _source("curve_sketch")
WINDOWS = _source("window_counter", "player.js")
WALL = _source("head_wall", "attention_paint.js", "head_wall_words.js", "head_wall_events.js")
FILM = _source("film", "player.js", "attention_paint.js")
MAPS = _source("map_board", "attention_paint.js")
SHORTCUTS = _source("shortcuts")
