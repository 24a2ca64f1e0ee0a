"""One picture at several sizes: tokens, the answer at the own size, and the original left alone."""

from __future__ import annotations

import copy

import pytest
import torch

from tests.analysis.conftest import photograph
from tests.families import ALL, member, noise
from vitviz.analysis.input_sizes import input_sizes, resized
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace import trace


def test_tokens_grow_with_the_square_of_the_side(vit: ViT) -> None:
    answers = input_sizes(vit, photograph(80, 60), sizes=(16, 32, 64))
    assert [each.image_size for each in answers] == [(16, 16), (32, 32), (64, 64)]
    assert [each.tokens for each in answers] == [1 + 4, 1 + 16, 1 + 64]
    assert [each.native for each in answers] == [False, True, False]
    assert answers[1].cosine == pytest.approx(1, abs=1e-6)
    assert max(answers[0].cosine, answers[2].cosine) < 0.9999
    assert all(each.seconds > 0 and len(each.top) == 5 for each in answers)


def test_the_own_size_gives_the_own_answer(wide: ViT) -> None:
    pixels = noise((24, 40))
    (result,) = input_sizes(wide, pixels, sizes=(40,))
    own = trace(wide, pixels).top()
    assert [best for best, _ in result.top] == [best for best, _ in own]
    assert result.image_size == (24, 40)


def test_sizes_are_rounded_to_whole_patches_and_keep_the_aspect_ratio(wide: ViT) -> None:
    answers = input_sizes(wide, noise((24, 40)), sizes=(79, 81, 20))
    assert [each.image_size for each in answers] == [(16, 16), (48, 80)]  # 20 → 12 × 20 = 1½ × 2½ patches


def test_a_resized_model_is_timms_own_at_that_size(vit: ViT) -> None:
    other = copy.deepcopy(vit.module)
    other.set_input_size(img_size=(48, 64))  # type: ignore[operator]
    pixels = noise((48, 64))
    traced = trace(resized(vit, (48, 64)), pixels)
    with torch.no_grad():
        torch.testing.assert_close(traced.logits, other(pixels[None])[0], rtol=1e-4, atol=1e-4)
    assert traced.grid.rows, traced.grid.columns == (6, 8)


@pytest.mark.parametrize("family", ["EVA-02", "DINOv3", "NaFlexViT", "CLIP", "DINOv2 with registers"])
def test_other_families_take_other_sizes(family: str) -> None:
    kind = ALL[family]
    vit = ViT.from_module(member(family, kind.sizes[0]), image_size=kind.sizes[0])
    before = copy.deepcopy(vit.module.state_dict())
    buffers = {name: value.clone() for name, value in vit.module.named_buffers()}
    side = kind.patch * 5
    (result,) = input_sizes(vit, noise(kind.sizes[0]), sizes=(side,))
    assert result.tokens == 25 + len(vit.grid.prefix)
    assert all(torch.equal(value, before[name]) for name, value in vit.module.state_dict().items())
    assert all(torch.equal(value, buffers[name]) for name, value in vit.module.named_buffers())


def test_the_module_keeps_its_size(vit: ViT) -> None:
    embedding = vit.module.patch_embed
    before = embedding.grid_size, embedding.img_size, vit.module.pos_embed.shape  # type: ignore[union-attr]
    input_sizes(vit, photograph(50, 50), sizes=(64,))
    assert (embedding.grid_size, embedding.img_size, vit.module.pos_embed.shape) == before  # type: ignore[union-attr]
    assert trace(vit, noise((32, 32))).grid.patches == 16


def test_a_transform_of_the_callers_is_used_and_its_result_resized(vit: ViT) -> None:
    own = ViT.from_module(vit.module, transform=lambda _: torch.full((3, 32, 32), 0.25))
    bigger = resized(own, (64, 64))
    torch.testing.assert_close(bigger.preprocess(photograph(40, 40)), torch.full((3, 64, 64), 0.25))


def test_sizes_that_cannot_be_are_refused(vit: ViT) -> None:
    for size in (4, 2000):
        with pytest.raises(OptionError, match=rf"input of {size} pixels cannot be used; wanted 8 "):
            input_sizes(vit, noise((32, 32)), sizes=(size,))
    with pytest.raises(OptionError, match="no input sizes"):
        input_sizes(vit, noise((32, 32)), sizes=())
    with pytest.raises(OptionError, match="patches of 8 × 8 pixels; got an image size of 30 × 30"):
        resized(vit, (30, 30))


def test_a_model_that_takes_one_size_is_refused(vit: ViT) -> None:
    def refuse(img_size: object) -> None:
        raise AssertionError("one size only")

    module = copy.deepcopy(vit.module)
    module.set_input_size = refuse
    fixed = ViT.from_module(module, name="fixed")
    with pytest.raises(UnsupportedModelError, match=r"fixed cannot take .* 40 × 40 pixels \(one size only\).* 32 × 32"):
        input_sizes(fixed, noise((32, 32)), sizes=(40,))
