"""Each recogniser by itself, on a few tensors made by hand: what it is called, what becomes of its names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints import hugging_face, other_names, timm_names
from vitviz.models.checkpoints.layout import Converted, Layout


def tensors(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return tensors of these shapes, each with numbers of its own, the first of the first being 1."""
    start, result = 1.0, {}
    for name, shape in shapes.items():
        count = int(torch.Size(shape).numel())
        result[name] = torch.arange(start, start + count).reshape(shape)
        start += count
    return result


def names(converted: Converted) -> set[str]:
    return set(converted.state)


BLOCK = {"blocks.0.norm1.weight": (2,)}
HF = {"embeddings.cls_token": (1, 1, 2), "embeddings.position_embeddings": (1, 3, 2)}
QKV = {f"encoder.layer.0.attention.attention.{part}.weight": (2, 2) for part in ("query", "key", "value")}
TIMM = {
    "timm": (BLOCK, {}, set(BLOCK)),
    "MAE, pretrained": (BLOCK | {"decoder_embed.weight": (2, 2), "mask_token": (1, 1, 2)}, {}, set(BLOCK)),
    "iBOT": (BLOCK | {"masked_embed": (1, 2)}, {}, set(BLOCK)),
    "DINOv2": (
        BLOCK | {"blocks.0.ls1.gamma": (2,), "mask_token": (1, 2), "blocks.0.mlp.w12.weight": (4, 2)},
        {},
        {*BLOCK, "blocks.0.ls1.gamma", "blocks.0.mlp.fc1.weight"},
    ),
    "DINOv3": (
        BLOCK | {"blocks.0.ls1.gamma": (2,), "storage_tokens": (1, 4, 2), "rope_embed.periods": (1,)},
        {},
        {*BLOCK, "blocks.0.gamma_1", "reg_token"},
    ),
    "BEiT": (
        BLOCK | {"rel_pos_bias.relative_position_bias_table": (12, 3), "lm_head.weight": (2, 2)},
        {"heads": 3},
        {*BLOCK, "blocks.0.attn.relative_position_bias_table"},
    ),
}


@pytest.mark.parametrize("name", TIMM)
def test_layouts_of_timm_s_names(name: str) -> None:
    shapes, traits, wanted = TIMM[name]
    converted = timm_names.convert(tensors(shapes), {})
    assert (converted.name, names(converted)) == (name, wanted)
    assert {key: getattr(converted.traits, key) for key in traits} == traits


def test_registers_take_their_class_token_s_place_into_it() -> None:
    shapes = {"cls_token": (1, 1, 2), "pos_embed": (1, 3, 2), "register_tokens": (1, 4, 2), "blocks.0.ls1.gamma": (2,)}
    given = tensors(shapes)
    for converted in (
        timm_names.convert(given, {}),
        hugging_face.convert(
            {
                "embeddings.cls_token": given["cls_token"],
                "embeddings.position_embeddings": given["pos_embed"],
                "embeddings.register_tokens": given["register_tokens"],
                "encoder.layer.0.layer_scale1.lambda1": given["blocks.0.ls1.gamma"],
            },
            {},
        ),
    ):
        assert converted.state["cls_token"].tolist() == [[[1 + 3, 2 + 4]]]
        assert torch.equal(converted.state["pos_embed"], given["pos_embed"][:, 1:])
        assert names(converted) == {"cls_token", "pos_embed", "reg_token", "blocks.0.ls1.gamma"}


def test_moco_has_heads_of_its_own_and_a_projector() -> None:
    encoder = {"cls_token": torch.ones(1, 1, 384), "head.0.weight": torch.ones(2, 384)}
    converted = timm_names.moco(Converted(encoder, "timm"))
    assert (converted.name, converted.traits.heads, names(converted)) == ("MoCo-v3", 12, {"cls_token"})
    with pytest.raises(CheckpointError, match="A MoCo-v3 encoder of 8 channels is unknown"):
        timm_names.moco(Converted({"cls_token": torch.ones(1, 1, 8)}, "timm"))


def test_hugging_face_joins_queries_keys_and_values_in_that_order() -> None:
    given = tensors(HF | QKV | {"pooler.dense.weight": (2, 2), "encoder.layer.0.layernorm_before.weight": (2,)})
    converted = hugging_face.convert(given, {"num_attention_heads": 2, "layer_norm_eps": 0.5, "hidden_act": "relu"})
    assert converted.name == "Hugging Face's ViT"
    assert torch.equal(converted.state["blocks.0.attn.qkv.weight"], torch.cat([given[name] for name in QKV]))
    assert (converted.traits.heads, converted.traits.eps) == (2, 0.5)
    assert names(converted) == {"cls_token", "pos_embed", "blocks.0.attn.qkv.weight", "blocks.0.norm1.weight"}
    deit = hugging_face.convert(given | {"embeddings.distillation_token": torch.ones(1, 1, 2)}, {})
    assert (deit.name, deit.traits.registers) == ("Hugging Face's DeiT", 1)
    clip = hugging_face.convert(
        tensors(HF | {"pre_layrnorm.weight": (2,)}), {"vision_config": {"num_attention_heads": 2}}
    )
    assert (clip.name, clip.traits.heads) == ("Hugging Face's CLIP, the picture tower", 2)
    with pytest.raises(CheckpointError, match="hidden_act 'sine'; wanted one of gelu"):
        hugging_face.convert(given, {"hidden_act": "sine"})


SPECIAL: dict[str, tuple[dict[str, tuple[int, ...]], set[str]]] = {
    "Hugging Face's BEiT": (
        {
            "encoder.layer.0.lambda_1": (2,),
            "encoder.layer.0.attention.attention.relative_position_bias.relative_position_bias_table": (12, 3),
            "pooler.layernorm.weight": (2,),
            "embeddings.mask_token": (1, 1, 2),
        },
        {"blocks.0.gamma_1", "blocks.0.attn.relative_position_bias_table", "fc_norm.weight"},
    ),
    "Hugging Face's DINOv3": (
        {
            "embeddings.patch_embeddings.weight": (2, 3, 1, 1),
            "embeddings.register_tokens": (1, 4, 2),
            "layer.0.layer_scale2.lambda1": (2,),
            "layer.0.mlp.up_proj.weight": (4, 2),
            "layer.0.mlp.down_proj.weight": (2, 4),
            "embeddings.mask_token": (1, 1, 2),
        },
        {
            "patch_embed.proj.weight",
            "reg_token",
            "blocks.0.gamma_2",
            "blocks.0.mlp.fc1.weight",
            "blocks.0.mlp.fc2.weight",
        },
    ),
    "Hugging Face's SigLIP, the picture tower": (
        {
            "embeddings.position_embedding.weight": (4, 2),
            "head.probe": (1, 1, 2),
            "head.attention.in_proj_weight": (6, 2),
            "head.attention.in_proj_bias": (6,),
            "head.mlp.fc1.weight": (4, 2),
        },
        {"pos_embed", "attn_pool.latent", "attn_pool.mlp.fc1.weight"}
        | {f"attn_pool.{part}.{kind}" for part in ("q", "kv") for kind in ("weight", "bias")},
    ),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_families_of_hugging_face_with_ways_of_their_own(name: str) -> None:
    shapes, wanted = SPECIAL[name]
    converted = hugging_face.convert(tensors(shapes), {"num_attention_heads": 1})
    assert (converted.name, names(converted)) == (name, wanted)
    if "SigLIP" in name:
        assert [len(converted.state[f"attn_pool.{part}.bias"]) for part in ("q", "kv")] == [2, 4]
        assert converted.state["pos_embed"].shape == (1, 4, 2)


def test_biases_of_queries_and_values_are_kept_apart_and_never_dropped_in_silence() -> None:
    name = "blocks.0.attn.qkv.bias"
    split = hugging_face.split_bias({name: torch.tensor([1.0, 0.0, 2.0])})
    assert {key: value.tolist() for key, value in split.items()} == {
        "blocks.0.attn.q_bias": [1.0], "blocks.0.attn.v_bias": [2.0],
    }  # fmt: skip
    assert hugging_face.split_bias({name: torch.zeros(3)}) == {}
    with pytest.raises(CheckpointError, match="bias of its keys"):
        hugging_face.split_bias({name: torch.ones(3)})
    meta = timm_names.convert({"storage_tokens": torch.ones(1, 4, 1), name: torch.ones(3)}, {})  # whose code masks them
    assert {"blocks.0.attn.q_bias", "blocks.0.attn.v_bias"} < names(meta)


def test_torchvision_openai_and_jax() -> None:
    layer = "encoder.layers.encoder_layer_0"
    converted = other_names.torchvision(tensors({f"{layer}.mlp.3.weight": (2, 2), "heads.head.bias": (2,)}), {})
    assert names(converted) == {"blocks.0.mlp.fc2.weight", "head.bias"}
    clip: dict[str, Any] = tensors({"class_embedding": (64,), "positional_embedding": (3, 64), "proj": (64, 5)})
    converted = other_names.openai_clip(clip, {})
    assert (converted.traits.heads, converted.traits.projection) == (1, True)
    assert torch.equal(converted.state["head.weight"], clip["proj"].T)
    assert converted.state["cls_token"].shape == (1, 1, 64)
    attention = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1"
    kernels = {f"{attention}/{part}/kernel": (4, 2, 2) for part in ("query", "key", "value")}
    given = tensors(kernels | {"Transformer/posembed_input/pos_embedding": (1, 3, 4), "pre_logits/bias": (4,)})
    converted = other_names.jax(given, {})
    assert converted.traits.heads == 2
    assert names(converted) == {"blocks.0.attn.qkv.weight", "pos_embed", "pre_logits.bias"}
    first = given[f"{attention}/query/kernel"].flatten(1).T  # (head · head channel, channel)
    assert torch.equal(converted.state["blocks.0.attn.qkv.weight"][:4], first)


@pytest.mark.parametrize(
    ("layout", "anchor", "companion"),
    [
        (timm_names.TIMM, "blocks.0.norm1.weight", None),
        (timm_names.TIMM, "blocks.0.0.norm1.weight", None),
        (hugging_face.HUGGING_FACE, "encoder.layer.0.layernorm_before.weight", "patch_embeddings.projection"),
        (hugging_face.HUGGING_FACE, "encoder.layers.0.layer_norm1.weight", "patch_embedding"),
        (hugging_face.HUGGING_FACE, "layer.0.norm1.weight", "patch_embeddings"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "module.model."])
def test_a_layout_is_known_by_an_anchor_and_what_stands_beside_it(
    layout: Layout, anchor: str, companion: str | None, prefix: str
) -> None:
    alone = {f"{prefix}{anchor}": torch.ones(1)}
    beside = {} if companion is None else {f"{prefix}embeddings.{companion}.weight": torch.ones(1)}
    assert layout.prefixes(alone | beside) == [prefix]
    assert layout.prefixes(alone) == ([] if companion else [prefix])  # a text tower has blocks of the same names
    assert layout.prefixes({f"{prefix}fc.weight": torch.ones(1)}) == []
