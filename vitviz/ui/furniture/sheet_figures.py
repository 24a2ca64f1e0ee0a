"""What stands on the sheet of a section beside the link: its own picture, as HTML without a script that loads nothing.

Every function is called when the sheet is written, outside the reader's session: what it needs is given.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vitviz.figures.image_files import png_bytes
from vitviz.figures.vector import vector_file
from vitviz.labs.cost.vit_shape import ViTShape
from vitviz.ui.text import _

_LEAST = 480
"""Pixels that a picture has across at least, so that its pixels stay squares in print."""
_MOST_TEXT = 3
"""Decimals of a number in a table at most."""
_SCHEME = {
    "Pre-LN": ("x", "LN", "f", "+"),
    "Post-LN": ("x", "f", "+", "LN"),
}


def picture(pixels: NDArray[np.uint8] | Image.Image, words: str) -> str:
    """Return a picture, (height, width, 3) or an image; small ones are enlarged pixel by pixel."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.ascontiguousarray(pixels))
    times = max(1, round(_LEAST / image.width))
    image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    data = base64.b64encode(png_bytes(image)).decode("ascii")
    return f'<img class="own" alt="{escape(words)}" src="data:image/png;base64,{data}">'


def chart(figure: go.Figure, words: str) -> str:
    """Return a chart as lines."""
    file = base64.b64encode(vector_file(figure, "svg", width_mm=110, title=words)).decode("ascii")
    return f'<img class="own" alt="{escape(words)}" src="data:image/svg+xml;base64,{file}">'


def tables(named: Mapping[str, tuple[Sequence[str], Sequence[str], ArrayLike]]) -> str:
    """Return matrices as tables side by side, by their symbols: names of rows, names of columns, numbers."""
    return f'<div class="tables">{"".join(_table(name, *parts) for name, parts in named.items())}</div>'


def numbers(named: Mapping[str, float]) -> str:
    """Return numbers as a table of one row, by their symbols."""
    return tables({"": ([""], list(named), [list(named.values())])})


def sizes(shape: ViTShape) -> str:
    """Return the sizes of a model: tokens, channels, heads, channels of a head, blocks."""
    return numbers({"L": shape.tokens, "D": shape.width, "M": shape.heads, "d": shape.head_width, "T": shape.depth})


def _table(symbol: str, rows: Sequence[str], columns: Sequence[str], values: ArrayLike) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *columns))
    body = "".join(
        f"<tr><th>{escape(name)}</th>{''.join(f'<td>{_number(value)}</td>' for value in line)}</tr>"
        for name, line in zip(rows, np.asarray(values, np.float64), strict=True)
    )
    return f'<table class="small"><caption>{escape(symbol)}</caption><tr>{head}</tr>{body}</table>'


def _number(value: float) -> str:
    return f"{round(value, _MOST_TEXT) + 0.0:g}".replace("-", "−")


def blocks() -> str:
    """Return the two orders of a block as lines of boxes: with LayerNorm before the branch, and behind the sum."""
    lines = []
    for down, (name, steps) in enumerate(_SCHEME.items()):
        y, fork = 22 + 74 * down, 95 + 78 * steps.index("x") + 26
        lines.append(f'<text x="4" y="{y + 19}">{name}</text>')
        for place, step in enumerate(steps):
            x = 95 + 78 * place
            lines.append(f'<rect x="{x}" y="{y}" width="44" height="28" rx="5" fill="none" stroke="#333"/>')
            lines.append(f'<text x="{x + 22}" y="{y + 19}" text-anchor="middle">{step}</text>')
            lines.append(f'<path d="M{x + 44} {y + 14}h34" stroke="#333"/>')
        end = 95 + 78 * steps.index("+") + 22
        lines.append(f'<path d="M{fork + 22} {y + 14}v36H{end}v-22" fill="none" stroke="#333"/>')
    label = escape(_("A block with the LayerNorm before the branch, and one with it behind the sum"))
    return f'<svg class="own" viewBox="0 0 440 150" role="img" aria-label="{label}">{"".join(lines)}</svg>'
