"""Hugging Face's layouts of ViT, DeiT, MAE, BEiT, DINOv2, DINOv3, CLIP and SigLIP, in timm's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.layout import Converted, Layout, State, Traits, renamed, without

_NAMES = {
    r"^embeddings\.cls_token$": "cls_token",
    r"^embeddings\.class_embedding$": "cls_token",
    r"^embeddings\.distillation_token$": "reg_token",
    r"^embeddings\.register_tokens$": "register_tokens",
    r"^embeddings\.mask_token$": "mask_token",
    r"^embeddings\.(?:position_embeddings|position_embedding\.weight)$": "pos_embed",
    r"^embeddings\.(?:patch_embeddings(?:\.projection)?|patch_embedding)\.": "patch_embed.proj.",
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
    r"\.attention\.attention\.relative_position_bias\.": ".attn.",
    r"\.lambda_([12])$": r".gamma_\1",
}
_ACTIVATIONS = {
    "gelu": "gelu", "quick_gelu": "quick_gelu", "gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh", "relu": "relu", "silu": "silu", "swish": "silu",
}  # fmt: skip


def convert(state: State, config: Mapping[str, Any]) -> Converted:
    """Return a Vision Transformer of Hugging Face in timm's names."""
    special = next((convert for name, convert in _SPECIAL.items() if any(map(re.compile(name).match, state))), None)
    if special is not None:
        return special(state, config)
    state, gone = without(state, r"pooler\.|embeddings\.position_ids$|decoder\.")
    kept = joined(renamed(state, _NAMES))
    steps = [Clause("queries, keys and values joined")]
    if gone:
        steps.append(Clause("left aside: {listed}", listed=", ".join(sorted({name.split(".")[0] for name in gone}))))
    for name in ("cls_token", "pos_embed"):
        if name in kept:
            kept[name] = kept[name].reshape(1, -1, kept[name].shape[-1])
    kept.pop("mask_token", None)
    registers = kept.pop("register_tokens", None)
    if registers is not None:
        kept["reg_token"] = registers
        kept["cls_token"] = kept["cls_token"] + kept["pos_embed"][:, :1]
        kept["pos_embed"] = kept["pos_embed"][:, 1:]
    kind, eps = _kind(kept)
    name = Clause("Hugging Face's {kind}", kind=kind)
    if registers is not None:
        name = Clause("Hugging Face's {kind} with registers", kind=kind)
    traits, said = _traits(config, kind, eps, kept)
    return Converted(kept, name, (*steps, *said), traits)


def _beit(state: State, config: Mapping[str, Any]) -> Converted:
    """Return a BEiT in timm's names; its last norm stands before the tokens are averaged, or behind."""
    kept, gone = without(renamed(state, {r"^pooler\.layernorm\.": "fc_norm."}), r"pooler\.|embeddings\.mask_token$")
    kept = joined(renamed(kept, _NAMES))
    shared = kept.pop("encoder.relative_position_bias.relative_position_bias_table", None)
    steps = [Clause("queries, keys and values joined"), *([Clause("its mask token left aside")] if gone else [])]
    if shared is not None:
        rows = {name.split(".")[1] for name in kept if name.startswith("blocks.")}
        kept |= {f"blocks.{row}.attn.relative_position_bias_table": shared for row in rows}
        steps.append(Clause("its shared table of relative positions given to every block"))
    traits, said = _traits(config, "BEiT", 1e-12, kept)
    table = next((value for name, value in kept.items() if name.endswith("relative_position_bias_table")), None)
    heads = traits.heads if table is None else int(table.shape[-1])
    return Converted(split_bias(kept), "Hugging Face's BEiT", (*steps, *said), replace(traits, heads=heads))


def _dinov3(state: State, config: Mapping[str, Any]) -> Converted:
    """Return a DINOv3 in timm's names; its positions are rotations, which are in no file."""
    kept, _ = without(state, r"embeddings\.mask_token$|rope_embeddings\.")
    gated = any(".mlp.gate_proj." in name for name in kept)
    up, down = ("w2", "w3") if gated else ("fc1", "fc2")
    names = _DINOV3 | {r"\.mlp\.up_proj\.": f".mlp.{up}.", r"\.mlp\.down_proj\.": f".mlp.{down}."}
    kept = joined(renamed(renamed(kept, _NAMES), names))
    traits, said = _traits(config, "DINOv3", 1e-5, kept)
    return Converted(
        split_bias(kept), "Hugging Face's DINOv3", (Clause("queries, keys and values joined"), *said), traits
    )


def _siglip(state: State, config: Mapping[str, Any]) -> Converted:
    """Return SigLIP's picture tower with its attention pooling in timm's names."""
    kept = joined(renamed(without(state, r"embeddings\.position_ids$")[0], _SIGLIP | _NAMES))
    kept["pos_embed"] = kept["pos_embed"].reshape(1, -1, kept["pos_embed"].shape[-1])
    for part in ("weight", "bias"):
        query, rest = kept.pop(f"attn_pool.in_proj_{part}").tensor_split([kept["attn_pool.latent"].shape[-1]])
        kept |= {f"attn_pool.q.{part}": query, f"attn_pool.kv.{part}": rest}
    traits, said = _traits(config, "SigLIP, the picture tower", 1e-6, kept)
    steps = (Clause("queries, keys and values joined, those of the pooling parted"), *said)
    return Converted(kept, "Hugging Face's SigLIP, the picture tower", steps, traits)


_DINOV3 = {
    r"^register_tokens$": "reg_token",
    r"\.ls([12])\.gamma$": r".gamma_\1",
    r"\.mlp\.gate_proj\.": ".mlp.w1.",
}
_SIGLIP = {
    r"^head\.probe$": "attn_pool.latent",
    r"^head\.attention\.in_proj_": "attn_pool.in_proj_",
    r"^head\.attention\.out_proj\.": "attn_pool.proj.",
    r"^head\.layernorm\.": "attn_pool.norm.",
    r"^head\.mlp\.": "attn_pool.mlp.",
}
_SPECIAL = {
    r"(?:encoder\.)?layers?\.0\.lambda_1$|.*relative_position_bias_table$": _beit,
    r"embeddings\.patch_embeddings\.weight$": _dinov3,
    r"head\.probe$": _siglip,
}
"""Families with ways of their own, by a tensor that no other has."""


def split_bias(state: State) -> dict[str, Tensor]:
    """Return a state dict with the biases of queries and values apart, as timm's EVA and BEiT have them: none of keys.

    Where all of them are zero they are left out, as timm leaves them out of architectures without any.
    """
    biases = {name: value for name, value in state.items() if name.endswith(".attn.qkv.bias")}
    result = {name: value for name, value in state.items() if name not in biases}
    if all(not bool(bias.any()) for bias in biases.values()):
        return result
    for name, bias in biases.items():
        query, key, value = bias.chunk(3)
        if bool(key.any()):
            raise CheckpointError(
                "{name} has a bias of its keys, which the architecture has not; wanted zeros there.",
                name=name,
            )
        place = name.removesuffix("qkv.bias")
        result |= {f"{place}q_bias": query, f"{place}v_bias": value}
    return result


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
        raise CheckpointError(
            "config.json says hidden_act {name}; wanted one of {listed}.",
            name=repr(name),
            listed=", ".join(_ACTIVATIONS),
        )
    heads = config.get("num_attention_heads")
    said: list[str] = (
        []
        if config
        else [
            Clause(
                "no config.json beside it: ε = {eps:g} and {activations} assumed",
                eps=eps,
                activations=_ACTIVATIONS[name],
            )
        ]
    )
    return Traits(
        heads=int(heads) if isinstance(heads, int) else None,
        eps=float(config.get("layer_norm_eps", eps)),
        activation=_ACTIVATIONS[name] if "blocks.0.mlp.fc1.weight" in state else None,
        registers=int(state["reg_token"].shape[1]) if kind == "DeiT" else None,
        beside=bool(config),
    ), said  # fmt: skip


HUGGING_FACE = Layout(
    "Hugging Face",
    re.compile(r"(|.*?\.)(?:encoder\.)?layers?\.0\.(?:layernorm_before|norm1|layer_norm1)\.weight$"),
    convert,
    companion=r"embeddings\.(?:patch_embeddings(?:\.projection)?|patch_embedding)\.weight$",
)
