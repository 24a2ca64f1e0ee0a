"""Which models of transformers are read, how each makes its answer of the tokens, and why others are refused.

Models are known by the names of the classes that they are, or inherit from: nothing here needs the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import nn

from vitviz.clause import Clause
from vitviz.errors import UnsupportedModelError
from vitviz.record import Record

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
Colours = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Family(Record):
    """A kind of vision tower: how it is called and what its code does on the way."""

    pool: str
    """What its own answer is read from: "class", "patches", "pooler" or "attention"."""
    colours: Colours
    """Mean and deviation of the published models, for a model that comes without a processor."""
    norm: str = "layernorm"
    """Name of the norm after the blocks; empty where none is applied to all tokens."""
    interpolates: str = "asked"
    """How it takes other sizes: "asked" by an argument, "always" by itself."""


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "ViTModel": Family("pooler", HALF),
        "DeiTModel": Family("pooler", IMAGENET),
        "BeitModel": Family("pooler", HALF, interpolates="always"),
        "Dinov2Model": Family("class", IMAGENET, interpolates="always"),
        "Dinov2WithRegistersModel": Family("class", IMAGENET, interpolates="always"),
        "DINOv3ViTModel": Family("class", IMAGENET, "norm", interpolates="always"),
        "CLIPVisionModel": Family("class", OPENAI, ""),
        "SiglipVisionModel": Family("attention", HALF, "post_layernorm"),
        "IJepaModel": Family("patches", IMAGENET),
        "ViTMAEModel": Family("class", IMAGENET),
    }
)
"""Vision towers by class."""

HEADS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ViTForImageClassification": ("class", ("classifier",)),
        "DeiTForImageClassification": ("class", ("classifier",)),
        "DeiTForImageClassificationWithTeacher": ("both tokens", ("cls_classifier", "distillation_classifier")),
        "BeitForImageClassification": ("pooler", ("classifier",)),
        "Dinov2ForImageClassification": ("class and patches", ("classifier",)),
        "Dinov2WithRegistersForImageClassification": ("class and patches", ("classifier",)),
        "CLIPForImageClassification": ("patches", ("classifier",)),
        "SiglipForImageClassification": ("patches", ("classifier",)),
        "IJepaForImageClassification": ("patches", ("classifier",)),
    }
)
"""Models with a classifier: what it reads of the tokens, and where it is."""
PROJECTIONS = ("CLIPVisionModelWithProjection", "CLIPModel")
"""Towers behind a linear projection into the space that pictures share with texts."""
TWO_TOWERS = ("CLIPModel", "SiglipModel")
"""Models of pictures and texts: their vision tower is read."""
ENCODERS = ("ViTMAEForPreTraining",)
"""Models whose encoder is read, without what follows it."""

_WINDOWS = "it attends inside windows, so no attention matrix over the whole picture exists"
_CONVOLUTIONAL = "it is a convolutional network, with no attention between patches"
_VIDEO = "it reads videos: its tokens lie in time as well as in the picture, which one patch grid cannot show"
_DETECTION = "it finds objects with queries of its own, so its answer is no class or embedding of the whole picture"
_POOLED = "it merges tokens on the way, so tokens of different layers are not the same patches"
REASONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("swin", "swinv2", "swin2sr", "donut-swin", "maskformer-swin", "sam", "sam2", "vitdet"), _WINDOWS
        ),
        **dict.fromkeys(
            ("convnext", "convnextv2", "dinov3_convnext", "resnet", "regnet", "efficientnet"), _CONVOLUTIONAL
        ),
        **dict.fromkeys(("bit", "mobilenet_v1", "mobilenet_v2", "poolformer", "focalnet"), _CONVOLUTIONAL),
        **dict.fromkeys(("videomae", "vivit", "timesformer", "vjepa2", "x_clip", "videoprism"), _VIDEO),
        **dict.fromkeys(
            ("detr", "conditional_detr", "deformable_detr", "dab-detr", "rt_detr", "rt_detr_v2"), _DETECTION
        ),
        **dict.fromkeys(("yolos", "owlvit", "owlv2", "grounding-dino", "d_fine", "rf_detr", "lw_detr"), _DETECTION),
        **dict.fromkeys(("pvt", "pvt_v2", "levit", "hiera", "cvt", "segformer", "glpn", "mobilevit"), _POOLED),
        "audio-spectrogram-transformer": "it reads the spectrogram of a sound and no picture",
        "siglip2": (
            "its patches come cut and padded from its processor, at any aspect, and not as a picture (NaFlex). SigLIP "
            "2 of a fixed size is stored as a model of the kind siglip and can be read"
        ),
    }
)
"""Reasons for refusals by ``config.model_type``."""
READ = "ViT, DeiT, BEiT, DINOv2, DINOv3 ViT, CLIP, SigLIP, I-JEPA or ViT-MAE"


def is_hugging_face(module: nn.Module) -> bool:
    """Return whether a module is a model of transformers, or of a class that inherits from one."""
    return "PreTrainedModel" in classes_of(module)


def classes_of(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the classes of transformers that a module is."""
    return names_of(type(module))


def names_of(kind: type) -> tuple[str, ...]:
    """Return the names of the classes of transformers in a class's line of inheritance, nearest first."""
    return tuple(base.__name__ for base in kind.__mro__ if base.__module__.partition(".")[0] == "transformers")


def check_kind(name: str, kind: type, config: Any) -> None:
    """Raise UnsupportedModelError, with the reason, for a class of transformers that is not read."""
    names = names_of(kind)
    if any(known in names for known in (*FAMILIES, *HEADS, *PROJECTIONS, *TWO_TOWERS, *ENCODERS)):
        return
    reason = REASONS.get(str(getattr(config, "model_type", "")).removesuffix("_vision_model"))
    if reason is None and any(kind.__name__.startswith(f"{tower.removesuffix('Model')}For") for tower in FAMILIES):
        reason = Clause("its answer is neither classes nor one embedding of the picture; pass its encoder instead")
    raise refusal(name, kind, reason or Clause("vitviz does not know how its code makes an answer of its tokens"))


def refusal(name: str, kind: type, reason: str) -> UnsupportedModelError:
    """Return the error for a model of transformers that is not read, with the reason."""
    told = kind.__name__ if name == kind.__name__ else Clause("{name}, a {kind},", name=name, kind=kind.__name__)
    return UnsupportedModelError(
        "{told} cannot be explained truthfully: {reason}. Of transformers, {read} are read, with "
        "and without a classifier or projection. Choose one of those.",
        told=told,
        reason=reason,
        read=READ,
    )
