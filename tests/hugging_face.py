"""A small model of every kind of transformers that vitviz reads, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.models.hugging_face.library import transformers

Make = Callable[[Any], nn.Module]
SMALL = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48,
    "image_size": 64, "patch_size": 16,
}  # fmt: skip
SEVEN = {"num_labels": 7}
TEXT = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50,
    "max_position_embeddings": 8, "projection_dim": 24, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
TALL = {"image_size": (48, 80)}


def _of(name: str, config: str, options: dict[str, Any], **more: Any) -> Make:
    return lambda library: getattr(library, name)(getattr(library, config)(**options), **more)


def _whole(name: str, config: str, **more: Any) -> Make:
    options = {"text_config": TEXT, "vision_config": SMALL | {"projection_dim": 24}, "projection_dim": 24, **more}
    return _of(name, config, options)


MODELS: dict[str, Make] = {
    "ViT": _of("ViTForImageClassification", "ViTConfig", SMALL | SEVEN),
    "ViT, not square": _of("ViTForImageClassification", "ViTConfig", SMALL | SEVEN | TALL),
    "ViT, features": _of("ViTModel", "ViTConfig", SMALL),
    "ViT, no pooler": _of("ViTModel", "ViTConfig", SMALL, add_pooling_layer=False),
    "DeiT": _of("DeiTForImageClassification", "DeiTConfig", SMALL | SEVEN),
    "DeiT, features": _of("DeiTModel", "DeiTConfig", SMALL),
    "DeiT, distilled": _of("DeiTForImageClassificationWithTeacher", "DeiTConfig", SMALL | SEVEN),
    "BEiT": _of("BeitForImageClassification", "BeitConfig", SMALL | SEVEN | {"use_relative_position_bias": True}),
    "BEiT, class token": _of(
        "BeitForImageClassification", "BeitConfig",
        SMALL | SEVEN | {
            "use_shared_relative_position_bias": True, "use_absolute_position_embeddings": True,
            "use_mean_pooling": False,
        },
    ),
    "BEiT, features": _of("BeitModel", "BeitConfig", SMALL | {"use_relative_position_bias": True}),
    "DINOv2": _of("Dinov2ForImageClassification", "Dinov2Config", SMALL | SEVEN),
    "DINOv2, features": _of("Dinov2Model", "Dinov2Config", SMALL | {"use_swiglu_ffn": True}),
    "DINOv2, registers": _of(
        "Dinov2WithRegistersForImageClassification", "Dinov2WithRegistersConfig", SMALL | SEVEN
    ),
    "DINOv2, registers, features": _of("Dinov2WithRegistersModel", "Dinov2WithRegistersConfig", SMALL),
    "DINOv3": _of("DINOv3ViTModel", "DINOv3ViTConfig", SMALL | {"num_register_tokens": 4}),
    "CLIP": _of("CLIPVisionModel", "CLIPVisionConfig", SMALL),
    "CLIP, projection": _of("CLIPVisionModelWithProjection", "CLIPVisionConfig", SMALL | {"projection_dim": 24}),
    "CLIP, whole": _whole("CLIPModel", "CLIPConfig"),
    "CLIP, classifier": _whole("CLIPForImageClassification", "CLIPConfig", **SEVEN),
    "SigLIP": _of("SiglipVisionModel", "SiglipVisionConfig", SMALL),
    "SigLIP, no head": _of("SiglipVisionModel", "SiglipVisionConfig", SMALL | {"vision_use_head": False}),
    "SigLIP, whole": _whole("SiglipModel", "SiglipConfig"),
    "SigLIP, classifier": _whole("SiglipForImageClassification", "SiglipConfig", **SEVEN),
    "I-JEPA": _of("IJepaForImageClassification", "IJepaConfig", SMALL | SEVEN),
    "I-JEPA, features": _of("IJepaModel", "IJepaConfig", SMALL),
    "MAE": _of("ViTMAEModel", "ViTMAEConfig", SMALL),
    "MAE, pretraining": _of(
        "ViTMAEForPreTraining", "ViTMAEConfig",
        SMALL | {
            "decoder_hidden_size": 16, "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2,
            "decoder_intermediate_size": 16,
        },
    ),
}  # fmt: skip


def model(name: str, seed: int = 0) -> Any:
    """Return a small model in eval mode, its weights large enough for attention far from uniform."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = MODELS[name](transformers()).eval()
        with torch.no_grad():
            for parameter in made.parameters():
                fan_in = parameter[0].numel() if parameter.ndim > 1 else 25
                parameter.add_(torch.randn_like(parameter) * 0.8 / max(fan_in, 1) ** 0.5)
    return made


def picture(size: tuple[int, int], seed: int = 1) -> Tensor:
    """Return one input, (3, height, width)."""
    return torch.randn(3, *size, generator=torch.Generator().manual_seed(seed))
