"""Maps in words, by hand on 2 × 3 patches."""

import numpy as np
import pytest

from vitviz.errors import GridError, OptionError
from vitviz.figures.summary import TEMPLATES, centre_share, describe_map, entropy
from vitviz.grid import PatchGrid

GRID = PatchGrid(2, 3, (16, 16), ("class",))
MAP = np.array([[0.0, 0.1, 0.0], [0.2, 0.5, 0.0]])


def test_shares_of_attention_by_hand():
    text = describe_map(MAP, GRID, 1 / 7)
    assert "Strongest patches: row 2, column 2 (50%); row 2, column 1 (20%); row 1, column 2 (10%)." in text
    assert "The strongest has 3.5 times an even share." in text
    assert "The patches hold 80% of all; special tokens have the rest." in text
    # The middle quarter covers half of both middle patches and an eighth of each corner patch.
    assert f"The middle quarter of the picture holds {100 * (0.3 + 0.025) / 0.8:.3g}%" in text
    shares = np.array([0.1, 0.2, 0.5]) / 0.8
    nats = -(shares * np.log(shares)).sum()
    assert f"about {np.exp(nats):.3g} of 6 patches; entropy {nats:.2f} of at most 1.79 nats." in text


def test_a_map_that_is_no_share_is_measured_by_its_own_sum():
    text = describe_map(MAP * 10, GRID)
    assert "row 2, column 2 (62.5%)" in text
    assert "even share" not in text
    assert "special tokens" not in text


def test_token_values_are_laid_out_by_the_grid():
    assert describe_map(np.array([0.2, *MAP.flat]), GRID, 1 / 7) == describe_map(MAP, GRID, 1 / 7)


def test_one_patch_alone_names_only_itself():
    one = np.zeros((2, 3))
    one[0, 2] = 1.0
    text = describe_map(one, GRID, 1 / 6)
    assert "Strongest patches: row 1, column 3 (100%)." in text
    assert "about 1 of 6 patches; entropy 0.00" in text


def test_a_flat_map_says_so():
    assert describe_map(np.full((2, 3), 0.25), GRID, 1 / 6) == "All 6 patches have the same value, 0.25."
    assert describe_map(np.zeros((2, 3)), GRID) == "All 6 patches have the same value, 0."


def test_a_signed_map_names_both_sides():
    text = describe_map(np.array([[0.0, -1.0, 0.0], [0.0, 3.0, 0.0]]), GRID)
    assert text == (
        "Most positive patches: row 2, column 2 (75%). Most negative patches: row 1, column 2 (−25%). "
        "75% of the total size is positive."
    )


def test_a_map_of_negative_values_has_no_positive_patches():
    text = describe_map(-MAP - 0.1, GRID)
    assert "positive patches" not in text
    assert text.endswith("0% of the total size is positive.")


@pytest.mark.parametrize("shape", [(2, 3), (4, 4), (1, 1), (7, 5), (16, 24)])
def test_an_even_map_has_a_quarter_in_the_middle_and_full_entropy(shape):
    even = np.full(shape, 0.3)
    assert centre_share(even) == pytest.approx(0.25)
    assert entropy(even) == pytest.approx(np.log(even.size))


def test_another_language_is_another_mapping():
    german = dict(TEMPLATES) | {"strongest": "Stärkste Felder: {patches}.", "patch": "Zeile {row}, Spalte {column}"}
    assert "Stärkste Felder: Zeile 2, Spalte 2;" in describe_map(MAP, GRID, labels=german)


def test_a_map_must_fit_the_grid_and_be_finite():
    with pytest.raises(GridError, match="map of 3 × 2 patches; wanted 2 × 3"):
        describe_map(MAP.T, GRID)
    with pytest.raises(GridError, match="Cannot lay out 5 values"):
        describe_map(np.ones(5), GRID)
    with pytest.raises(OptionError, match="1 of 6 map values are NaN"):
        describe_map(np.where(MAP == 0.5, np.nan, MAP), GRID)
