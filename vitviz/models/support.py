"""Which models can be explained truthfully, and the reason for each that cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.proof import noise
from vitviz.capture.shell import refuse_compiled
from vitviz.capture.tap import AttentionTap
from vitviz.errors import UnsupportedModelError, VitvizError
from vitviz.grid import PatchGrid
from vitviz.record import Record

_WINDOWS = "its blocks attend inside windows, so no attention matrix over the whole picture exists"
_POOLED = "its blocks pool or merge tokens on the way, so tokens of different layers are not the same patches"
_CONVOLUTION = "it mixes convolution and attention, so attention alone does not say where a token looked"
_CHANNELS = "it attends between channels and not between patches"
_CONVOLUTIONAL = "it is a convolutional network, with no attention between patches"
_LANGUAGE = (
    "it is the picture encoder of a language model, which answers with a grid of tokens and not with one embedding"
)
_LINEAR = "it uses linear attention, which has no attention matrix"
_HEADS_MIXED = "it mixes the heads' maps before and after the softmax, so no head has a map of its own"

_CONVOLUTIONAL_FAMILIES = (
    "convmixer",
    "convnext",
    "cspnet",
    "cspnext",
    "densenet",
    "dla",
    "dpn",
    "efficientnet",
    "fasternet",
    "ghostnet",
    "hgnet",
    "hrnet",
    "inception_next",
    "inception_resnet_v2",
    "inception_v3",
    "inception_v4",
    "lcnetv2",
    "mambaout",
    "nasnet",
    "nfnet",
    "pnasnet",
    "rdnet",
    "regnet",
    "repghost",
    "repvit",
    "resnet",
    "resnetv2",
    "rexnet",
    "selecsls",
    "senet",
    "starnet",
    "tresnet",
    "vgg",
    "vovnet",
    "xception",
    "xception_aligned",
)

REASONS: dict[str, str] = {
    "swin_transformer": _WINDOWS,
    "swin_transformer_v2": _WINDOWS,
    "swin_transformer_v2_cr": _WINDOWS,
    "maxxvit": "it mixes convolution with attention in windows and grids, or on merged patches (CoAtNet)",
    "vision_transformer_sam": _WINDOWS,
    "hieradet_sam2": _WINDOWS,
    "davit": _WINDOWS,
    "gcvit": _WINDOWS,
    "nest": _WINDOWS,
    "twins": "its blocks attend inside windows and to pooled keys, so no attention matrix over the patches exists",
    "tiny_vit": _WINDOWS,
    "hiera": _POOLED,
    "mvitv2": _POOLED,
    "pit": _POOLED,
    "pvt_v2": _POOLED,
    "tnt": "each patch is a picture of its own with a second transformer inside, which one map cannot show",
    "crossvit": "two branches with different patch sizes exchange tokens, which one patch grid cannot show",
    "levit": _POOLED,
    "coat": _LINEAR,
    "convit": "it gates between attention and position in every head, which the softmax alone does not show",
    "visformer": _CONVOLUTION,
    "efficientformer": _CONVOLUTION,
    "efficientformer_v2": _CONVOLUTION,
    "fastvit": _CONVOLUTION,
    "edgenext": _CHANNELS,
    "nextvit": _CONVOLUTION,
    "metaformer": "its stages mix tokens by pooling or convolution, and by attention only on merged patches, if at all",
    "iformer": _CONVOLUTION,
    "efficientvit_mit": _LINEAR,
    "efficientvit_msra": _WINDOWS,
    "shvit": _CONVOLUTION,
    "swiftformer": "it uses additive attention, which has no attention matrix",
    "cpubone": _CONVOLUTION,
    "csatv2": _CONVOLUTION,
    "lowformer": _CONVOLUTION,
    "mobilenetv5": _CONVOLUTION,
    "xcit": _CHANNELS,
    "cait": _HEADS_MIXED,
    "volo": "its first stage is outlook attention, a predicted kernel that has no queries and keys",
    "mlp_mixer": "it mixes tokens with fixed weights and has no attention",
    "sequencer": "it mixes tokens with recurrent networks and has no attention",
    "efficientvim": "it mixes tokens with state-space models and has no attention",
    "focalnet": "it mixes tokens by focal modulation, which is gated convolution, and has no attention",
    "byobnet": (
        "it is a convolutional network, in which attention, "
        "if there is any, stands between convolutions or pools at the end"
    ),
    "mobilenetv3": (
        "it is a convolutional network, of which only some variants attend, in a few blocks and on pooled places"
    ),
    "deepseek_vit": _LANGUAGE,
    "gemma4_vit": _LANGUAGE,
    "qwen3_vit": _LANGUAGE,
    **dict.fromkeys(_CONVOLUTIONAL_FAMILIES, _CONVOLUTIONAL),
}
"""Reasons by timm source file: a refusal should say what the model does instead."""


def _refuse(name: str, reason: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{name} cannot be explained truthfully: {reason}. Wanted global self-attention over patches in every block, "
        "as in ViT, DeiT, DINO, EVA, BEiT, CLIP or SigLIP. A wrong map is worse than none: choose one of those."
    )


def check_family(name: str, module: nn.Module) -> None:
    """Raise UnsupportedModelError, with the reason, for a module that has no plain transformer blocks."""
    refuse_compiled(module)
    family = type(module).__module__.rpartition(".")[2]
    if family in REASONS:
        raise _refuse(name, REASONS[family])
    blocks = getattr(module, "blocks", None)
    if not isinstance(blocks, nn.ModuleList | nn.Sequential) or len(blocks) == 0:
        raise _refuse(name, f"{type(module).__name__} has no list of transformer blocks")
    if len({id(block) for block in blocks}) < len(blocks):
        raise _refuse(name, "it runs the same block several times, and vitviz cannot tell its layers apart")
    for part in module.modules():
        if (
            "Diff" in type(part).__name__
            and "Att" in type(part).__name__
            or type(part).__name__.startswith("DiffParallel")
        ):
            raise _refuse(name, "its attention is the difference of two softmax maps, which is not a distribution")


@dataclass(frozen=True)
class Probe(Record):
    """What one forward pass on a picture of noise shows of a model."""

    heads: tuple[int, ...]
    """Number of attention heads of each layer."""
    classes: int
    """Number of classes that it answers with; 0 if it answers with the embedding itself."""
    answer: Tensor
    """What it answers, (1, class) or (1, channel)."""


def probe(name: str, shell: nn.Module, grid: PatchGrid, image_size: tuple[int, int]) -> Probe:
    """Run one forward pass on a picture of noise and return what it shows: heads, classes and the answer.

    Raises UnsupportedModelError unless every block computes attention between exactly the tokens of the grid, and the
    head returns one embedding and one row of logits.
    """
    with torch.inference_mode(False), torch.no_grad(), AttentionTap() as tap:
        embedding, logits = _answers(name, shell, image_size)
    return Probe(_heads(name, shell, grid, tap), _classes(name, embedding, logits), logits)


def _answers(name: str, shell: Any, image_size: tuple[int, int]) -> tuple[Any, Any]:
    """Return what the head makes of a picture of noise, before and after the classifier."""
    if next(shell.parameters(), None) is None:
        raise _refuse(name, "it has no parameters, so nothing says its type and device")
    if next(shell.parameters()).is_meta:
        raise _refuse(name, "its weights are on the meta device and have no values")
    try:
        features = shell.forward_features(noise(shell, image_size))
        return shell.forward_head(features, pre_logits=True), shell.forward_head(features)
    except VitvizError:
        raise
    except (RuntimeError, ValueError, TypeError, AssertionError, AttributeError, IndexError, KeyError) as error:
        raise _refuse(
            name, f"a forward pass on a {image_size[0]} × {image_size[1]} picture failed ({error})"
        ) from error


def _classes(name: str, embedding: Any, logits: Any) -> int:
    """Return the width of the logits, or 0 where the head hands the embedding on."""
    if not isinstance(embedding, Tensor) or embedding.ndim != 2 or len(embedding) != 1:
        raise UnsupportedModelError(
            f"The head of {name} makes {_shape(embedding)} of one picture; wanted one embedding, "
            "of shape (1, channel). Build the model with a pooling, such as global_pool='token' or 'avg'."
        )
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != 1:
        raise UnsupportedModelError(
            f"The classifier of {name} makes {_shape(logits)} of one picture; wanted one row of logits, "
            "of shape (1, class). Give it a classifier that returns one number a class, or none: nn.Identity()."
        )
    handed_on = logits.shape == embedding.shape and torch.allclose(logits, embedding, rtol=0, atol=0, equal_nan=True)
    return 0 if handed_on else int(logits.shape[1])


def _shape(value: Any) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _heads(name: str, shell: nn.Module, grid: PatchGrid, tap: AttentionTap) -> tuple[int, ...]:
    blocks: nn.Module = shell.blocks  # type: ignore[assignment]
    layers = len(list(blocks.children()))
    heads = [0] * layers
    for call in tap.calls:
        if call.layer is None:
            continue
        batch, count, query, _ = call.queries.shape
        if batch != 1:
            raise _refuse(
                name, f"block {call.layer} splits the picture into {batch} parts before it attends ({_WINDOWS})"
            )
        if not query == call.keys.shape[-2] == grid.tokens:
            raise _refuse(
                name,
                f"block {call.layer} attends from {query} to {call.keys.shape[-2]} tokens where the patch grid has "
                f"{grid.tokens} ({grid.rows} × {grid.columns} patches and {len(grid.prefix)} prefix tokens)",
            )
        heads[call.layer] += count
    silent = [str(layer) for layer, count in enumerate(heads) if not count]
    if silent:
        raise _refuse(name, f"no attention was seen in block {', '.join(silent)} of {layers}")
    return tuple(heads)
