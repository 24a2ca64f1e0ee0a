"""The browser side of the components, read once at import: no build step, no bundler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """Markup, style and script of one component. The script defines ``mount(component)``."""

    html: str
    css: str
    js: str

    @property
    def module(self) -> str:
        """The script as an ES module whose default export mounts the component, as Streamlit wants it."""
        return f"{self.js}\nexport default mount;\n"


def _read(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


VIEWER = Source(
    html=_read("attention_viewer.html"),
    css=_read("shared.css", "attention_viewer.css"),
    js=_read(
        "shared.js",
        "attention_rows.js",
        "attention_paint.js",
        "attention_words.js",
        "attention_events.js",
        "attention_viewer.js",
    ),
)
ATLAS = Source(
    html=_read("head_atlas.html"), css=_read("shared.css", "head_atlas.css"), js=_read("shared.js", "head_atlas.js")
)
PICKER = Source(
    html=_read("photo_picker.html"), css=_read("photo_picker.css"), js=_read("shared.js", "photo_picker.js")
)
PLACES = Source(
    html=_read("place_picker.html"),
    css=_read("shared.css", "place_picker.css"),
    js=_read("shared.js", "place_picker.js"),
)
TOKENS = Source(
    html=_read("token_viewer.html"),
    css=_read("shared.css", "token_viewer.css"),
    js=_read("shared.js", "token_rows.js", "token_viewer.js"),
)
PAINTER = Source(
    html=_read("patch_painter.html"),
    css=_read("shared.css", "patch_painter.css"),
    js=_read("shared.js", "painter_paint.js", "patch_painter.js"),
)
DRAWER = Source(html=_read("box_drawer.html"), css=_read("box_drawer.css"), js=_read("shared.js", "box_drawer.js"))
COPIER = Source(
    html=_read("picture_copier.html"), css=_read("picture_copier.css"), js=_read("shared.js", "picture_copier.js")
)
BOARD = Source(
    html=_read("object_board.html"),
    css=_read("shared.css", "object_board.css"),
    js=_read("shared.js", "board_verdicts.js", "object_board.js"),
)
SHEET = Source(
    html=_read("matrix_sheet.html"),
    css=_read("shared.css", "matrix_sheet.css"),
    js=_read("shared.js", "matrix_tables.js", "matrix_sums.js", "matrix_paths.js", "matrix_sheet.js"),
)
SKETCH = Source(
    html=_read("curve_sketch.html"),
    css=_read("shared.css", "curve_sketch.css"),
    js=_read("shared.js", "curve_sketch.js"),
)
WINDOWS = Source(
    html=_read("window_counter.html"),
    css=_read("shared.css", "window_counter.css"),
    js=_read("shared.js", "window_counter.js"),
)
WALL = Source(
    html=_read("head_wall.html"),
    css=_read("shared.css", "head_wall.css"),
    js=_read("shared.js", "attention_paint.js", "head_wall_words.js", "head_wall_events.js", "head_wall.js"),
)
FILM = Source(
    html=_read("film.html"),
    css=_read("shared.css", "film.css"),
    js=_read("shared.js", "attention_paint.js", "film.js"),
)
SHORTCUTS = Source(
    html=_read("shortcuts.html"), css=_read("shared.css", "shortcuts.css"), js=_read("shared.js", "shortcuts.js")
)
