"""Layouts of training scripts: tables, prefixes, averages, records beside tensors, heads and inputs of their own."""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from benchmarks.layouts.case import Answer, Case, answer_of, drawn, embedding_of, prefixed, save, small

State = dict[str, Tensor]
_RECORDS: dict[str, Any] = {
    "args": argparse.Namespace(model="test_vit", lr=1e-3, folder=pathlib.PurePosixPath("runs/1")),
    "best": np.float64(0.5),
    "history": np.arange(3.0),
    "config": OmegaConf.create({"model": {"name": "vit", "sizes": [160, 224]}, "lr": 0.1}),
    "epoch": 7,
}


def _case(
    name: str, file: str, content: Callable[[State, State], Any], *, averaged: bool = False, **options: Any
) -> Case:
    def write(path: Path) -> Answer:
        raw, average = small(0), small(1)
        save(path, content(dict(raw.state_dict()), dict(average.state_dict())))
        return answer_of(average if averaged else raw)

    return Case(name, file, write, **options)


def _trunk(state: State) -> State:
    return {name: value for name, value in state.items() if not name.startswith("head.")}


def _head(state: State) -> State:
    return {name: value for name, value in state.items() if name.startswith("head.")}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for file in ("plain.safetensors", "upper.SAFETENSORS", "no_suffix", "plain.pth", "plain.PT", "a.bin", "a.pth.tar"):
        yield _case(f"state dict, {file}", file, lambda r, e: r)
    for prefix in (
        "module.", "model.", "backbone.", "encoder.", "_orig_mod.", "module._orig_mod.", "base_model.model.",
        "net.vit.",
    ):  # fmt: skip
        yield _case(f"prefix {prefix}", "a.pth", lambda r, e, prefix=prefix: prefixed(r, prefix))
    yield _case(
        "PyTorch Lightning", "a.ckpt",
        lambda r, e: {"state_dict": prefixed(r, "model."), "hyper_parameters": {"lr": 1e-3}, "epoch": 3},
    )  # fmt: skip
    yield _case("backbone and head beside it", "a.pth", lambda r, e: prefixed(_trunk(r), "backbone.") | _head(r))
    yield _case(
        "backbone and classifier beside it", "a.ckpt",
        lambda r, e: {"state_dict": prefixed(_trunk(r), "model.backbone.") | {
            f"model.classifier.{part}": r[f"head.{part}"] for part in ("weight", "bias")}},
    )  # fmt: skip
    yield _case(
        "timm's training script, averaged", "a.pth.tar",
        lambda r, e: {"arch": "test_vit", "state_dict": r, "state_dict_ema": e, **_RECORDS}, averaged=True,
    )  # fmt: skip
    yield _case(
        "the same, raw wanted", "a.pth.tar", lambda r, e: {"state_dict": r, "state_dict_ema": e, **_RECORDS},
        options={"weights_kind": "raw"},
    )  # fmt: skip
    yield _case("DeiT's training script", "a.pth", lambda r, e: {"model": r, "model_ema": e, **_RECORDS}, averaged=True)
    yield _case(
        "torch's AveragedModel", "a.pth", lambda r, e: {"n_averaged": torch.tensor(5), **prefixed(r, "module.")}
    )
    yield _case("a loss beside the model", "a.pth", lambda r, e: {**r, "criterion.weight": torch.ones(10)})
    yield _case(
        "optimiser beside the model", "a.pth",
        lambda r, e: {"model": r, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{}]}},
    )  # fmt: skip
    yield _case("harmless records", "a.pth", lambda r, e: {"model": r, **_RECORDS})
    yield Case("a whole pickled model", "a.pth", _whole, refused="a pickle that would run code.*wants")
    yield _case(
        "NaN in the weights", "a.pth", lambda r, e: r | {"blocks.2.attn.qkv.bias": torch.full((192,), float("nan"))},
        refused="192 numbers that are NaN or infinite, of 192, in blocks.2.attn.qkv.bias",
    )  # fmt: skip
    yield _case(
        "two models", "a.pth", lambda r, e: prefixed(r, "a.") | prefixed(e, "b."), refused=r"holds 2 models \(a, b\)"
    )
    yield Case("six heads where timm's has two", "a.pth", _heads, options={"heads": 4})
    yield Case("fine-tuned MAE (fc_norm)", "a.pth", _pooled)
    yield Case("one-channel input", "a.pth", _channels(1), channels=1)
    yield Case("four-channel input", "a.pth", _channels(4), channels=4)
    yield Case("head: dropout, linear", "a.pth", _headed(nn.Dropout(0.1), nn.Linear(64, 7)))
    yield Case("head: LayerNorm, linear", "a.pth", _headed(nn.LayerNorm(64), nn.Linear(64, 7)))
    two = (nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 7))
    yield Case("head: linear, GELU, linear", "a.pth", _headed(*two), options={"head_activation": "gelu"})
    yield Case("the same, activation not told", "a.pth", _headed(*two), refused="head_activation=NAME")
    yield Case("low-rank adapters beside the base (PEFT)", "a.pth", _adapted)
    yield Case("a layer between backbone and classifier", "a.pth", _necked)


def _whole(path: Path) -> Answer:
    module = small()
    torch.save(module, path)
    return answer_of(module)


def _heads(path: Path) -> Answer:
    module = small(num_heads=4)
    save(path, module.state_dict())
    return answer_of(module)


def _pooled(path: Path) -> Answer:
    module = small(global_pool="avg", fc_norm=True)
    save(path, {"model": module.state_dict()})
    return answer_of(module)


def _channels(count: int) -> Callable[[Path], Answer]:
    def write(path: Path) -> Answer:
        module = small(in_chans=count)
        save(path, module.state_dict())
        return answer_of(module)

    return write


def _headed(*layers: nn.Module) -> Callable[[Path], Answer]:
    def write(path: Path) -> Answer:
        module = small()
        module.head = drawn(nn.Sequential(*layers), 3)
        save(path, module.state_dict())
        return answer_of(module)

    return write


def _adapted(path: Path) -> Answer:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, lora_alpha=12, target_modules=["qkv", "fc1"], modules_to_save=["head"])
    model: Any = drawn(get_peft_model(small(), config), 4)
    save(path, model.state_dict())
    config.save_pretrained(path.parent)
    return lambda batch: model(batch)


def _necked(path: Path) -> Answer:
    module = small()
    state = dict(module.state_dict())
    save(path, prefixed(_trunk(state), "backbone.") | {"neck.weight": torch.ones(64, 64)} | _head(state))
    return embedding_of(module)
