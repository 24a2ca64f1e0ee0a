"""Which positions a model has: every family, against its own tables and formulas."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.families import ALL, member, noise
from vitviz.analysis.position_kinds import positions_of, without_positions
from vitviz.analysis.sine_cosine import sine_cosine_1d, sine_cosine_2d
from vitviz.capture.shell import private_shell
from vitviz.models.timm_door import timm
from vitviz.models.vit import ViT


def small(family: str) -> ViT:
    size = ALL[family].sizes[1]
    return ViT.from_module(member(family, size), name=family, image_size=size)


@pytest.mark.parametrize(
    ("family", "kinds"),
    [
        ("DeiT distilled", ("learned",)),
        ("DINOv2 with registers", ("learned",)),
        ("CLIP", ("learned",)),
        ("NaFlexViT", ("learned",)),
        ("EVA-02", ("learned", "rotary")),
        ("DINOv3", ("rotary",)),
        ("RoPE of learned mixture", ("rotary",)),
        ("gated attention", ("learned", "rotary")),
        ("BEiT", ("relative",)),
        ("relative positions", ("relative",)),
    ],
)
def test_every_family_tells_its_kinds(family: str, kinds: tuple[str, ...]) -> None:
    vit = small(family)
    positions = positions_of(vit)
    assert positions.kinds == kinds
    patches = vit.grid.patches
    assert positions.added is None or positions.added.shape == (patches, 32)
    assert positions.relative is None or {each.shape for each in positions.relative} == {(2, patches, patches)}
    assert len(positions.rotary or positions.relative or (0, 0)) == vit.layers


def test_learned_vectors_are_the_table_without_the_class_row(wide: ViT) -> None:
    added = positions_of(wide).added
    assert added is not None
    torch.testing.assert_close(added, wide.module.pos_embed[0, 1:], rtol=1e-4, atol=1e-5)  # type: ignore[index]


def test_the_norm_after_the_positions_does_not_blur_them() -> None:
    vit = small("CLIP")
    added = positions_of(vit).added
    assert added is not None
    torch.testing.assert_close(added, vit.module.pos_embed[0, 1:], rtol=1e-4, atol=1e-5)  # type: ignore[index]


def test_a_relative_table_is_what_the_module_computes() -> None:
    vit = small("BEiT")
    relative = positions_of(vit).relative
    assert relative is not None
    for layer, block in enumerate(vit.module.blocks.children()):  # type: ignore[union-attr]
        torch.testing.assert_close(relative[layer], block.attn._get_rel_pos_bias()[0, :, 1:, 1:])


@pytest.mark.parametrize(("dimensions", "kind"), [(1, "sine-cosine-1d"), (2, "sine-cosine-2d")])
def test_fixed_sine_cosine_vectors_are_told_from_learned_ones(build_vit, dimensions: int, kind: str) -> None:  # type: ignore[no-untyped-def]
    module = build_vit(img_size=(24, 40))
    fixed = sine_cosine_1d(15, 32) if dimensions == 1 else sine_cosine_2d(3, 5, 32)
    module.pos_embed.data[0, 1:] = fixed
    assert positions_of(ViT.from_module(module)).kinds == (kind,)


def test_no_positions_are_none(build_vit) -> None:  # type: ignore[no-untyped-def]
    assert positions_of(ViT.from_module(build_vit(pos_embed="none"))).kinds == ()


@pytest.mark.parametrize("family", ["ViT", "EVA-02", "DINOv3", "BEiT", "relative positions", "gated attention", "CLIP"])
def test_without_positions_shuffled_tokens_give_shuffled_tokens(family: str) -> None:
    """Equivariance: f(Px) = P f(x) for the patches, and the same prefix tokens."""
    vit = small(family)
    prefix, (height, width) = len(vit.grid.prefix), vit.grid.patch_size
    order = torch.randperm(vit.grid.patches, generator=torch.Generator().manual_seed(1))
    pixels = noise(vit.image_size)
    cells = pixels.reshape(3, vit.grid.rows, height, vit.grid.columns, width).permute(1, 3, 0, 2, 4).flatten(0, 1)
    shuffled = cells[order].reshape(vit.grid.rows, vit.grid.columns, 3, height, width)
    moved = shuffled.permute(2, 0, 3, 1, 4).reshape(pixels.shape)

    def run(shell: nn.Module, batch: Tensor) -> Tensor:
        features: Tensor = shell.forward_features(batch)  # type: ignore[operator]
        return features

    with torch.no_grad(), without_positions(vit) as shell:
        plain, other = run(shell, torch.stack([pixels, moved]))
    torch.testing.assert_close(other[:prefix], plain[:prefix], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(other[prefix:], plain[prefix:][order], rtol=1e-3, atol=1e-4)
    with torch.no_grad():
        plain, other = run(vit.shell, torch.stack([pixels, moved]))
    assert (other[prefix:] - plain[prefix:][order]).abs().max() > 1e-3  # with them it does not hold


def test_the_shared_weights_are_left_alone() -> None:
    vit = small("EVA-02")
    before = copy.deepcopy(vit.module.state_dict())
    buffers = {name: value.clone() for name, value in vit.module.named_buffers()}
    positions_of(vit)
    with without_positions(vit) as shell:
        assert shell.pos_embed[:, 1:].abs().max() == 0
        assert torch.equal(shell.pos_embed[:, 0], vit.module.pos_embed[:, 0])  # type: ignore[index]
    assert all(torch.equal(value, before[name]) for name, value in vit.module.state_dict().items())
    assert all(torch.equal(value, buffers[name]) for name, value in vit.module.named_buffers())
    assert not any(part._forward_pre_hooks or part._forward_hooks for part in vit.module.modules())
    assert vit.module.norm_pre is not private_shell(vit.module).norm_pre


def test_the_bias_comes_back_when_the_context_ends() -> None:
    vit = small("BEiT")
    pixels = noise(vit.image_size)[None]
    with torch.no_grad():
        plain = vit.module(pixels)
        with pytest.raises(RuntimeError, match="stop"), without_positions(vit):
            raise RuntimeError("stop")
        assert torch.equal(vit.module(pixels), plain)
        with without_positions(vit) as shell:
            assert not torch.allclose(shell(pixels), plain, atol=1e-4)


def test_timm_calls_its_tables_by_the_names_that_are_looked_for() -> None:
    module = timm.create_model("vit_tiny_patch16_224", depth=1, embed_dim=32, num_heads=2)
    shell = private_shell(module)
    shell.pos_embed = nn.Parameter(torch.zeros(1, 1, 1))
    assert module.pos_embed.shape == (1, 197, 32)  # the shell's parameter is its own
