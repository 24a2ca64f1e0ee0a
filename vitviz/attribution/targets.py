"""Targets that take a forward pass to find."""

from __future__ import annotations

from typing import Any

import torch

from vitviz.argument import checked
from vitviz.errors import check_index
from vitviz.models.inputs import Picture
from vitviz.models.vit import ViT
from vitviz.trace.run import trace
from vitviz.trace.target import Likeness, likeness


@checked
def patch_likeness(vit: ViT, image: Picture, patch: int) -> Likeness:
    """Return the target "similarity to a patch": the projection of the embedding on that patch's own embedding.

    The patch's embedding is what the model's last norm and pooling make of its token alone. ``patch`` counts from 0,
    row by row. Raises OptionError for a patch outside the grid.

    >>> vitviz.patch_likeness(vit, "photo.jpg", 100).label
    'similarity to the patch in row 7, column 5'
    """
    token = len(vit.grid.prefix) + check_index("Patch", patch, vit.grid.patches)
    shell: Any = vit.shell
    stream = trace(vit, image).residual(vit.layers - 1)[None]  # (1, token, channel)
    norm = getattr(shell, "norm", None)
    with vit.lock, torch.no_grad():
        stream = vit.as_input(stream)
        features = stream if norm is None else norm(stream)
        alone = features[:, token : token + 1].expand_as(features)  # whichever token is pooled is the patch's
        embedding = shell.forward_head(alone, pre_logits=True)[0]
    row, column = vit.grid.position(patch)
    return likeness(embedding, f"similarity to the patch in row {row + 1}, column {column + 1}")
