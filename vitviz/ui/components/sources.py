"""The browser side of the components, read once at import: no build step, no bundler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_MOUNT = """
let turn = 0; // later choices have higher turns, in whatever order Python hears of them
const said = new WeakMap(); // root of an instance → its last choices, by name

export default ({ data, parentElement, setStateValue }) => {
  const say = (name, value) => {
    turn = Math.max(Date.now(), turn + 1);
    const choices = said.get(parentElement) ?? {};
    const recent = (choices[name] ?? []).filter((choice) => choice.turn > turn - 10000);
    choices[name] = [...recent.slice(-9), { turn, value }];
    said.set(parentElement, choices);
    setStateValue(name, choices[name]);
    return turn;
  };
  const clean = mount({ data, parentElement, say });
  parentElement.host.dataset.drawn = "";
  return clean && cleanUp(parentElement, clean);
};
"""


@dataclass(frozen=True)
class Source:
    """Markup, style and script of one component.

    The script defines ``mount({ data, parentElement, say })``, which may return what to do when the component goes.
    ``say(name, value)`` tells Python a choice, as ``turns`` hears it.
    """

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
    "shared_state.js",
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
TOKENS = _source("token_viewer", "shared_state.js", "token_rows.js")
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
