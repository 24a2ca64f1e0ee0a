"""What cannot be explained truthfully is refused by name, with the reason."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vitviz.errors import UnsupportedModelError
from vitviz.models.support import REASONS, check_family, readable_names
from vitviz.models.timm_door import timm
from vitviz.models.vit import ViT

REFUSED = {
    "swin_tiny_patch4_window7_224": "attend inside windows",
    "swinv2_tiny_window8_256": "attend inside windows",
    "swinv2_cr_tiny_224": "attend inside windows",
    "maxvit_tiny_tf_224": "convolution with attention in windows",
    "coatnet_0_rw_224": "on merged patches",
    "samvit_base_patch16": "attend inside windows",
    "sam2_hiera_tiny": "attend inside windows",
    "hiera_tiny_224": "pool or merge tokens",
    "mvitv2_tiny": "pool or merge tokens",
    "pvt_v2_b0": "pool or merge tokens",
    "pit_ti_224": "pool or merge tokens",
    "levit_128": "pool or merge tokens",
    "coat_lite_tiny": "linear attention",
    "xcit_nano_12_p16_224": "between channels and not between patches",
    "edgenext_xx_small": "between channels",
    "cait_xxs24_224": "mixes the heads' maps",
    "convit_tiny": "gates between attention and position",
    "volo_d1_224": "outlook attention",
    "nest_tiny": "attend inside windows",
    "tnt_s_legacy_patch16_224": "second transformer inside",
    "crossvit_tiny_240": "two branches",
    "twins_svt_small": "inside windows and to pooled keys",
    "mixer_s16_224": "mixes tokens with fixed weights and has no attention",
    "sequencer2d_s": "recurrent networks",
    "poolformer_s12": "by pooling or convolution",
    "swiftformer_xs": "additive attention",
    "efficientvit_b0": "linear attention",
    "tiny_vit_5m_224": "attend inside windows",
    "resnet18": "convolutional network, with no attention",
    "convnext_atto": "convolutional network, with no attention",
    "efficientnet_b0": "convolutional network, with no attention",
    "mobilevit_xxs": "stands between convolutions",
    "mobilenetv4_hybrid_medium": "only some variants attend",
    "vit_dlittle_patch16_reg1_gap_256": "difference of two softmax maps",
    "vit_dpwee_patch16_reg1_gap_256": "difference of two softmax maps",
    "qwen3_vit_88m_enc": "language model",
}


@pytest.mark.parametrize(("name", "reason"), REFUSED.items(), ids=REFUSED)
def test_a_family_is_refused_with_its_reason(name: str, reason: str) -> None:
    with torch.device("meta"):
        module = timm.create_model(name)
    said = f"{name} cannot be explained truthfully: .*{reason}.*Wanted global"
    with pytest.raises(UnsupportedModelError, match=said):
        check_family(name, module)
    with pytest.raises(UnsupportedModelError, match=reason):
        ViT.from_module(module)


def test_every_reason_is_for_a_file_of_timm() -> None:
    files = {timm.model_entrypoint(name).__module__.rpartition(".")[2] for name in timm.list_models()}
    assert not set(REASONS) - files


class Block(nn.Module):
    """Attends with the tokens themselves as queries, keys and values, in a way given as a function."""

    def __init__(self, attend: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.attend = attend

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens + self.attend(tokens)


def plain(tokens: Tensor) -> Tensor:
    heads = tokens.unflatten(-1, (2, 4)).transpose(1, 2)  # (batch, head, token, 4)
    return functional.scaled_dot_product_attention(heads, heads, heads).transpose(1, 2).flatten(2)


def in_windows(tokens: Tensor) -> Tensor:
    return plain(tokens.reshape(2, 8, 8)).reshape(1, 16, 8)


def to_fewer_keys(tokens: Tensor) -> Tensor:
    heads = tokens.unflatten(-1, (2, 4)).transpose(1, 2)
    fewer = heads[:, :, ::2]
    return functional.scaled_dot_product_attention(heads, fewer, fewer).transpose(1, 2).flatten(2)


def without_attention(tokens: Tensor) -> Tensor:
    return tokens.mean(1, keepdim=True)


def broken(tokens: Tensor) -> Tensor:
    raise RuntimeError("the dimensions do not add up")


class Toy(nn.Module):
    """4 × 4 patches of 8 pixels, 8 channels, and any blocks."""

    patch_size = 8
    num_classes = 3

    def __init__(self, *ways: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.embedding = nn.Conv2d(3, 8, 8, stride=8)
        self.blocks = nn.ModuleList(Block(way) for way in ways)
        self.head = nn.Linear(8, 3)
        self.pretrained_cfg = {"input_size": (3, 32, 32)}

    def forward_features(self, image: Tensor) -> Tensor:
        tokens = self.embedding(image).flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        pooled = features.mean(1)
        return pooled if pre_logits else self.head(pooled)


def test_a_plain_model_of_another_library_is_accepted() -> None:
    vit = ViT.from_module(Toy(plain, plain, plain))
    assert vit.heads == (2, 2, 2)
    assert vit.grid.patches == 16


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (in_windows, "block 1 splits the picture into 2 parts before it attends"),
        (to_fewer_keys, r"block 1 attends from 16 to 8 tokens where the patch grid has 16 \(4 × 4 patches and 0"),
        (without_attention, "no attention was seen in block 1 of 3"),
        (broken, r"a forward pass on a 32 × 32 picture failed \(the dimensions do not add up\)"),
    ],
)
def test_an_unknown_model_is_judged_by_what_its_blocks_do(way: Callable[[Tensor], Tensor], reason: str) -> None:
    with pytest.raises(UnsupportedModelError, match=f"Toy cannot be explained truthfully: {reason}"):
        ViT.from_module(Toy(plain, way, plain))


def test_a_block_that_runs_twice_is_refused() -> None:
    module = Toy(plain, plain)
    module.blocks[1] = module.blocks[0]
    with pytest.raises(UnsupportedModelError, match="runs the same block several times"):
        ViT.from_module(module)


def test_a_model_without_blocks_or_without_one_answer_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="Linear has no list of transformer blocks"):
        ViT.from_module(nn.Linear(2, 2))
    with pytest.raises(UnsupportedModelError, match="Toy has no list of transformer blocks"):
        ViT.from_module(Toy())
    module = Toy(plain)
    module.forward_head = None  # type: ignore[assignment, method-assign]
    with pytest.raises(UnsupportedModelError, match="a forward pass .* failed"):
        ViT.from_module(module)


def test_the_names_that_are_offered_are_those_that_the_sweep_of_all_of_timm_supports() -> None:
    with (Path(__file__).parents[2] / "benchmarks/results/timm_sweep.csv").open(encoding="utf-8", newline="") as file:
        supported = {row["name"] for row in csv.DictReader(file) if row["verdict"] == "supported"}
    assert set(readable_names()) == supported
