"""The whole photo with a frame round what is seen."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vitviz.figures.framed import framed
from vitviz.grid import PatchGrid

GREY = Image.new("RGB", (160, 80), (200, 200, 200))


def test_what_is_not_seen_is_dark_and_what_is_seen_is_as_it_was() -> None:
    drawn = framed(GREY, (0.25, 0, 0.75, 1), side=160)
    assert drawn.shape == (80, 160, 3)
    assert (drawn[3:-3, 43:117] == 200).all()
    assert (drawn[:, :40].max(2) <= 150).all()
    assert (drawn[:, 120:].mean() + drawn[:, :40].mean()) / 2 < 100
    assert (drawn[0, 40:120] == 255).all()


def test_a_patch_is_outlined_where_it_lies_in_the_photo() -> None:
    orange = np.array([255, 140, 0])
    for box, inside, cell, place in (
        ((0.5, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0), (0, 1), (slice(0, 20), slice(100, 120))),
        ((0.0, 0.0, 1.0, 1.0), (0.0, 0.25, 1.0, 0.75), (1, 0), (slice(0, 40), slice(0, 40))),
    ):
        drawn = framed(GREY, box, side=160, cell=cell, grid=PatchGrid(4, 4, (8, 8)), inside=inside)
        rows, columns = np.nonzero((drawn == orange).all(2))
        assert (rows.min(), rows.max() + 1) == (place[0].start, place[0].stop)
        assert (columns.min(), columns.max() + 1) == (place[1].start, place[1].stop)
