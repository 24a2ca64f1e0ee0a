"""Folders that Hugging Face's transformers saves: model.safetensors with config.json beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.layouts.case import Answer, Case, drawn, prefixed, save

_SMALL = {"hidden_size": 64, "num_hidden_layers": 6, "intermediate_size": 192, "image_size": 160, "patch_size": 16}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    two = {**_SMALL, "num_attention_heads": 2}
    for heads in (2, 4):
        yield _case("ViTForImageClassification", {**_SMALL, "num_attention_heads": heads, "num_labels": 5})
    yield _case("DeiTForImageClassification", {**two, "num_labels": 5})
    yield _case("ViTModel", two, answer=_class_token)
    yield _case("ViTMAEModel", {**two, "mask_ratio": 0.0}, answer=None)
    dino = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6, "image_size": 518, "patch_size": 14}
    yield _case("Dinov2Model", dino, "vit_small_patch14_dinov2", 518, answer=_class_token)
    registers = "vit_small_patch14_reg4_dinov2"
    yield _case("Dinov2WithRegistersModel", dino, registers, 518, answer=_class_token)
    tower = {"hidden_size": 256, "num_hidden_layers": 10, "num_attention_heads": 4, "intermediate_size": 1024,
             "image_size": 224, "patch_size": 16, "projection_dim": 512}  # fmt: skip
    name = "vit_xsmall_patch16_clip_224"
    yield _case("CLIPVisionModelWithProjection", tower, name, 224, answer=lambda out: out.image_embeds)
    for kind in ("CLIPForImageClassification", "ViTModel"):  # a classifier over other tokens, and behind a pooler
        yield _classified(kind, tower if kind.startswith("CLIP") else two)
    base = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
            "image_size": 224, "patch_size": 16}  # fmt: skip
    beit = base | {"use_relative_position_bias": True, "num_labels": 5}
    yield _case("BeitForImageClassification", beit, "beit_base_patch16_224", 224)
    yield _case("SiglipVisionModel", base, "vit_base_patch16_siglip_224", 224, answer=lambda out: out.pooler_output)
    dinov3 = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536, "num_register_tokens": 4,
              "image_size": 256}  # fmt: skip
    yield _case("DINOv3ViTModel", dinov3, "vit_small_patch16_dinov3_qkvb", 256, answer=_patches)
    teacher = "DeiTForImageClassificationWithTeacher"
    deit = {"hidden_size": 192, "num_hidden_layers": 12, "num_attention_heads": 3, "intermediate_size": 768,
            "image_size": 224, "patch_size": 16, "num_labels": 5}  # fmt: skip
    yield _case(teacher, deit, "deit_tiny_distilled_patch16_224", 224)


def _classified(kind: str, settings: dict[str, Any]) -> Case:
    """Return a model whose classifier reads something else than timm's: only its embedding can be shown."""
    clip = kind.startswith("CLIP")

    def write(path: Path) -> Answer:
        import torch
        import transformers

        if clip:
            vision = transformers.CLIPVisionConfig(**settings)
            config = transformers.CLIPConfig(vision_config=vision.to_dict(), num_labels=5)
            model: Any = drawn(transformers.CLIPForImageClassification(config))
            model.save_pretrained(path.parent)
            tower = model.vision_model
            return lambda batch: tower(batch).pooler_output
        inner: Any = drawn(transformers.ViTModel(transformers.ViTConfig(**settings)))
        head = {"classifier.weight": torch.ones(5, 64), "classifier.bias": torch.zeros(5)}
        save(path, prefixed(inner.state_dict(), "vit.") | head)
        inner.config.save_pretrained(path.parent)
        return lambda batch: inner(batch).last_hidden_state[:, 0]

    name = f"Hugging Face {kind}" + ("" if clip else " with a pooler and a classifier of one's own")
    architecture, size = ("vit_xsmall_patch16_clip_224", 224) if clip else ("test_vit", 160)
    return Case(name, "model.safetensors", write, architecture, size=size)


def _class_token(out: Any) -> Any:
    return out.last_hidden_state[:, 0]


def _patches(out: Any) -> Any:
    return out.last_hidden_state[:, 5:].mean(1)


def _logits(out: Any) -> Any:
    return out.logits


def _case(
    name: str,
    settings: dict[str, Any],
    architecture: str = "test_vit",
    size: int = 160,
    answer: Callable[[Any], Any] | None = _logits,
) -> Case:
    def write(path: Path) -> Answer:
        import transformers

        kind: Any = getattr(transformers, name)
        model = drawn(kind(kind.config_class(**settings)))
        model.save_pretrained(path.parent)  # type: ignore[operator]
        if answer is None:
            return _without_shuffling(model)
        return lambda batch: answer(model(batch))

    heads = settings["num_attention_heads"]
    return Case(f"Hugging Face {name}, {heads} heads", "model.safetensors", write, architecture, size=size)


def _without_shuffling(model: Any) -> Answer:
    """Return the class token of an MAE encoder, which draws the order of its patches: it depends on none."""
    return lambda batch: model(batch).last_hidden_state[:, 0]
