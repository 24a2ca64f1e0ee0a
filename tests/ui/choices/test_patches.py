"""The painting in the link: written, read, carried to another grid, refused."""

import re

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.ui.choices.patches import Painting, painting_of, sizes_of


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (16, 16), (37, 37), (50, 49)])
def test_what_is_written_is_read_again(rows, columns):
    draw = np.random.default_rng(rows)
    for share in (0.02, 0.5, 1):
        patches = frozenset(np.flatnonzero(draw.random(rows * columns) < share).tolist())
        painting = Painting(rows, columns, patches)
        text = painting.text()
        assert len(text) <= 6 + rows * columns / 6 + 2
        assert re.fullmatch(r"(\d+x\d+[.][\w-]+)?", text)
        assert painting_of(text) == (painting if patches else None)


def test_the_bits_run_row_by_row_from_the_first_patch():
    assert Painting(2, 4, frozenset({0, 7})).text() == "2x4.gQ"  # 10000001 in base 64
    assert painting_of("2x4.gQ") == Painting(2, 4, frozenset({0, 7}))


def test_a_painting_goes_to_the_patches_whose_middle_is_painted():
    left = Painting(4, 4, frozenset({0, 1, 4, 5, 8, 9, 12, 13}))
    assert left.on(PatchGrid(4, 4, (8, 8))) is left
    assert left.on(PatchGrid(2, 2, (16, 16))).patches == {0, 2}
    fine = left.on(PatchGrid(8, 8, (4, 4))).patches
    assert fine == {row * 8 + column for row in range(8) for column in range(4)}


@pytest.mark.parametrize(("text", "reason"), [
    ("4x4", "such as"), ("4x4.A A", "such as"), ("0x4.AA", "such as"), ("200x4.AA", "such as"),
    ("4x4.A", "base 64"), ("2x2.__", r"patch 7 lies outside its grid of 4"),
])  # fmt: skip
def test_other_texts_are_refused(text, reason):
    with pytest.raises(OptionError, match=reason):
        painting_of(text)


def test_patch_sizes():
    assert sizes_of("") == []
    assert sizes_of("28-7-14-7") == [7, 14, 28]
    for text in ("0", "65", "-", "7-x", "-".join(map(str, range(1, 20)))):
        with pytest.raises(OptionError):
            sizes_of(text)
