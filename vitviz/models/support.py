"""Which models can be explained truthfully, and the reason for each that cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.pairs import has_forward, is_pair
from vitviz.capture.proof import noise
from vitviz.capture.shell import refuse_scripted, unwrapped
from vitviz.capture.tap import AttentionTap
from vitviz.clause import Clause
from vitviz.errors import UnsupportedModelError, VitvizError
from vitviz.grid import PatchGrid
from vitviz.models import timm_door
from vitviz.models.geometry import blocks_in
from vitviz.out_of_memory import raise_if_short
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


READ = (
    "beit", "deit", "eva", "naflexvit", "vision_transformer", "vision_transformer_hybrid", "vision_transformer_relpos",
    "vitamin",
)  # fmt: skip
"""timm's source files whose models are read, as the sweep of all of them found (``benchmarks/sweep_timm.py``)."""


_DIFFERENCE = r"Diff\w*Block|attn_layer=.?diff"
"""How timm's source says that a model's attention is the difference of two maps."""


@lru_cache(maxsize=1)
def readable_names() -> tuple[str, ...]:
    """Return the names of timm's architectures that can be explained, without building any.

    >>> from vitviz.models.support import readable_names
    >>> "vit_tiny_patch16_224" in readable_names(), "swin_tiny_patch4_window7_224" in readable_names()
    (True, False)
    """
    return tuple(name for name in timm_door.names_of(READ) if not re.search(_DIFFERENCE, timm_door.source_of(name)))


def refusal_of(name: str, reason: str) -> UnsupportedModelError:
    """Return the error for a model that cannot be read truthfully, with the reason."""
    return UnsupportedModelError(
        "{name} cannot be explained truthfully: {reason}. Wanted global self-attention over "
        "patches in every block, as in ViT, DeiT, DINO, EVA, BEiT, CLIP or SigLIP. A wrong map is "
        "worse than none: choose one of those.",
        name=name,
        reason=reason,
    )


def check_family(name: str, module: nn.Module) -> None:
    """Raise UnsupportedModelError, with the reason, for a module of a family without plain transformer blocks."""
    module = unwrapped(module)
    refuse_scripted(module)
    family = type(module).__module__.rpartition(".")[2]
    if family in REASONS:
        raise refusal_of(name, REASONS[family])
    place = blocks_in(module)
    if place is None:
        raise _without_blocks(name, module)
    blocks = list(module.get_submodule(place))  # type: ignore[call-overload]
    if len({id(block) for block in blocks}) < len(blocks):
        raise refusal_of(name, Clause("it runs the same block several times, and vitviz cannot tell its layers apart"))
    if not all(map(has_forward, blocks)) and not all(map(is_pair, blocks)):
        raise refusal_of(
            name,
            Clause(
                "its list of blocks holds lists of parts which have no forward of their own, and nothing says where a "
                "block ends; wanted pairs of attention and MLP (as in vit-pytorch), or modules that are called with "
                "tokens and return them"
            ),
        )
    for part in module.modules():
        if (
            "Diff" in type(part).__name__
            and "Att" in type(part).__name__
            or type(part).__name__.startswith("DiffParallel")
        ):
            raise refusal_of(
                name, Clause("its attention is the difference of two softmax maps, which is not a distribution")
            )


def _without_blocks(name: str, module: nn.Module) -> UnsupportedModelError:
    """Return the refusal of a module in which no list of transformer blocks was found."""
    for part in module.modules():
        refuse_scripted(part)
        family = type(part).__module__.rpartition(".")[2]
        if type(part).__module__.startswith("timm.models.") and family in REASONS:
            return refusal_of(name, REASONS[family])
    return refusal_of(name, Clause("{kind} has no list of transformer blocks", kind=type(module).__name__))


@dataclass(frozen=True)
class Probe(Record):
    """What one forward pass on a picture of noise shows of a model."""

    heads: tuple[int, ...]
    """Number of attention heads of each layer."""
    classes: int
    """Number of classes that it answers with; 0 if it answers with the embedding itself."""
    answer: Tensor
    """What it answers, (1, class) or (1, channel)."""


FAULTS = (RuntimeError, ValueError, TypeError, AssertionError, AttributeError, IndexError, KeyError)
"""What the code of a model may raise for an input that it does not take."""


def probe(name: str, shell: nn.Module, grid: PatchGrid, shape: tuple[int, int, int], tap: AttentionTap) -> Probe:
    """Run one forward pass on a picture of noise and return what it shows: heads, classes and the answer.

    ``shape`` is (channel, height, width); ``tap`` records the pass.
    Raises UnsupportedModelError unless every block computes attention between exactly the tokens of the grid, and the
    head returns one embedding and one row of logits.
    """
    check_weights(name, shell)
    with torch.inference_mode(False), torch.no_grad(), tap:
        embedding, logits = _answers(name, shell, shape)
    layers = len(list(shell.blocks.children()))  # type: ignore[union-attr]
    return Probe(heads_seen(name, grid, tap, layers), _classes(name, embedding, logits), logits)


def check_weights(name: str, shell: nn.Module) -> None:
    """Raise UnsupportedModelError for a module without weights, or whose weights have no values."""
    if next(shell.parameters(), None) is None:
        raise refusal_of(name, Clause("it has no parameters, so nothing says its type and device"))
    if next(shell.parameters()).is_meta:
        raise refusal_of(name, Clause("its weights are on the meta device and have no values"))


def _answers(name: str, shell: Any, shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Return what the head makes of a picture of noise, before and after the classifier."""
    try:
        features = shell.forward_features(noise(shell, shape))
        return shell.forward_head(features, pre_logits=True), shell.forward_head(features)
    except VitvizError:
        raise
    except FAULTS as error:
        raise_if_short(error)
        raise refusal_of(
            name,
            Clause(
                "a forward pass on a {width} × {shape} picture failed ({error})",
                width=shape[1],
                shape=shape[2],
                error=error,
            ),
        ) from error


def _classes(name: str, embedding: Any, logits: Any) -> int:
    """Return the width of the logits, or 0 where the head hands the embedding on."""
    if not isinstance(embedding, Tensor) or embedding.ndim != 2 or len(embedding) != 1:
        raise UnsupportedModelError(
            "The head of {name} makes {shape} of one picture; wanted one embedding, of shape (1, "
            "channel). Build the model with a pooling, such as global_pool='token' or 'avg'.",
            name=name,
            shape=_shape(embedding),
        )
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != 1:
        raise UnsupportedModelError(
            "The classifier of {name} makes {shape} of one picture; wanted one row of logits, of "
            "shape (1, class). Give it a classifier that returns one number a class, or none: "
            "nn.Identity().",
            name=name,
            shape=_shape(logits),
        )
    check_no_shares(name, logits)
    handed_on = logits.shape == embedding.shape and torch.allclose(logits, embedding, rtol=0, atol=0, equal_nan=True)
    return 0 if handed_on else int(logits.shape[1])


def check_no_shares(name: str, answer: Tensor) -> None:
    """Raise UnsupportedModelError for an answer of probabilities: everything here reads logits."""
    row = answer.detach().float()
    whole = next((whole for whole in (1, 100) if bool(((row.sum(-1) / whole - 1).abs() < 1e-2).all())), None)
    if row.shape[-1] > 1 and bool((row >= 0).all()) and whole is not None:
        raise UnsupportedModelError(
            "{name} answers shares that add up to {whole}; wanted logits, the numbers before the "
            "softmax. Take the softmax out of its forward: probabilities are computed from the "
            "logits where they are shown.",
            name=name,
            whole=whole,
        )


def _shape(value: Any) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def heads_seen(name: str, grid: PatchGrid, tap: AttentionTap, layers: int) -> tuple[int, ...]:
    """Return the number of heads of each layer that a tap has seen.

    Raises UnsupportedModelError, with the reason, for attention that is not between all tokens of the grid.
    """
    heads = [0] * layers
    for call in tap.calls:
        if call.layer is None:
            continue
        batch, count, query, _ = call.queries.shape
        if batch != 1:
            raise refusal_of(
                name,
                Clause(
                    "block {layer} splits the picture into {batch} parts before it attends ({windows})",
                    layer=call.layer,
                    batch=batch,
                    windows=_WINDOWS,
                ),
            )
        if not query == call.keys.shape[-2] == grid.tokens:
            raise refusal_of(
                name,
                Clause(
                    "block {layer} attends from {query} to {shape} tokens where the patch grid has "
                    "{tokens} ({rows} × {columns} patches and {count} prefix tokens)",
                    layer=call.layer,
                    query=query,
                    shape=call.keys.shape[-2],
                    tokens=grid.tokens,
                    rows=grid.rows,
                    columns=grid.columns,
                    count=len(grid.prefix),
                ),
            )
        heads[call.layer] += count
    silent = [str(layer) for layer, count in enumerate(heads) if not count]
    if silent:
        raise refusal_of(
            name, Clause("no attention was seen in block {listed} of {layers}", listed=", ".join(silent), layers=layers)
        )
    return tuple(heads)
