"""Layouts whose tensors are the odd thing: their precision, their number, what stands around the blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.layouts.case import Answer, Case, answer_of, drawn, embedding_of, prefixed, save, small

State = dict[str, Tensor]


def _changed(
    name: str, change: Callable[[State], Any], file: str = "a.pth", *, build: dict[str, Any] | None = None,
    answer: Callable[[Any], Answer] = answer_of, architecture: str = "test_vit", **options: Any,
) -> Case:  # fmt: skip
    """Return a layout that is a model's state dict with a change; the model's own answer is what is wanted."""

    def write(path: Path) -> Answer:
        module = small(0, architecture, **(build or {}))
        save(path, change(dict(module.state_dict())))
        return answer(module)

    return Case(name, file, write, architecture, **options)


def cases() -> Iterator[Case]:
    """Yield the cases."""
    yield from _precisions()
    yield from _parts()
    name = "vit_xsmall_patch16_clip_224"
    yield _changed(
        "a tower of CLIP in timm's names", lambda s: s, architecture=name, size=224, build={"num_classes": 512}
    )
    yield Case("a path with spaces and other alphabets", "модель 模型 (1).safetensors", _plain)
    yield Case("linear probe behind a batch norm without weights (MAE)", "a.pth", _probe)


def _plain(path: Path) -> Answer:
    module = small()
    save(path, module.state_dict())
    return answer_of(module)


def _precisions() -> Iterator[Case]:
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        yield Case(f"tensors in {str(dtype).removeprefix('torch.')}", "a.safetensors", _cast(dtype))
    yield _changed("not contiguous, and views of one storage", _views)
    yield _changed(
        "nn.Parameter instead of tensors", lambda s: {name: nn.Parameter(value) for name, value in s.items()}
    )
    yield _changed("NumPy arrays in a torch file", lambda s: {"model": {name: v.numpy() for name, v in s.items()}})
    yield _changed("a sparse matrix", lambda s: s | {"head.weight": s["head.weight"].to_sparse()},
                   refused="sparse")  # fmt: skip
    yield _changed("tensors without numbers (meta)", lambda s: {name: v.to("meta") for name, v in s.items()},
                   refused="no numbers")  # fmt: skip
    yield _changed("complex numbers", lambda s: s | {"norm.weight": s["norm.weight"].to(torch.complex64)},
                   refused="complex64")  # fmt: skip


def _cast(dtype: torch.dtype) -> Callable[[Path], Answer]:
    def write(path: Path) -> Answer:
        module = small()
        save(path, {name: value.to(dtype) for name, value in module.state_dict().items()})
        return answer_of(module.to(dtype).float())

    return write


def _views(state: State) -> State:
    fused = torch.cat([state["blocks.0.norm1.weight"], state["blocks.0.norm1.bias"]])
    turned = state["blocks.0.mlp.fc1.weight"].T.contiguous().T
    return state | {
        "blocks.0.norm1.weight": fused[:64], "blocks.0.norm1.bias": fused[64:], "blocks.0.mlp.fc1.weight": turned,
    }  # fmt: skip


def _parts() -> Iterator[Case]:
    """Models with more or other parts than the architecture is built with."""
    registers = {"reg_tokens": 4}
    yield _changed("four registers of one's own", lambda s: s, build=registers)
    yield _changed("the same, positions of patches only", lambda s: s, build={**registers, "no_embed_class": True})
    yield _changed("distilled DeiT", lambda s: s, architecture="deit_tiny_distilled_patch16_224", size=224)
    yield _changed("DeiT III in its own names (gamma_1)",
                   lambda s: {re.sub(r"ls([12])\.gamma$", r"gamma_\1", name): v for name, v in s.items()},
                   architecture="deit3_small_patch16_224", size=224)  # fmt: skip
    yield _changed("positions of another grid", lambda s: s, build={"img_size": (192, 192)},
                   options={"trained_size": (192, 192)}, size=192)  # fmt: skip
    yield _changed(
        "patches of another size", lambda s: s, build={"patch_size": 32}, refused="patches of 32 × 32.*16 × 16"
    )
    yield _changed("MLX, whose kernels end with the colours", lambda s: s | {
        "patch_embed.proj.weight": s["patch_embed.proj.weight"].permute(0, 2, 3, 1).contiguous()},
        "a.safetensors", refused="patches of 16 × 3")  # fmt: skip
    yield _changed("a pooler between tokens and classifier", lambda s: _pooled(s), answer=embedding_of)
    yield _changed("a classifier of the classes' logits behind the head",
                   lambda s: prefixed(s, "backbone.") | {"predictor.weight": torch.ones(3, 10)},
                   answer=embedding_of)  # fmt: skip
    averaged = {"global_pool": "avg", "fc_norm": False}
    yield _changed("average pooling behind the norm", lambda s: s, build=averaged, options={"pooling": "avg"})
    yield _changed("timm's pre_logits of 2021", _pre_logits, answer=_with_pre_logits)
    yield _changed("low-rank matrices of loralib", lambda s: s | {
        "blocks.0.attn.qkv.lora_A": torch.ones(4, 64), "blocks.0.attn.qkv.lora_B": torch.ones(192, 4)},
        refused="loralib|low-rank")  # fmt: skip
    yield _changed("an embedding of the network's own (semantic_embed)",
                   lambda s: s | {"semantic_embed": torch.ones(1, 1, 64)}, refused="semantic_embed")  # fmt: skip


def _pooled(state: State) -> State:
    trunk = {name: value for name, value in state.items() if not name.startswith("head.")}
    head = {name.replace("head.", "classifier."): value for name, value in state.items() if name.startswith("head.")}
    return prefixed(trunk, "vit.") | head | {"pooler.weight": torch.eye(64), "pooler.bias": torch.ones(64)}


_GENERATOR_SEED = 6


def _second() -> nn.Linear:
    return drawn(nn.Linear(64, 64), _GENERATOR_SEED)  # type: ignore[return-value]


def _pre_logits(state: State) -> State:
    return state | {f"pre_logits.fc.{name}": value for name, value in _second().state_dict().items()}


def _with_pre_logits(module: Any) -> Answer:
    layer = _second()
    return lambda batch: module.head(torch.tanh(layer(embedding_of(module)(batch))))  # type: ignore[no-any-return]


def _probe(path: Path) -> Answer:
    module = small()
    norm = nn.BatchNorm1d(64, affine=False, eps=1e-6)
    generator = torch.Generator().manual_seed(8)
    norm.running_mean = torch.randn(64, generator=generator)
    norm.running_var = torch.rand(64, generator=generator) + 0.5
    module.head = nn.Sequential(norm, drawn(nn.Linear(64, 7), 3)).eval()
    save(path, {"model": module.state_dict()})
    return answer_of(module)
