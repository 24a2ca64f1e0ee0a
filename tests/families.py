"""One small model of every family that vitviz reads, with random weights, and what its unfused code computes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from vitviz.models.hugging_face.wrapping import adapted
from vitviz.models.timm_door import timm  # mended for the torchvision that is there

Size = tuple[int, int]


@dataclass(frozen=True)
class Family:
    """How to build a small member of a family."""

    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    prefix: tuple[str, ...] = ("class",)
    heads: int = 2
    sizes: tuple[Size, Size] = ((64, 64), (48, 80))
    """A square and another picture."""
    patch: int = 16


NARROW = {"embed_dim": 32, "num_heads": 2, "depth": 2, "num_classes": 7}
FOUR = tuple(f"register {number}" for number in range(1, 5))
FAMILIES = {
    "ViT": Family("vit_tiny_patch16_224", NARROW),
    "DeiT distilled": Family("deit_tiny_distilled_patch16_224", NARROW, ("class", "distillation")),
    "DeiT-3": Family("deit3_small_patch16_224", NARROW),
    "DINOv2 with registers": Family(
        "vit_small_patch14_reg4_dinov2", NARROW, ("class", *FOUR), sizes=((56, 56), (42, 70)), patch=14
    ),
    "DINOv3": Family("vit_small_patch16_dinov3", NARROW, ("class", *FOUR)),
    "EVA-02": Family("eva02_tiny_patch14_224", NARROW, ("class",), 2, ((56, 56), (42, 70)), 14),
    "BEiT": Family("beit_base_patch16_224", NARROW),
    "CLIP": Family("vit_base_patch32_clip_224", NARROW, ("class",), 2, ((96, 96), (64, 128)), 32),
    "SigLIP": Family("vit_base_patch16_siglip_224", NARROW, ()),
    "FlexiViT": Family("flexivit_small", NARROW),
    "RoPE ViT": Family("vit_small_patch16_rope_224", NARROW),
    "RoPE of learned mixture": Family("vit_small_patch16_rope_mixed_224", NARROW),
    "NaFlexViT": Family("naflexvit_base_patch16_gap", NARROW, FOUR),
    "hybrid stem": Family("vit_tiny_r_s16_p8_224", NARROW, ("class",), 2, ((64, 64), (64, 96)), 32),
    "hybrid R50": Family("vit_base_r50_s16_224", NARROW, ("class",)),
    "relative positions": Family("vit_relpos_small_patch16_224", NARROW, ()),
    "parallel block": Family("vit_base_patch16_xp_224", NARROW),
    "two branches": Family("vit_small_patch16_18x2_224", NARROW, ("class",), 4),
    "q/k norm": Family("vit_tiny_patch16_224", NARROW | {"qk_norm": True}),
    "gated attention": Family("naflexvit_base_patch16_gap", NARROW | {"attn_gated": True, "rope_type": "axial"}, FOUR),
    "average pooling": Family("vit_base_patch16_gap_224", NARROW, ()),
    "one register": Family("vit_medium_patch16_reg1_gap_256", NARROW, ("register 1",)),
}


SMALL = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "image_size": 64, "patch_size": 16, "num_labels": 7,
}  # fmt: skip
HUGGING_FACE = {
    "Hugging Face ViT": Family("ViT", SMALL),
    "Hugging Face BEiT": Family("Beit", SMALL | {"use_relative_position_bias": True}),
    "Hugging Face DINOv2 with registers": Family("Dinov2WithRegisters", SMALL, ("class", *FOUR)),
    "Hugging Face I-JEPA": Family("IJepa", SMALL, ()),
}
"""The same of transformers: the classifiers of four kinds, trained for a square, with their positions interpolated."""
ALL = {**FAMILIES, **HUGGING_FACE}


def _of_transformers(kind: Family) -> nn.Module:
    import transformers  # the door of vitviz mended torchvision for it

    config = getattr(transformers, f"{kind.architecture}Config")(**kind.options)
    model: nn.Module = getattr(transformers, f"{kind.architecture}ForImageClassification")(config)
    return model


@cache
def member(family: str, size: Size, seed: int = 0) -> nn.Module:
    """Return the small model of a family for a picture size. Nobody changes it: deepcopy it first."""
    kind = ALL[family]
    options = dict(kind.options)
    if "naflexvit" not in kind.architecture:  # it takes any size
        options["img_size"] = size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if family in HUGGING_FACE:
            model = _of_transformers(kind).eval()
            sharpen(model)
            return adapted(family, model)
        module = timm.create_model(kind.architecture, **options).eval()
        sharpen(module)
    return module


def sharpen(module: nn.Module) -> None:
    """Enlarge the random weights, so that attention is far from uniform and every part counts."""
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 25
            parameter.add_(torch.randn_like(parameter) * 1.5 / fan_in**0.5)


def noise(size: Size, seed: int = 0, count: int | None = None) -> Tensor:
    """Return one input (3, height, width), or ``count`` of them."""
    shape = (3, *size) if count is None else (count, 3, *size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def unfused(module: nn.Module) -> nn.Module:
    """Return a copy of a module with fused attention off."""
    plain = copy.deepcopy(module)
    for part in plain.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
        if hasattr(part, "config"):
            part.config._attn_implementation_internal = "eager"  # type: ignore[union-attr]
    return plain


class SoftmaxMode(TorchFunctionMode):
    """Hands every softmax over four-dimensional scores to a function: result → result."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.change = change

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        soft = function in (Tensor.softmax, torch.softmax, functional.softmax) and result.ndim == 4
        return self.change(result) if soft else result


def eager(module: nn.Module, pixels: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return every attention map (heads, query, key) and the answer of the unfused module for one input."""
    maps: list[Tensor] = []

    def keep(attention: Tensor) -> Tensor:
        maps.append(attention[0].clone())
        return attention

    with torch.no_grad(), SoftmaxMode(keep):
        answer: Tensor = unfused(module)(pixels[None])[0]
    return maps, answer
