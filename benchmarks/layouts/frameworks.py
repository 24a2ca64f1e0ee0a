"""Layouts of frameworks and of their ways to train: MMPretrain, Lightning, DeepSpeed, FSDP, shards, averages."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.layouts.case import Answer, Case, answer_of, prefixed, save, small
from vitviz.models.checkpoints.layout import renamed

State = dict[str, Tensor]
_MMPRETRAIN = {
    r"^patch_embed\.proj\.": "patch_embed.projection.",
    r"^blocks\.(\d+)\.": r"layers.\1.",
    r"^norm\.": "ln1.",
    r"\.norm([12])\.": r".ln\1.",
    r"\.mlp\.fc1\.": ".ffn.layers.0.0.",
    r"\.mlp\.fc2\.": ".ffn.layers.1.",
    r"^head\.": "head.layers.head.",
}
_JEONSWORLD = {
    r"^patch_embed\.proj\.": "transformer.embeddings.patch_embeddings.",
    r"^cls_token$": "transformer.embeddings.cls_token",
    r"^pos_embed$": "transformer.embeddings.position_embeddings",
    r"^norm\.": "transformer.encoder.encoder_norm.",
    r"^blocks\.(\d+)\.norm1\.": r"transformer.encoder.layer.\1.attention_norm.",
    r"^blocks\.(\d+)\.norm2\.": r"transformer.encoder.layer.\1.ffn_norm.",
    r"^blocks\.(\d+)\.attn\.proj\.": r"transformer.encoder.layer.\1.attn.out.",
    r"^blocks\.(\d+)\.mlp\.": r"transformer.encoder.layer.\1.ffn.",
}


def _case(
    name: str, file: str, write: Callable[[Path, State, State], None], *, averaged: bool = False, **options: Any
) -> Case:
    def written(path: Path) -> Answer:
        raw, average = small(0), small(1)
        write(path, dict(raw.state_dict()), dict(average.state_dict()))
        return answer_of(average if averaged else raw)

    return Case(name, file, written, **options)


def _saved(content: Callable[[State, State], Any]) -> Callable[[Path, State, State], None]:
    return lambda path, raw, average: save(path, content(raw, average))


def cases() -> Iterator[Case]:
    """Yield the cases."""
    yield _case("MMPretrain, its buffers of history beside", "epoch_3.pth", _mmpretrain)
    yield _case("jeonsworld's ViT-pytorch", "a.bin", _saved(lambda r, e: _jeonsworld(r)))
    yield _case(
        "Lightning's weight averaging", "a.ckpt",
        _saved(lambda r, e: {"state_dict": prefixed(e, "model."), "current_model_state": prefixed(r, "model."),
                             "averaging_state": {"n_averaged": torch.tensor(3)}, "epoch": 3}), averaged=True,
    )  # fmt: skip
    yield _case(
        "the same, raw wanted", "a.ckpt",
        _saved(lambda r, e: {"state_dict": e, "current_model_state": r,
                             "averaging_state": {"n_averaged": torch.tensor(3)}}), options={"weights_kind": "raw"},
    )  # fmt: skip
    yield _case(
        "a callback of Lightning keeps the average", "a.ckpt",
        _saved(lambda r, e: {"state_dict": prefixed(r, "net."),
                             "callbacks": {"EMACallback{'decay': 0.999}": {"ema_state_dict": prefixed(e, "net.")}}}),
        averaged=True,
    )  # fmt: skip
    yield _case(
        "ema_pytorch, online and averaged", "a.pt",
        _saved(lambda r, e: prefixed(r, "online_model.") | prefixed(e, "ema_model.") | {
            "initted": torch.tensor(True), "step": torch.tensor(9)}), averaged=True,
    )  # fmt: skip
    yield _case("_orig_mod. inside of names", "a.pth", _saved(lambda r, e: _inserted(r, "_orig_mod.")))
    inside = ("_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
    yield _case(
        "FSDP over checkpointed blocks", "a.pth", _saved(lambda r, e: _inserted(_inserted(r, inside[0]), inside[1]))
    )
    deepspeed = {"buffer_names": [], "optimizer": None, "ds_version": "0.14.0", "ds_config": {"bf16": True}}
    yield _case(
        "DeepSpeed, model states", "mp_rank_00_model_states.pt",
        _saved(lambda r, e: {"module": r, "param_shapes": [{"a": torch.Size([2])}], **deepspeed}),
    )  # fmt: skip
    yield _case(
        "DeepSpeed ZeRO-3, parameters parted", "zero_pp_rank_0_mp_rank_00_model_states.pt",
        _saved(lambda r, e: {"module": {name: torch.zeros(0) for name in r}, **deepspeed}),
        refused="no numbers.*zero_to_fp32",
    )  # fmt: skip
    yield _case("Composer", "ep3.pt", _saved(lambda r, e: {"state": {"model": prefixed(r, "module."), "run_name": "a"},
                                                            "rng": [{"torch": torch.zeros(8)}]}))  # fmt: skip
    yield _case("backbone and classifier in tables of their own", "a.pth", _saved(_two_tables))
    yield _case("classifier called fc", "a.pth", _saved(lambda r, e: _head_named(r, "fc")))
    yield _case("classifier called classifier, under model.", "a.ckpt",
                _saved(lambda r, e: {"state_dict": prefixed(_head_named(r, "classifier"), "model.")}))  # fmt: skip
    yield _case("Hugging Face shards by their index", "model.safetensors.index.json", _sharded("safetensors"))
    yield _case("a shard with its index beside", "pytorch_model-00001-of-00002.bin", _sharded("bin"))
    yield _case("a shard alone", "model-00001-of-00002.safetensors", _sharded("safetensors", index=False),
                refused="part 1 of 2.*index.json")  # fmt: skip


def _mmpretrain(path: Path, raw: State, average: State) -> None:
    """Write what its runner saves: tensors, a table about the run, and buffers that are objects of its own."""
    named = renamed(raw, _MMPRETRAIN)
    state = {name if name.startswith("head.") else f"backbone.{name}": value for name, value in named.items()}
    name = "mmengine.logging.history_buffer"
    parts = name.split(".")
    places = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    modules = {place: types.ModuleType(place) for place in places}  # as if it were installed
    kind = type("HistoryBuffer", (), {"__module__": name})
    modules[name].HistoryBuffer = kind  # type: ignore[attr-defined]
    buffer: Any = kind()
    buffer.max_length, buffer._log_history, buffer._count_history = 1000, np.arange(3.0), np.ones(3)
    sys.modules.update(modules)
    try:
        hub = {"log_scalars": {"train/loss": buffer}, "runtime_info": {"epoch": 3}, "resumed_keys": {}}
        save(path, {"meta": {"epoch": 3, "dataset_meta": {"classes": None}}, "state_dict": state, "message_hub": hub})
    finally:
        for place in places:
            del sys.modules[place]


def _jeonsworld(state: State) -> State:
    result = {}
    for name, value in state.items():
        match = re.match(r"blocks\.(\d+)\.attn\.qkv\.(\w+)", name)
        if match is None:
            result |= renamed({name: value}, _JEONSWORLD)
            continue
        for part, tensor in zip(("query", "key", "value"), value.chunk(3), strict=True):
            result[f"transformer.encoder.layer.{match[1]}.attn.{part}.{match[2]}"] = tensor.clone()
    return result


def _inserted(state: State, part: str) -> State:
    """Return names with the wrapper of every block in them: blocks.0.WRAPPER.norm1.weight."""
    return {re.sub(r"^(blocks\.\d+\.)", rf"\1{part}", name): value for name, value in state.items()}


def _two_tables(raw: State, average: State) -> dict[str, State]:
    trunk = {name: value for name, value in raw.items() if not name.startswith("head.")}
    head = {name.removeprefix("head."): value for name, value in raw.items() if name.startswith("head.")}
    return {"backbone": trunk, "classifier": head}


def _head_named(state: State, name: str) -> State:
    return {re.sub(r"^head\.", f"{name}.", key): value for key, value in state.items()}


def _sharded(kind: str, *, index: bool = True) -> Callable[[Path, State, State], None]:
    def write(path: Path, raw: State, average: State) -> None:
        stem = "model" if kind == "safetensors" else "pytorch_model"
        names, table = list(raw), {}
        for number, part in enumerate((names[:40], names[40:]), 1):
            file = f"{stem}-0000{number}-of-00002.{kind}"
            save(path.parent / file, {name: raw[name] for name in part})
            table |= dict.fromkeys(part, file)
        if index:
            text = json.dumps({"metadata": {"total_size": 0}, "weight_map": table})
            (path.parent / f"{stem}.{kind}.index.json").write_text(text, encoding="utf-8")

    return write
