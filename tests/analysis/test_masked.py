"""The quick pass gives the scores of whole pictures, in every family, and says where it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import vitviz
from tests.families import ALL, member, noise
from vitviz.analysis import masked
from vitviz.analysis.quick_pass import QuickPass, embeds_by_patch
from vitviz.analysis.removal import ClassAnswer
from vitviz.analysis.replacement import replacement_picture
from vitviz.models.vit import ViT
from vitviz.trace.target import Target, likeness

CLASS = Target(3, "class 3")
OTHER_EMBEDDINGS = {"NaFlexViT", "gated attention", "hybrid stem", "hybrid R50"}
"""Families whose embedding is not one convolution of the patch's size."""


def choices(vit: ViT, count: int = 9) -> list[Tensor]:
    drawn = torch.rand(count, vit.grid.patches, generator=torch.Generator().manual_seed(0))
    return list(drawn > 0.6)


@pytest.mark.parametrize("family", ALL)
def test_quick_scores_are_those_of_whole_pictures(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = ViT.from_module(member(family, size), image_size=size, name=family)
    pixels = noise(size)
    behind = replacement_picture(vit, pixels, "blur")
    assert embeds_by_patch(vit) == (family not in OTHER_EMBEDDINGS)
    quick = QuickPass.of(vit, pixels, behind, CLASS)
    assert (quick is not None) == embeds_by_patch(vit)
    result, expected = (
        masked.masked_scores(vit, pixels, choices(vit), CLASS, "blur", behind=behind, batch_size=4, quick=fast)
        for fast in (True, False)
    )
    spread = float(expected.std())
    assert spread > 0.01
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=2e-5 * max(1.0, spread))


def test_other_targets_and_the_last_block_of_registers(register_vit: nn.Module) -> None:
    vit = ViT.from_module(register_vit)
    pixels = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))
    behind = replacement_picture(vit, pixels, "noise")
    own = likeness(vitviz.trace(vit, pixels).embedding, "own")
    for target in (own, ClassAnswer(3, "three", 3, False)):
        quick = QuickPass.of(vit, pixels, behind, target)
        assert quick is not None
        assert type(quick._shell.blocks[-1]).__name__ == "_ClassTokenBlock"
        assert type(vit.shell.blocks[-1]).__name__ == "Block"  # type: ignore[index, union-attr]
        result, expected = (
            masked.masked_scores(vit, pixels, choices(vit), target, "noise", behind=behind, quick=fast)
            for fast in (True, False)
        )
        torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)


def test_a_pass_that_answers_otherwise_is_not_taken(
    build_vit: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    vit = ViT.from_module(build_vit(img_size=(24, 40)))
    pixels = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(1))
    behind = replacement_picture(vit, pixels, "mean")
    assert QuickPass.of(vit, pixels, behind, CLASS) is not None
    right = QuickPass.scores
    monkeypatch.setattr(QuickPass, "scores", lambda self, gone: right(self, gone) + 0.1)
    assert QuickPass.of(vit, pixels, behind, CLASS) is None


def test_a_convolution_that_looks_beyond_its_patch_is_run_whole(build_vit: Callable[..., nn.Module]) -> None:
    plain = ViT.from_module(build_vit(img_size=(24, 40)))
    assert embeds_by_patch(plain)
    plain.shell.patch_embed.proj.padding = (1, 1)  # type: ignore[union-attr, assignment]
    assert not embeds_by_patch(plain)


@pytest.mark.parametrize("family", ALL)
def test_dropped_tokens_are_hidden_tokens(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = ViT.from_module(member(family, size), image_size=size, name=family)
    pixels, told = noise(size), []
    gone = [*choices(vit, 4), torch.zeros(vit.grid.patches, dtype=torch.bool)]
    gone.append(gone[0])
    result, expected = (
        masked.masked_scores(
            vit,
            pixels,
            gone,
            CLASS,
            "removed",
            behind=pixels,
            quick=fast,
            batch_size=2,
            progress=lambda *x: told.append(x),
        )  # fmt: skip
        for fast in (True, False)
    )
    assert told[-1] == (6, 6)
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)
    assert float(expected.std()) > 0.01


def test_fewer_tokens_are_really_computed(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    seen: list[int] = []
    handle = vit.shell.blocks[1].register_forward_pre_hook(  # type: ignore[index, union-attr, operator]
        lambda _block, given: seen.append(given[0].shape[1])
    )
    gone = torch.zeros(16, dtype=torch.bool)
    gone[:10] = True
    masked.masked_scores(vit, torch.zeros(3, 32, 32), [gone], CLASS, "removed", behind=torch.zeros(3, 32, 32))
    handle.remove()
    assert seen == [7]
