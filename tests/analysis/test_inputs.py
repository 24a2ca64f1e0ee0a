"""One or many pictures become inputs of one size, and it is said when they were of several."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.analysis.conftest import photograph
from vitviz.analysis.inputs import prepare
from vitviz.errors import GridError, ImageError
from vitviz.models.vit import ViT


def test_paths_pictures_and_tensors_are_taken_alike(vit: ViT, tmp_path: Path) -> None:
    picture = photograph(60, 40)
    picture.save(tmp_path / "one.png")
    tensor = vit.preprocess(picture)
    result, notes = prepare(vit, [tmp_path / "one.png", str(tmp_path / "one.png"), picture, tensor])
    assert all(torch.equal(each, tensor) for each in result)
    assert (len(result), notes) == (4, ())


def test_one_picture_needs_no_list(vit: ViT) -> None:
    assert len(prepare(vit, photograph(40, 40))[0]) == 1
    assert len(prepare(vit, torch.zeros(3, 32, 32))[0]) == 1
    assert len(prepare(vit, torch.zeros(5, 3, 32, 32))[0]) == 5


def test_pictures_of_different_sizes_are_resized_and_it_is_said(vit: ViT) -> None:
    pictures = [photograph(60, 40), photograph(50, 50), photograph(60, 40)]
    result, notes = prepare(vit, pictures)
    assert {tuple(each.shape) for each in result} == {(3, 32, 32)}
    assert notes == ("3 pictures of 2 different sizes were all resized to 32 × 32 pixels",)


def test_no_picture_and_wrong_tensors_are_refused(vit: ViT) -> None:
    with pytest.raises(ImageError, match="There is no picture; wanted at least one"):
        prepare(vit, [])
    with pytest.raises(GridError, match=r"tiny has shape \(3, 16, 32\); wanted \(3, 32, 32\)"):
        prepare(vit, torch.zeros(3, 16, 32))
