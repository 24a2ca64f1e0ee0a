"""Layouts with names of their own: torchvision, MMPretrain, jeonsworld, OpenAI's CLIP, Google's JAX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vitviz.clause import Clause
from vitviz.models.checkpoints.hugging_face import joined
from vitviz.models.checkpoints.layout import Converted, Layout, State, Traits, renamed

_TORCHVISION = {
    r"^class_token$": "cls_token",
    r"^conv_proj\.": "patch_embed.proj.",
    r"^encoder\.pos_embedding$": "pos_embed",
    r"^encoder\.layers\.encoder_layer_(\d+)\.": r"blocks.\1.",
    r"^encoder\.ln\.": "norm.",
    r"^heads\.head\.": "head.",
    r"^heads\.": "head.",
    r"\.self_attention\.in_proj_": ".attn.qkv.",
    r"\.self_attention\.out_proj\.": ".attn.proj.",
    r"\.ln_([12])\.": r".norm\1.",
    r"\.mlp\.(?:0|linear_1)\.": ".mlp.fc1.",
    r"\.mlp\.(?:3|linear_2)\.": ".mlp.fc2.",
}
_CLIP = {
    r"^class_embedding$": "cls_token",
    r"^conv1\.": "patch_embed.proj.",
    r"^positional_embedding$": "pos_embed",
    r"^transformer\.resblocks\.": "blocks.",
    r"^ln_pre\.": "norm_pre.",
    r"^ln_post\.": "norm.",
    r"\.ln_([12])\.": r".norm\1.",
    r"\.attn\.in_proj_": ".attn.qkv.",
    r"\.attn\.out_proj\.": ".attn.proj.",
    r"\.mlp\.c_fc\.": ".mlp.fc1.",
    r"\.mlp\.c_proj\.": ".mlp.fc2.",
}
_JAX = {
    r"^cls$": "cls_token",
    r"^embedding/": "patch_embed.proj/",
    r"^Transformer/posembed_input/pos_embedding$": "pos_embed",
    r"^pos_embedding$": "pos_embed",
    r"^Transformer/encoderblock_(\d+)/": r"blocks.\1.",
    r"^Transformer/encoder_norm/": "norm/",
    r"MultiHeadDotProductAttention_\d/out/": "attn.proj/",
    r"MlpBlock_\d/Dense_0/": "mlp.fc1/",
    r"MlpBlock_\d/Dense_1/": "mlp.fc2/",
    r"\.LayerNorm_0/": ".norm1/",
    r"\.LayerNorm_[12]/": ".norm2/",
    r"/(?:kernel|scale)$": ".weight",
    r"/bias$": ".bias",
}


_MMPRETRAIN = {
    r"^patch_embed\.projection\.": "patch_embed.proj.",
    r"^layers\.(\d+)\.": r"blocks.\1.",
    r"^ln1\.": "norm.",
    r"^ln2\.": "fc_norm.",
    r"\.ln([12])\.": r".norm\1.",
    r"\.ffn\.layers\.0\.0\.": ".mlp.fc1.",
    r"\.ffn\.layers\.1\.": ".mlp.fc2.",
    r"\.gamma([12])\.weight$": r".ls\1.gamma",
}
_JEONSWORLD = {
    r"^transformer\.embeddings\.patch_embeddings\.": "patch_embed.proj.",
    r"^transformer\.embeddings\.cls_token$": "cls_token",
    r"^transformer\.embeddings\.position_embeddings$": "pos_embed",
    r"^transformer\.encoder\.encoder_norm\.": "norm.",
    r"^transformer\.encoder\.layer\.(\d+)\.": r"blocks.\1.",
    r"\.attention_norm\.": ".norm1.",
    r"\.ffn_norm\.": ".norm2.",
    r"\.attn\.out\.": ".attn.proj.",
    r"\.ffn\.fc([12])\.": r".mlp.fc\1.",
}


def mmpretrain(state: State, config: Mapping[str, Any]) -> Converted:
    """Return OpenMMLab's VisionTransformer in timm's names."""
    return Converted(renamed(state, _MMPRETRAIN), "MMPretrain", traits=Traits(eps=1e-6))


def jeonsworld(state: State, config: Mapping[str, Any]) -> Converted:
    """Return the ViT of jeonsworld's ViT-pytorch, which much research is built on, in timm's names."""
    kept = joined(renamed(state, _JEONSWORLD))
    steps = (Clause("queries, keys and values joined"),)
    return Converted(kept, "jeonsworld's ViT-pytorch", steps, Traits(eps=1e-6))


def torchvision(state: State, config: Mapping[str, Any]) -> Converted:
    """Return a torchvision VisionTransformer in timm's names."""
    return Converted(renamed(state, _TORCHVISION), Clause("torchvision's VisionTransformer"), traits=Traits(eps=1e-6))


def openai_clip(state: State, config: Mapping[str, Any]) -> Converted:
    """Return OpenAI's CLIP picture tower in timm's names; heads are the width / 64, as its code has them."""
    kept = renamed(state, _CLIP)
    projection = kept.pop("proj", None)
    kept["cls_token"] = kept["cls_token"][None, None]
    kept["pos_embed"] = kept["pos_embed"][None]
    if projection is not None:
        kept["head.weight"] = projection.T.contiguous()  # (embedding, channel)
        kept["head.bias"] = torch.zeros(projection.shape[1], dtype=projection.dtype)
    traits = Traits(heads=kept["cls_token"].shape[-1] // 64, eps=1e-5, projection=projection is not None)
    return Converted(kept, "OpenAI's CLIP, the picture tower", traits=traits)


def jax(state: State, config: Mapping[str, Any]) -> Converted:
    """Return Google's JAX ViT in timm's names; its kernels say the number of heads."""
    heads = int(state["Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel"].shape[1])
    joined: dict[str, Tensor] = {}
    for name, value in state.items():
        match = re.match(r"(.*)MultiHeadDotProductAttention_\d/(query|key|value|out)/(kernel|bias)$", name)
        if match is None:
            joined[name] = _plain(value)
        elif match[2] == "query":
            parts = [state[name.replace("/query/", f"/{part}/")] for part in ("query", "key", "value")]
            kind = "weight" if match[3] == "kernel" else "bias"
            # (channel, head, head channel) or (head, head channel) → rows of (head, head channel)
            rows = [part.flatten(-2).T if part.ndim == 3 else part.flatten() for part in parts]
            joined[f"{match[1]}attn.qkv.{kind}"] = torch.cat(rows).contiguous()
        elif match[2] == "out":
            joined[name] = value.flatten(0, 1).T.contiguous() if match[3] == "kernel" else value
    kept = renamed(joined, _JAX)
    if kept["pos_embed"].ndim == 2:
        kept["pos_embed"] = kept["pos_embed"][None]
    return Converted(kept, "Google's JAX ViT", traits=Traits(heads=heads, eps=1e-6))


def _plain(value: Tensor) -> Tensor:
    """Return a kernel of JAX, whose outputs come last, in torch's order."""
    if value.ndim == 4:
        return value.permute(3, 2, 0, 1).contiguous()  # (height, width, colour, channel)
    return value.T.contiguous() if value.ndim == 2 and min(value.shape) > 1 else value


LAYOUTS = (
    Layout(
        "torchvision", re.compile(r"((?:.*\.)?)encoder\.layers\.encoder_layer_0\.ln_1\.weight$"), torchvision,
        companion=r"conv_proj\.weight$",
    ),
    Layout(
        "MMPretrain", re.compile(r"((?:.*\.)?)layers\.0\.ln1\.weight$"), mmpretrain,
        companion=r"patch_embed\.projection\.weight$",
    ),
    Layout(
        "jeonsworld's ViT-pytorch",
        re.compile(r"((?:.*\.)?)transformer\.encoder\.layer\.0\.attention_norm\.weight$"), jeonsworld,
        companion=r"transformer\.embeddings\.patch_embeddings\.weight$",
    ),
    Layout(
        "CLIP", re.compile(r"((?:.*\.)?)transformer\.resblocks\.0\.ln_1\.weight$"), openai_clip,
        companion=r"conv1\.weight$",
    ),
    Layout("JAX", re.compile(r"((?:.*/)?)Transformer/encoderblock_0/LayerNorm_0/scale$"), jax,
           companion="embedding/kernel$"),
)  # fmt: skip
