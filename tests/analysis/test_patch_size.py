"""A model at other patch sizes: the defining property of the resize, the own size, the cost, what is refused."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.analysis.conftest import photograph
from tests.families import FAMILIES, member, noise
from vitviz.analysis.macs import multiply_accumulates
from vitviz.analysis.patch_size import covered, patch_sizes, resized_embedding, why_not_resizable, with_patch_size
from vitviz.errors import OptionError, StoppedError, UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace import trace

TAKEN = ("DINOv2 with registers", "DINOv3", "EVA-02", "BEiT", "CLIP", "SigLIP", "FlexiViT")


def enlarge(patches: torch.Tensor, size: int) -> torch.Tensor:
    return functional.interpolate(patches, size=(size, size), mode="bicubic", antialias=True)


@pytest.mark.parametrize("size", [9, 12, 16])
def test_an_enlarged_patch_gives_the_token_that_it_gave_before(size: int) -> None:
    kernel, patch = torch.randn(5, 3, 8, 8), torch.randn(1, 3, 8, 8)
    before = (kernel * patch).sum((1, 2, 3))  # (channel,)
    after = (resized_embedding(kernel, (size, size)) * enlarge(patch, size)).sum((1, 2, 3))
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)


def test_a_smaller_kernel_is_the_best_fit_on_white_noise() -> None:
    """Its error over many shrunk patches does not fall when it is moved in any direction."""
    kernel = torch.randn(1, 1, 8, 8)
    basis = torch.eye(64).reshape(64, 1, 8, 8)  # the mean over white noise is the sum over a basis
    shrunk, wanted = enlarge(basis, 5).flatten(1), kernel.flatten()
    result = resized_embedding(kernel, (5, 5)).flatten()
    least = (shrunk @ result - wanted).square().sum()
    for seed in range(5):
        step = 0.01 * torch.randn(25, generator=torch.Generator().manual_seed(seed))
        assert (shrunk @ (result + step) - wanted).square().sum() > least


def test_the_own_size_is_the_model_itself(vit: ViT) -> None:
    kernel = vit.module.patch_embed.proj.weight  # type: ignore[union-attr]
    assert resized_embedding(kernel, (8, 8)) is kernel  # type: ignore[arg-type]
    assert with_patch_size(vit, 8) is vit
    (result,) = patch_sizes(vit, noise((32, 32)), sizes=(8,))
    assert (result.native, result.adjusted, result.cosine) == (True, False, pytest.approx(1))
    assert list(result.top) == trace(vit, noise((32, 32))).top()


@pytest.mark.parametrize("size", [4, 16])
def test_it_is_timms_own_model_at_that_patch_size(vit: ViT, size: int) -> None:
    other = copy.deepcopy(vit.module)
    other.set_input_size(patch_size=(size, size))  # type: ignore[operator]
    pixels = noise((32, 32))
    traced = trace(with_patch_size(vit, size), pixels)
    with torch.no_grad():
        torch.testing.assert_close(traced.logits, other(pixels[None])[0], rtol=1e-4, atol=1e-4)
    assert traced.grid.patch_size == (size, size)
    assert (traced.grid.rows, traced.grid.columns) == (32 // size, 32 // size)


def test_tokens_and_cost_rise_as_patches_shrink_and_a_size_that_does_not_fit_is_told(wide: ViT) -> None:
    steps: list[tuple[int, int]] = []
    answers = patch_sizes(wide, photograph(80, 60), sizes=(10, 4, 8), progress=lambda *step: steps.append(step))
    assert [each.patch_size for each in answers] == [4, 8, 10]
    assert [each.tokens for each in answers] == [1 + 6 * 10, 1 + 3 * 5, 1 + 2 * 4]
    assert [each.image_size for each in answers] == [(24, 40), (24, 40), (20, 40)]
    assert [each.adjusted for each in answers] == [False, False, True]
    assert [each.native for each in answers] == [False, True, False]
    assert answers[0].macs > answers[1].macs > answers[2].macs
    assert all(each.seconds > 0 and len(each.top) == 5 for each in answers)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert covered((224, 224), 10) == (220, 220)


def test_the_count_of_operations_is_the_textbooks(vit: ViT) -> None:
    tokens, width, layers, classes = 17, 32, 2, 10
    block = 12 * tokens * width**2 + 2 * tokens**2 * width
    embedding = 16 * (3 * 8 * 8) * width
    assert multiply_accumulates(vit) == embedding + layers * block + width * classes


@pytest.mark.filterwarnings("ignore:torch.searchsorted")  # both from timm's resizing of
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # a table of relative positions
@pytest.mark.parametrize("family", TAKEN)
def test_families_take_other_patch_sizes_and_stay_as_they_are(family: str) -> None:
    kind = FAMILIES[family]
    vit = ViT.from_module(member(family, kind.sizes[0]), image_size=kind.sizes[0])
    before = {name: value.clone() for name, value in vit.module.state_dict().items()}
    buffers = {name: value.clone() for name, value in vit.module.named_buffers()}
    size = kind.patch // 2
    (result,) = patch_sizes(vit, noise(kind.sizes[0]), sizes=(size,))
    assert result.tokens == 4 * vit.grid.patches + len(vit.grid.prefix)
    assert result.macs > multiply_accumulates(vit)
    after = vit.module.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(torch.equal(value, buffers[name]) for name, value in vit.module.named_buffers())
    assert vit.module.patch_embed.patch_size == (kind.patch, kind.patch)  # type: ignore[union-attr]
    assert trace(vit, noise(kind.sizes[0])).grid == vit.grid


@pytest.mark.parametrize(
    ("family", "reason"),
    [("NaFlexViT", "are not made by a convolution"), ("hybrid stem", "by a convolutional network of several layers")],
)
def test_other_embeddings_are_refused_by_name(family: str, reason: str) -> None:
    kind = FAMILIES[family]
    vit = ViT.from_module(member(family, kind.sizes[0]), name=family, image_size=kind.sizes[0])
    with pytest.raises(UnsupportedModelError, match=rf"{family} cannot be .*patch size: .*{reason}"):
        patch_sizes(vit, noise(kind.sizes[0]))


def test_overlapping_patches_and_fixed_grids_are_refused(vit: ViT) -> None:
    module = copy.deepcopy(vit.module)
    changed = replace(vit, module=module)
    module.patch_embed.proj.stride = (4, 4)  # type: ignore[union-attr]
    assert "overlap or leave gaps (convolution of (8, 8), step (4, 4))" in str(why_not_resizable(changed))
    fixed = nn.Module()
    fixed.patch_embed = vit.module.patch_embed
    assert why_not_resizable(replace(vit, module=fixed)) == "Module takes one grid of positions only"


def test_positions_that_cannot_be_interpolated_are_told(vit: ViT) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("one size only")

    fixed = ViT.from_module(copy.deepcopy(vit.module), name="fixed")
    fixed.module.set_input_size = refuse  # type: ignore[assignment]
    with pytest.raises(UnsupportedModelError, match=r"fixed .*interpolated \(one size only\)"):
        with_patch_size(fixed, 16)


def test_sizes_that_cannot_be_are_refused_and_the_work_can_be_stopped(wide: ViT) -> None:
    for size in (0, 25):
        with pytest.raises(OptionError, match=rf"Patches of {size} pixels .* 24 × 40; wanted 1 to 24"):
            patch_sizes(wide, noise((24, 40)), sizes=(8, size))
    with pytest.raises(OptionError, match="no patch sizes"):
        patch_sizes(wide, noise((24, 40)), sizes=())
    with pytest.raises(StoppedError, match="after 1 of 2 steps"):
        patch_sizes(wide, noise((24, 40)), sizes=(8, 12), progress=lambda done, total: False)


def test_nothing_is_drawn_from_the_global_generator(vit: ViT) -> None:
    before = torch.random.get_rng_state()
    with_patch_size(vit, 16)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_model_that_reads_its_numbers_is_not_counted(vit: ViT) -> None:
    class Curious(nn.Module):
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return tokens if float(tokens.sum()) else tokens * 2

    module = copy.deepcopy(vit.module)
    module.norm = Curious()
    curious = ViT.from_module(module, name="curious")
    with pytest.raises(UnsupportedModelError, match="operations of curious cannot be counted"):
        multiply_accumulates(curious)
