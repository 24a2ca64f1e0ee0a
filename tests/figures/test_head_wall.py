"""The wall of heads for print: every head in its place, on the screen's colours, framed, struck out where it is off."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import OptionError
from vitviz.figures.head_wall import HeadWall
from vitviz.figures.palettes import table
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, print_figure

PHOTO = np.full((56, 56, 3), 200, np.uint8)


def wall(layers: int = 3, heads: int = 2, **options: object) -> HeadWall:
    maps = np.zeros((layers, heads, 4, 4), np.uint8)
    maps[:, 1] = 255  # the second head looks everywhere, the first nowhere
    given = {
        "photo": PHOTO,
        "maps": maps,
        "missing": np.zeros((layers, heads), bool),
        "ends": ("low", "high"),
        "statistic": np.linspace(0, 1, layers * heads, dtype=np.float32).reshape(layers, heads),
        "frames": Scale(0, 1),
        "label": "Entropy (bits)",
        "layers": tuple(range(layers)),
    }
    return HeadWall(**{**given, **options})  # type: ignore[arg-type]


def places(drawn: HeadWall, width: int) -> tuple[np.ndarray, float, float]:
    picture = drawn.draw(width)
    side, tall, *_ = drawn._layout(float(width))
    return picture, side, tall


def test_columns_are_layers_and_rows_are_heads_lit_as_on_the_screen() -> None:
    picture, side, tall = places(wall(opacity=0.5), 600)
    assert picture.shape[1:] == (600, 3)
    assert picture.shape[0] == pytest.approx(600 * wall().aspect, abs=4)
    for layer in range(3):
        for head in range(2):
            x = layer * side * 1.15 + side / 2
            y = head * (tall + 1.25 * 600 / 70 + side * 0.15) + 15 + tall / 2
            light = 1.0 if head else 0.5
            assert np.abs(picture[int(y), int(x)].astype(int) - 200 * light).max() <= 1, (layer, head)
    corner = picture[round(tall / 2), 2]  # the frame of the first head: the first colour
    assert np.array_equal(corner, table("viridis")[0])


def test_heads_that_are_off_or_missing_are_seen_to_be_so() -> None:
    plain, side, tall = places(wall(), 600)
    struck, *_ = places(wall(off=[(1, 0)]), 600)
    changed = np.argwhere((plain != struck).any(2))
    assert len(changed)
    assert changed[:, 1].min() >= side * 1.05
    assert changed[:, 1].max() <= side * 2.35
    missing = np.zeros((3, 2), bool)
    missing[2, 1] = True
    gone, *_ = places(wall(missing=missing), 600)
    box = (slice(round(tall + side * 0.6), round(1.9 * tall)), slice(round(side * 2.4), 590))
    assert (gone[box] == 255).all()
    assert not (plain[box] == 255).all()


def test_one_layer_stands_in_rows_and_small_prints_keep_every_patch() -> None:
    assert wall(1, 6).shape == (2, 4)
    assert wall(12, 6).shape == (6, 12)
    large = wall(24, 16, maps=np.zeros((24, 16, 37, 37), np.uint8))
    file = print_figure([Panel(drawing=large)], width_mm=85, dpi=150)
    assert Image.open(io.BytesIO(file)).width == 502
    whole = Image.open(io.BytesIO(print_figure([Panel(drawing=wall(12, 6))], title="Wall", width_mm=180, dpi=100)))
    assert np.asarray(whole.convert("L"))[:, 600:].min() < 200, "the wall is as wide as the page"
    with pytest.raises(OptionError, match="numbers of 2"):
        HeadWall(**{**vars(wall()), "layers": (0, 1)})
