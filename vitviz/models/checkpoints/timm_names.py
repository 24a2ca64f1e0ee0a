"""Layouts that name their tensors as timm does: DINO, iBOT, MAE, MoCo-v3, BEiT, DINOv2 and DINOv3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.hugging_face import split_bias
from vitviz.models.checkpoints.layout import Converted, Layout, State, Traits, renamed, without

_DECODER = r"decoder_|mask_token$"
_CHUNK = re.compile(r"blocks\.(\d+)\.(\d+)\.(.+)")


def convert(state: State, config: Mapping[str, Any]) -> Converted:
    """Return a state dict of timm's names, its family's own ways undone."""
    state, steps = unchunked(state)
    for family in (_dinov3, _dinov2, _mae, _ibot, _beit):
        converted = family(state)
        if converted is not None:
            return Converted(converted.state, converted.name, (*steps, *converted.steps), converted.traits)
    return Converted(dict(state), "timm", steps)


def unchunked(state: State) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return blocks in one row where training has put them in chunks: blocks.CHUNK.BLOCK becomes blocks.BLOCK.

    DINOv2 counts the blocks through all chunks; others begin again in each.
    """
    places = {(int(m[1]), int(m[2])) for m in map(_CHUNK.match, state) if m}
    chunked = [m for m in map(_CHUNK.match, state) if m]
    if not chunked or any(re.match(r"blocks\.\d+\.[a-z]", name) for name in state):
        return dict(state), ()
    numbers = sorted(places)
    through = len({block for _, block in numbers}) == len(numbers)
    place = {pair: pair[1] if through else row for row, pair in enumerate(numbers)}
    result = {}
    for name, value in state.items():
        match = _CHUNK.match(name)
        row = place[int(match[1]), int(match[2])] if match else 0
        result[f"blocks.{row}.{match[3]}" if match else name] = value
    return result, (
        Clause(
            "its {count} blocks taken out of {other_count} chunks",
            count=len(places),
            other_count=len({chunk for chunk, _ in places}),
        ),
    )


def _mae(state: State) -> Converted | None:
    if not any(name.startswith("decoder_") for name in state):
        return None
    kept, gone = without(state, _DECODER)
    return Converted(
        kept, Clause("MAE, pretrained"), (Clause("its decoder left aside ({count} tensors)", count=len(gone)),)
    )


def _ibot(state: State) -> Converted | None:
    if "masked_embed" not in state:
        return None
    return Converted(without(state, "masked_embed$")[0], "iBOT", (Clause("its mask token left aside"),))


def _dinov2(state: State) -> Converted | None:
    if "blocks.0.ls1.gamma" not in state or not {"mask_token", "register_tokens"} & set(state):
        return None
    kept, _ = without(state, r"mask_token$")
    steps = [Clause("its mask token left aside")] if "mask_token" in state else []
    registers = kept.pop("register_tokens", None)
    if registers is not None:
        # timm adds positions to patches only: the class token's own goes into the class token
        kept["reg_token"] = registers
        kept["cls_token"] = kept["cls_token"] + kept["pos_embed"][:, :1]
        kept["pos_embed"] = kept["pos_embed"][:, 1:]
        steps.append(Clause("{width} registers", width=registers.shape[1]))
    kept = renamed(kept, {r"\.mlp\.w12\.": ".mlp.fc1.", r"\.mlp\.w3\.": ".mlp.fc2."})
    return Converted(kept, "DINOv2", tuple(steps))


def _dinov3(state: State) -> Converted | None:
    if "storage_tokens" not in state:
        return None
    kept, _ = without(state, r"mask_token$|local_cls_norm\.|.*\.bias_mask$|rope_embed\.")
    kept = renamed(kept, {r"^storage_tokens$": "reg_token", r"\.ls([12])\.gamma$": r".gamma_\1"})
    for name in [name for name in kept if name.endswith(".attn.qkv.bias")]:
        query, key, value = kept[name].chunk(3)
        kept[name] = torch.cat([query, torch.zeros_like(key), value])  # its code masks the bias of the keys
    return Converted(split_bias(kept), "DINOv3", (Clause("{width} registers", width=state["storage_tokens"].shape[1]),))


def _beit(state: State) -> Converted | None:
    tables = [name for name in state if name.endswith("relative_position_bias_table")]
    if not tables:
        return None
    kept, _ = without(state, r".*relative_position_index$|mask_token$|lm_head\.")
    heads = int(state[tables[0]].shape[-1])
    shared = kept.pop("rel_pos_bias.relative_position_bias_table", None)
    steps: tuple[str, ...] = ()
    if shared is not None:
        rows = {name.split(".")[1] for name in kept if name.startswith("blocks.")}
        kept |= {f"blocks.{row}.attn.relative_position_bias_table": shared for row in rows}
        steps = (Clause("its shared table of relative positions given to every block"),)
    return Converted(kept, "BEiT", steps, Traits(heads=heads))


def moco(converted: Converted) -> Converted:
    """Return what a MoCo-v3 encoder is: its head is a projector, and its ViT-S has 12 heads where timm's has 6."""
    kept, gone = without(converted.state, r"head\.")
    width = int(kept["cls_token"].shape[-1])
    if width not in (384, 768, 1024):
        raise CheckpointError(
            "A MoCo-v3 encoder of {width} channels is unknown; wanted its ViT-S, ViT-B or ViT-L. "
            "Save the encoder alone, and give heads=N.",
            width=width,
        )
    steps = (*converted.steps, *([Clause("its projector left aside")] if gone else []))
    return Converted(kept, "MoCo-v3", steps, Traits(heads=16 if width == 1024 else 12))


TIMM = Layout("timm", re.compile(r"((?:.*\.)?)blocks\.0\.(?:0\.)?norm1\.weight$"), convert)
