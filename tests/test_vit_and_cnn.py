"""The comparison of the two shipped networks: what is done to a photo, and how answers become a table, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import vit_and_cnn
from vitviz.analysis.replacement import replacement_picture
from vitviz.models import timm_door
from vitviz.models.vit import ViT


@pytest.fixture(scope="module")
def made() -> tuple[ViT, dict[str, Tensor]]:
    vit = ViT.from_module(timm_door.build("test_vit", seed=1))
    pixels = torch.randn(3, 160, 160, generator=torch.Generator().manual_seed(0))
    return vit, dict(vit_and_cnn.variants(vit, pixels, 3))


def changed(pictures: dict[str, Tensor], name: str) -> np.ndarray:
    """Return which pixels are not the photo's, (height, width)."""
    moved: np.ndarray = (pictures[name] != pictures["whole"]).any(0).numpy()
    return moved


def test_as_many_patches_go_as_the_name_says_in_three_orders(made: tuple[ViT, dict[str, Tensor]]) -> None:
    vit, pictures = made
    for order in ("random", "most", "least"):
        for share in (0.25, 0.5, 0.75, 0.9):
            gone = changed(pictures, f"{order} {share:.0%}").reshape(10, 16, 10, 16)
            assert (gone.all((1, 3)) == gone.any((1, 3))).all()  # whole patches
            assert gone.all((1, 3)).sum() == share * 100
    most, least = (changed(pictures, f"{order} 50%") for order in ("most", "least"))
    assert (most != least).all()  # the two halves
    grey = replacement_picture(vit, pictures["whole"], "grey")
    assert torch.equal(pictures["most 90%"][:, changed(pictures, "most 90%")], grey[:, changed(pictures, "most 90%")])


def test_one_square_of_the_share_is_covered(made: tuple[ViT, dict[str, Tensor]]) -> None:
    rows, columns = np.nonzero(changed(made[1], "square 25%"))
    assert len(rows) == 80 * 80
    assert np.ptp(rows) == np.ptp(columns) == 79


def test_pieces_change_places_and_none_stays(made: tuple[ViT, dict[str, Tensor]]) -> None:
    for count in (2, 4, 8):
        side = 160 // count
        cells = [
            picture[:, : side * count, : side * count].reshape(3, count, side, count, side).permute(1, 3, 0, 2, 4)
            for picture in (made[1]["whole"], made[1][f"pieces {count}"])
        ]
        before, after = ({cell.numpy().tobytes() for row in cell for cell in row} for cell in cells)
        assert before == after
        assert not (cells[0] == cells[1]).flatten(2).all(2).any()


def test_a_shift_moves_to_the_right(made: tuple[ViT, dict[str, Tensor]]) -> None:
    assert torch.equal(made[1]["shift 7"][:, :, 7:], made[1]["whole"][:, :, :-7])


def test_the_tables_by_hand() -> None:
    def record(label: int, top: list[int], own: list[float]) -> dict[str, Any]:
        return {"label": label, "top": top, "own": own, "names": ["whole", *(f"shift {s}" for s in vit_and_cnn.SHIFTS)]}

    same, other = [5] * 7, [5, *[6] * 6]
    records = {
        "vit": [record(5, same, [0.9] * 7), record(5, same, [0.8] * 7)],
        "cnn": [record(5, same, [0.9] * 7), record(5, other, [0.8, *[0.4] * 6])],
    }
    first, second = vit_and_cnn.answer_rows(records)[:2]
    assert first[0] == "whole"
    assert first[-1] == "+0 ± 0"
    assert [cell.split(" ")[0] for cell in second[1:5]] == ["100%", "50%", "100%", "50%"]
    assert second[-1] == "+50 ± 98"  # 1.96 · √½ / √2
    shifted = vit_and_cnn.shift_rows(records)[0]
    assert shifted == ("1", "+0 ± 0", "+20 ± 39", "-20 ± 39")
