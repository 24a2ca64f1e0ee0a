"""Hugging Face's layouts of ViT, DeiT, MAE, DINOv2 and CLIP: queries, keys and values joined, timm's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.layout import Converted, Layout, State, Traits, renamed, without

_NAMES = {
    r"^embeddings\.cls_token$": "cls_token",
    r"^embeddings\.class_embedding$": "cls_token",
    r"^embeddings\.distillation_token$": "reg_token",
    r"^embeddings\.register_tokens$": "register_tokens",
    r"^embeddings\.mask_token$": "mask_token",
    r"^embeddings\.(?:position_embeddings|position_embedding\.weight)$": "pos_embed",
    r"^embeddings\.(?:patch_embeddings\.projection|patch_embedding)\.": "patch_embed.proj.",
    r"^(?:encoder\.)?layers?\.(\d+)\.": r"blocks.\1.",
    r"^(?:layernorm|post_layernorm)\.": "norm.",
    r"^pre_layrnorm\.": "norm_pre.",
    r"\.(?:layernorm_before|layer_norm1)\.": ".norm1.",
    r"\.(?:layernorm_after|layer_norm2)\.": ".norm2.",
    r"\.layer_scale([12])\.lambda1$": r".ls\1.gamma",
    r"\.attention\.attention\.(query|key|value)\.": r".attn.\1.",
    r"\.(?:attention|self_attn)\.([qkv])_proj\.": r".attn.\1.",
    r"\.attention\.output\.dense\.": ".attn.proj.",
    r"\.attention\.o_proj\.": ".attn.proj.",
    r"\.self_attn\.out_proj\.": ".attn.proj.",
    r"\.intermediate\.dense\.": ".mlp.fc1.",
    r"(blocks\.\d+)\.output\.dense\.": r"\1.mlp.fc2.",
    r"\.mlp\.weights_in\.": ".mlp.fc1.",
    r"\.mlp\.weights_out\.": ".mlp.fc2.",
}
_ACTIVATIONS = {
    "gelu": "gelu", "quick_gelu": "quick_gelu", "gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh", "relu": "relu", "silu": "silu", "swish": "silu",
}  # fmt: skip


def convert(state: State, config: Mapping[str, Any]) -> Converted:
    """Return a Vision Transformer of Hugging Face in timm's names."""
    state, gone = without(state, r"pooler\.|embeddings\.position_ids$|decoder\.")
    kept = joined(renamed(state, _NAMES))
    steps = ["queries, keys and values joined"]
    if gone:
        steps.append(f"left aside: {', '.join(sorted({name.split('.')[0] for name in gone}))}")
    for name in ("cls_token", "pos_embed"):
        if name in kept:
            kept[name] = kept[name].reshape(1, -1, kept[name].shape[-1])
    kept.pop("mask_token", None)
    registers = kept.pop("register_tokens", None)
    if registers is not None:
        kept["reg_token"] = registers
        kept["cls_token"] = kept["cls_token"] + kept["pos_embed"][:, :1]
        kept["pos_embed"] = kept["pos_embed"][:, 1:]
    told = " with registers" if registers is not None else ""
    kind, eps = _kind(kept)
    traits, said = _traits(config, kind, eps, kept)
    return Converted(kept, f"Hugging Face's {kind}{told}", (*steps, *said), traits)


def joined(state: State) -> dict[str, Tensor]:
    """Return a state dict whose queries, keys and values are one tensor; a bias that is missing is zero."""
    result: dict[str, Tensor] = {}
    for name, value in state.items():
        match = re.match(r"(blocks\.\d+\.attn\.)(?:query|key|value|[qkv])\.(weight|bias)$", name)
        if match is None:
            result[name] = value
        elif f"{match[1]}qkv.{match[2]}" not in result:
            ways = [
                (f"{match[1]}{long}.{match[2]}", f"{match[1]}{long[0]}.{match[2]}")
                for long in ("query", "key", "value")
            ]
            parts = [state.get(long, state.get(short)) for long, short in ways]
            result[f"{match[1]}qkv.{match[2]}"] = torch.cat(
                [torch.zeros_like(value) if part is None else part for part in parts]
            )
    return result


def _kind(state: State) -> tuple[str, float]:
    """Return the family of converted tensors, and what its layer normalisation adds unless "config" says otherwise."""
    if "norm_pre.weight" in state:
        return "CLIP, the picture tower", 1e-5
    if "blocks.0.ls1.gamma" in state:
        return "DINOv2", 1e-6
    return ("DeiT", 1e-12) if "reg_token" in state else ("ViT", 1e-12)


def _traits(config: Mapping[str, Any], kind: str, eps: float, state: State) -> tuple[Traits, list[str]]:
    config = config.get("vision_config", config) if isinstance(config.get("vision_config"), Mapping) else config
    clip = kind.startswith("CLIP")
    default = "quick_gelu" if clip else "gelu"
    name = str(config.get("hidden_act", default))
    if name not in _ACTIVATIONS:
        raise CheckpointError(f"config.json says hidden_act {name!r}; wanted one of {', '.join(_ACTIVATIONS)}.")
    heads = config.get("num_attention_heads")
    said = [] if config else [f"no config.json beside it: ε = {eps:g} and {_ACTIVATIONS[name]} assumed"]
    return Traits(
        heads=int(heads) if isinstance(heads, int) else None,
        eps=float(config.get("layer_norm_eps", eps)),
        activation=_ACTIVATIONS[name] if "blocks.0.mlp.fc1.weight" in state else None,
        registers=int(state["reg_token"].shape[1]) if kind == "DeiT" else None,
    ), said  # fmt: skip


HUGGING_FACE = Layout(
    "Hugging Face",
    re.compile(r"(|.*?\.)(?:encoder\.)?layers?\.0\.(?:layernorm_before|norm1|layer_norm1)\.weight$"),
    convert,
    companion=r"embeddings\.(?:patch_embeddings\.projection|patch_embedding)\.weight$",
)
