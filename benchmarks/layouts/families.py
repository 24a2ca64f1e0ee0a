"""Layouts of published models: self-supervised ones, torchvision, OpenAI's CLIP, Google's JAX, Hugging Face."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.layouts import clip
from benchmarks.layouts.case import Answer, Case, answer_of, drawn, prefixed, save, small

State = dict[str, Tensor]


def _family(
    name: str,
    content: Callable[[State], Any],
    *,
    seed: int = 0,
    file: str = "a.pth",
    build: dict[str, Any] | None = None,
    architecture: str = "test_vit",
    **case: Any,
) -> Case:
    def write(path: Path) -> Answer:
        module = small(seed, architecture, **{"num_classes": 0, **(build or {})})
        save(path, content(dict(module.state_dict())))
        return answer_of(module)

    return Case(name, file, write, architecture, **case)


def _other(state: State) -> State:
    return {name: value + 1 for name, value in state.items()}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    projector = {"head.mlp.0.weight": torch.ones(8, 64), "head.last_layer.weight_v": torch.ones(9, 8)}
    yield _family(
        "DINO, training",
        lambda s: {"student": prefixed(_other(s), "module.backbone."), "teacher": prefixed(s, "backbone.") | projector},
    )
    yield _family("DINO, student wanted", lambda s: {
        "student": prefixed(s, "module.backbone.") | prefixed(projector, "module."),
        "teacher": prefixed(_other(s), "backbone.")}, options={"weights_kind": "raw"})  # fmt: skip
    yield _family("DINO, hub", lambda s: s)
    yield _family(
        "iBOT", lambda s: {"teacher": prefixed(s | {"masked_embed": torch.ones(1, 64)}, "backbone.") | projector}
    )
    decoder = {"mask_token": torch.ones(1, 1, 32), "decoder_embed.weight": torch.ones(32, 64),
               "decoder_pos_embed": torch.ones(1, 101, 32), "decoder_blocks.0.norm1.bias": torch.ones(32)}  # fmt: skip
    yield _family("MAE, pretrained with decoder", lambda s: {"model": s | decoder})
    yield _family("MAE, encoder alone", lambda s: {"model": s})
    mlp = {"head.0.weight": torch.ones(4096, 384), "head.1.weight": torch.ones(4096)}
    yield _family(
        "MoCo-v3, ViT-S of 12 heads",
        lambda s: {"state_dict": prefixed(_other(s) | mlp, "module.base_encoder.")
                   | prefixed(s | mlp, "module.momentum_encoder.")
                   | {"module.predictor.0.weight": torch.ones(4096, 256)}},
        architecture="vit_small_patch16_224", build={"num_heads": 12}, size=224, file="a.pth.tar",
    )  # fmt: skip
    yield Case("torchvision's VisionTransformer", "a.pth", _torchvision)
    yield Case("Google's JAX", "a.npz", _jax)
    yield Case("Google's JAX, bfloat16", "a.npz", _jax_of_two_bytes)
    yield Case("Google's JAX, a layer with tanh before the classifier", "a.npz", _jax_of_21k)
    write = clip.writer(quick=False, scripted=False)
    yield Case("CLIP in OpenAI's names, GELU", "a.pt", write, "vit_xsmall_patch16_clip_224", size=224)
    script = clip.writer(quick=True, scripted=True)
    yield Case("OpenAI's CLIP, TorchScript archive", "a.pt", script, "vit_xsmall_patch16_clip_224", size=224)
    yield from _dino2()
    yield _family(
        "BEiT", lambda s: {"model": s}, architecture="beit_base_patch16_224", build={"num_classes": 9}, size=224
    )
    yield _family("DINOv3, hub", _dinov3, architecture="vit_small_patch16_dinov3", size=256)


def _dino2() -> Iterator[Case]:
    plain, registers = "vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2"
    token = {"mask_token": torch.zeros(1, 384)}
    size: dict[str, Any] = {"size": 518}
    yield _family("DINOv2, hub", lambda s: s | token, architecture=plain, **size)
    yield _family("DINOv2 with registers, hub", lambda s: _registers(s) | token, architecture=registers, **size)
    for through in (True, False):
        yield _family(
            f"DINOv2, training, blocks in chunks{'' if through else ' counted anew'}",
            lambda s, through=through: {"teacher": prefixed(_chunked(s, through) | token, "backbone.") | {
                "dino_head.last_layer.weight_g": torch.ones(3, 1)}},
            architecture=plain, **size,
        )  # fmt: skip


def _registers(state: State) -> State:
    """Undo timm's conversion: the class token's position lies in the table again."""
    own = torch.full((1, 1, 384), 0.1)
    positions = torch.cat([own, state["pos_embed"]], 1)
    rest = {name: value for name, value in state.items() if name != "reg_token"}
    return rest | {
        "pos_embed": positions, "cls_token": state["cls_token"] - own, "register_tokens": state["reg_token"],
    }  # fmt: skip


def _chunked(state: State, through: bool) -> State:
    def name(key: str) -> str:
        match = re.match(r"blocks\.(\d+)\.(.*)", key)
        if match is None:
            return key
        block = int(match[1])
        return f"blocks.{block // 3}.{block if through else block % 3}.{match[2]}"

    return {name(key): value for key, value in state.items()}


def _dinov3(state: State) -> State:
    names = {"reg_token": "storage_tokens"}
    tensors = {re.sub(r"gamma_([12])", r"ls\1.gamma", names.get(name, name)): value for name, value in state.items()}
    bias = {f"blocks.{block}.attn.qkv.bias": torch.zeros(3 * 384) for block in range(12)}
    mask = {f"blocks.{block}.attn.qkv.bias_mask": torch.full((3 * 384,), float("nan")) for block in range(12)}
    return tensors | bias | mask | {"mask_token": torch.zeros(1, 384), "rope_embed.periods": torch.ones(16)}


def _torchvision(path: Path) -> Answer:
    from torchvision.models import VisionTransformer

    module = drawn(VisionTransformer(160, 16, 6, 2, 64, 192, num_classes=10))
    save(path, module.state_dict())
    return answer_of(module)


def _jax(path: Path) -> Answer:
    """Write Google's names; what timm's own converter makes of the file is the model to agree with."""
    np.savez(path, **_jax_file(small().state_dict()))
    module: Any = small(9)
    module.load_pretrained(str(path))
    return answer_of(module)


def _jax_of_two_bytes(path: Path) -> Answer:
    """Write bfloat16 as NumPy does that knows no such type: two bytes without a meaning."""
    module: Any = small().to(torch.bfloat16)
    file = {name: np.asarray(value) for name, value in _jax_file(module.float().state_dict()).items()}
    rounded = {name: torch.from_numpy(value.copy()).to(torch.bfloat16) for name, value in file.items()}
    np.savez(path, **{name: value.view(torch.int16).numpy().view("V2") for name, value in rounded.items()})
    return answer_of(module)


def _jax_of_21k(path: Path) -> Answer:
    """Write the layer that the first ViTs had before their classifier of 21,843 classes; timm drops it."""
    module: Any = small(9)
    layer = drawn(torch.nn.Linear(64, 64))
    own = {"pre_logits/kernel": layer.weight.detach().T.numpy(), "pre_logits/bias": layer.bias.detach().numpy()}
    np.savez(path, **_jax_file(module.state_dict()), **own)
    module.head = torch.nn.Sequential(layer, torch.nn.Tanh(), module.head)
    return answer_of(module)


def _jax_file(state: State) -> dict[str, Any]:
    file: dict[str, Any] = {
        "cls": state["cls_token"],
        "embedding/kernel": state["patch_embed.proj.weight"].permute(2, 3, 1, 0),
        "embedding/bias": state["patch_embed.proj.bias"],
        "Transformer/posembed_input/pos_embedding": state["pos_embed"],
        "Transformer/encoder_norm/scale": state["norm.weight"],
        "Transformer/encoder_norm/bias": state["norm.bias"],
        "head/kernel": state["head.weight"].T,
        "head/bias": state["head.bias"],
    }
    for block in range(6):
        file |= {f"Transformer/encoderblock_{block}/{name}": value for name, value in _jax_block(state, block).items()}
    return {name: value.numpy() for name, value in file.items()}


def _jax_block(state: dict[str, Tensor], block: int) -> dict[str, Tensor]:
    own = {name.removeprefix(f"blocks.{block}."): value for name, value in state.items()}
    tensors = {
        "LayerNorm_0/scale": own["norm1.weight"], "LayerNorm_0/bias": own["norm1.bias"],
        "LayerNorm_2/scale": own["norm2.weight"], "LayerNorm_2/bias": own["norm2.bias"],
        "MlpBlock_3/Dense_0/kernel": own["mlp.fc1.weight"].T, "MlpBlock_3/Dense_0/bias": own["mlp.fc1.bias"],
        "MlpBlock_3/Dense_1/kernel": own["mlp.fc2.weight"].T, "MlpBlock_3/Dense_1/bias": own["mlp.fc2.bias"],
    }  # fmt: skip
    place = "MultiHeadDotProductAttention_1"
    weights, biases = own["attn.qkv.weight"].chunk(3), own["attn.qkv.bias"].chunk(3)
    for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
        tensors |= {f"{place}/{name}/kernel": weight.T.reshape(64, 2, 32), f"{place}/{name}/bias": bias.reshape(2, 32)}
    out = own["attn.proj.weight"].T.reshape(2, 32, 64)
    return tensors | {f"{place}/out/kernel": out, f"{place}/out/bias": own["attn.proj.bias"]}
