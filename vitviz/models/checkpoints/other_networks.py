"""Checkpoints of networks that are no Vision Transformer with global attention: told by the names of their tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vitviz.clause import Clause
from vitviz.errors import CheckpointError

_WINDOWS = Clause(
    "its blocks attend inside windows or over merged tokens, so no attention matrix over the whole picture exists"
)
_NO_ATTENTION = Clause("it is a convolutional network, with no attention between patches")
_NETWORKS = (
    (r"(?:.*\.)?(?:layers|stages)\.\d+\.blocks\.\d+\.(?:attn|attention)\..*(?:relative_position|logit_scale|cpb_mlp|qkv)",
     Clause("a Swin Transformer"), _WINDOWS),
    (r"(?:.*\.)?encoder\.layers\.\d+\.blocks\.\d+\.(?:layernorm_before|attention)", Clause("a Swin Transformer"),
     _WINDOWS),
    (r"(?:.*\.)?features\.\d+\.\d+\.attn\.relative_position", Clause("a Swin Transformer"), _WINDOWS),
    (r"(?:.*\.)?blocks\.\d+\.attn\.rel_pos_[hw]$", Clause("an encoder of Segment Anything"), _WINDOWS),
    (r"(?:.*\.)?layer1\.0\.conv1\.weight$", Clause("a ResNet"), _NO_ATTENTION),
    (r"(?:.*\.)?stages\.\d+\.(?:blocks\.)?\d+\.(?:conv_dw|dwconv)\.weight$", Clause("a ConvNeXt"), _NO_ATTENTION),
    (r"(?:.*\.)?(?:conv_stem|features\.0\.0)\.weight$", Clause("an EfficientNet or MobileNet"), _NO_ATTENTION),
    (r"(?:.*\.)?features\.0\.weight$", Clause("a VGG or AlexNet"), _NO_ATTENTION),
    (r"(?:.*\.)?embed_tokens\.weight$|(?:.*\.)?wte\.weight$|(?:.*\.)?word_embeddings\.weight$",
     Clause("a language model"), Clause("it reads words, not pictures")),
    (r"(?:.*\.)?to_patch_embedding\.\d\.weight$", Clause("lucidrains' vit-pytorch"),
     Clause("timm has no architecture with its patch embedding: give the module itself to ViT.from_module")),
)  # fmt: skip
_OPTIMISER = re.compile(r"(?:.*\.)?state\.\d+\.(?:exp_avg|momentum_buffer|exp_avg_sq)$")


def check_network(name: str, tensors: Iterable[str], *, wanted: Iterable[str] = (), windows_only: bool = False) -> None:
    """Raise CheckpointError for a checkpoint that holds no Vision Transformer, if its names tell what it is.

    ``wanted`` are the names of the architecture asked for, which may be such a network itself: the CNN beside a ViT.
    ``windows_only`` asks for those alone whose blocks have the names of a ViT's.
    """
    names, own = list(tensors), list(wanted)
    for pattern, kind, reason in _NETWORKS:
        if any(re.match(pattern, key) for key in own):
            continue
        if (reason is _WINDOWS or not windows_only) and any(re.match(pattern, key) for key in names):
            raise CheckpointError(
                "{name} holds {kind}; wanted a Vision Transformer, and {reason}.", name=name, kind=kind, reason=reason
            )
    if names and all(_OPTIMISER.match(key) or key.endswith(".step") for key in names):
        raise CheckpointError(
            "{name} holds the states of an optimiser alone; wanted the weights of a model. Give the file with the "
            "model's state_dict, which lies beside it.",
            name=name,
        )
