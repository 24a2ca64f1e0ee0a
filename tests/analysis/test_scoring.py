"""Scores of many changed pictures: equal to one at a time, with patches truly gone, within memory, stoppable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vitviz
from vitviz.analysis.scoring import score_batch, scores
from vitviz.batches import ShortMemoryWarning
from vitviz.errors import CaptureError, GridError, OptionError, ShortMemoryError, StoppedError
from vitviz.models.vit import ViT
from vitviz.trace.target import Target, contrast, likeness

CLASS = Target(4, "class 4")


@pytest.fixture(scope="module", params=["class", "average", "pool"])
def vit(build_vit: Callable[..., nn.Module], request: pytest.FixtureRequest) -> ViT:
    pools: dict[str, dict[str, Any]] = {
        "class": {},
        "average": {"class_token": False, "global_pool": "avg"},
        "pool": {"class_token": False, "global_pool": "map"},
    }
    return ViT.from_module(build_vit(img_size=(24, 40), **pools[request.param]))


@pytest.fixture(scope="module")
def batch() -> Tensor:
    return torch.randn(5, 3, 24, 40, generator=torch.Generator().manual_seed(0))


def test_scores_are_logits(vit: ViT, batch: Tensor) -> None:
    expected = vitviz.predict(vit, batch)
    torch.testing.assert_close(scores(vit, batch, CLASS, batch_size=2), expected[:, 4])
    torch.testing.assert_close(scores(vit, batch, CLASS, probability=True), expected.softmax(-1)[:, 4])
    answers = scores(vit, batch, contrast(vit, 4, 6), probability=True)
    torch.testing.assert_close(answers, expected[:, 4] - expected[:, 6])


def test_a_likeness_is_a_projection_of_the_embedding(vit: ViT, batch: Tensor) -> None:
    target = likeness(torch.eye(32)[3] * 7, "channel 3")
    expected = torch.stack([vitviz.trace(vit, picture).embedding[3] for picture in batch])
    torch.testing.assert_close(scores(vit, batch, target), expected, rtol=1e-4, atol=1e-5)


def test_removed_patches_are_those_of_an_edit(vit: ViT, batch: Tensor) -> None:
    """Another choice of patches in each image of a batch, against one pass an image with masked tokens."""
    kept = torch.rand(5, 15, generator=torch.Generator().manual_seed(1)) > 0.4
    kept[2] = True
    prefix = len(vit.grid.prefix)
    expected = [
        vitviz.predict(vit, picture[None], edit=vitviz.Edit(mask_tokens=(prefix + (~keep).nonzero()[:, 0]).tolist()))[
            0, 4
        ]
        for picture, keep in zip(batch, kept, strict=True)
    ]
    answers = scores(vit, zip(batch, kept, strict=True), CLASS, batch_size=3)
    torch.testing.assert_close(answers, torch.stack(expected), rtol=1e-4, atol=1e-5)


def test_what_a_removed_patch_shows_makes_no_difference(vit: ViT, batch: Tensor) -> None:
    kept = torch.ones(1, 15, dtype=torch.bool)
    kept[0, 7] = False  # row 1, column 2
    painted = batch[:1].clone()
    painted[..., 8:16, 16:24] = 3
    with torch.no_grad():
        first, second = (score_batch(vit, x, CLASS, kept=kept) for x in (batch[:1], painted))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (torch.ones(5, 16, dtype=torch.bool), r"kept has shape \(5, 16\).*wanted \(5, 15\)"),
        (torch.ones(5, 15), "type torch.float32; wanted"),
        (torch.zeros(5, 15, dtype=torch.bool), "Every patch of a picture is taken out"),
    ],
)
def test_wrong_choices_of_patches_are_refused(kept: Tensor, message: str, vit: ViT, batch: Tensor) -> None:
    with pytest.raises(GridError, match=message):
        score_batch(vit, batch, CLASS, kept=kept)


def test_a_batch_of_another_size_is_refused(vit: ViT) -> None:
    with pytest.raises(GridError, match=r"wanted \(image, 3, 24, 40\)"):
        score_batch(vit, torch.zeros(1, 3, 32, 32), CLASS)
    with pytest.raises(OptionError, match="batch_size is 0; wanted at least 1"):
        scores(vit, torch.zeros(1, 3, 24, 40), CLASS, batch_size=0)


def test_answers_that_are_no_numbers_are_refused(vit: ViT) -> None:
    with pytest.raises(CaptureError, match="NaN or infinite"):
        scores(vit, torch.full((1, 3, 24, 40), float("nan")), CLASS)


def test_batches_are_halved_until_they_fit(vit: ViT, batch: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = scores(vit, batch, CLASS)
    sizes: list[int] = []

    def scarce(model: ViT, part: Tensor, *given: Any, **options: Any) -> Tensor:
        sizes.append(len(part))
        if len(part) > 1:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate")
        return score_batch(model, part, *given, **options)

    monkeypatch.setattr("vitviz.analysis.scoring.score_batch", scarce)
    with pytest.warns(ShortMemoryWarning, match="Memory did not suffice for 4 inputs at once"):
        torch.testing.assert_close(scores(vit, batch, CLASS, batch_size=4), expected)
    assert sizes == [4, 2, 1, 1, 2, 1, 1, 1]


def test_one_picture_that_does_not_fit_is_an_error(vit: ViT, batch: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def scarce(*_: Any, **__: Any) -> Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr("vitviz.analysis.scoring.score_batch", scarce)
    with pytest.raises(ShortMemoryError, match="not enough memory"):
        scores(vit, batch, CLASS)


def test_progress_is_told_and_can_stop(vit: ViT, batch: Tensor) -> None:
    told: list[tuple[int, int]] = []
    scores(vit, batch, CLASS, batch_size=2, total=5, progress=lambda *x: told.append(x))  # type: ignore[func-returns-value]
    assert told == [(2, 5), (4, 5), (5, 5)]
    with pytest.raises(StoppedError, match="Stopped after 4 of 5 steps"):
        scores(vit, batch, CLASS, batch_size=2, total=5, progress=lambda done, _: done < 3)


def test_nothing_has_no_scores(vit: ViT) -> None:
    assert scores(vit, [], CLASS).shape == (0,)
