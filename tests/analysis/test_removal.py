"""Removal: answers with patches gone, each choice run once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import vitviz
from vitviz.analysis.removal import Removal
from vitviz.analysis.replacement import paint_mask, replacement_picture
from vitviz.models.vit import ViT
from vitviz.trace.target import Target, contrast


def test_a_choice_is_run_once_and_answers_come_in_the_order_asked(
    wide_vit: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    vit = ViT.from_module(wide_vit)
    pixels = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(1))
    removal = Removal(vit, pixels, Target(4, "class 4"), "black")
    one, two = removal.gone(np.array([3, 7])), removal.gone(np.array([], dtype=np.intp))
    told: list[tuple[int, int]] = []
    first = removal.ask([one, two, one], progress=lambda *x: told.append(x))  # type: ignore[func-returns-value]
    again = removal.ask([two, one], progress=lambda *x: told.append(x))  # type: ignore[func-returns-value]
    assert told == [(2, 2)]
    np.testing.assert_array_equal(first[[1, 2]], again)
    black = replacement_picture(vit, pixels, "black")
    painted = torch.where(paint_mask(vit.grid, vit.image_size, one), black, pixels)
    for row, picture in ((0, painted), (1, pixels)):
        logits = vitviz.predict(vit, picture[None])[0]
        assert first[row, 0] == pytest.approx(float(logits.softmax(-1)[4]), abs=1e-5)
        assert first[row, 1] == (int(logits.argmax()) == 4)


def test_other_targets_have_one_number(wide_vit: nn.Module) -> None:
    vit = ViT.from_module(wide_vit)
    pixels = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(1))
    result = Removal(vit, pixels, contrast(vit, 4, 6), "removed").ask([torch.zeros(15, dtype=torch.bool)])
    logits = vitviz.predict(vit, pixels[None])[0]
    np.testing.assert_allclose(result, [[float(logits[4] - logits[6])]], atol=1e-5)


def test_removed_patches_leave_one_at_either_end(wide_vit: nn.Module) -> None:
    removal = Removal(ViT.from_module(wide_vit), torch.zeros(3, 24, 40), Target(0, "0"), "removed")
    gone, there = removal.counts(np.array([0, 0.5, 1]))
    assert gone.tolist() == [0, 8, 14]
    assert there.tolist() == [1, 8, 15]
