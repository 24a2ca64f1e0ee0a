"""What is painted when the Patches page opens: patches that one method ranks highest, enough to move the answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.patch_changes import changed_input
from vitviz.analysis.scoring import scores
from vitviz.attention.view import attention_view
from vitviz.attribution import attribute, why_not
from vitviz.errors import VitvizError
from vitviz.models.vit import ViT
from vitviz.trace import Trace
from vitviz.trace.target import resolve_target
from vitviz.ui.reader.scene import Scene, first_query

METHOD = "gradient_rollout"
"""It knows which answer it explains, and takes a single pass and its gradients."""
CHANGE = "grey"
SHARES = tuple(tenths / 10 for tenths in range(1, 6))
"""Of the patches, tried in this order, in one batch: others may wait for the model."""
USUAL = 0.1
"""Share of a model without classes, whose answer cannot be seen to move."""
_BATCH = 5


def patches(scene: Scene) -> frozenset[int]:
    """Return the patches that are painted at first.

    They are those that gradient-weighted rollout ranks highest for the answer: as few tenths of all patches as,
    in grey, leave less than half of the answer's probability, or those that leave least of it. A model without
    classes, or whose gradients cannot be had, opens on the tenth that its last layer looks at most.
    """
    if scene.vit.has_classifier and why_not(METHOD, scene.vit) is None:
        try:
            return _moving(scene.model_key, scene.photo.digest, scene.vit, scene.original)
        except VitvizError:
            pass  # gradients that vanish, or memory that runs out: the other example needs neither
    shown = attention_view(scene.original, layer=scene.original.layers - 1, query=first_query(scene.vit))
    return _highest(shown.values, USUAL)


@st.cache_data(max_entries=48, show_spinner=False)
def _moving(model_key: str, digest: str, _vit: ViT, _trace: Trace) -> frozenset[int]:
    (best, chance), *_rest = _trace.top(1)
    answer = resolve_target(_vit, best, _trace.logits)
    ranked = attribute(METHOD, _vit, _trace.pixels, target=answer).values
    sets = [_highest(ranked, share) for share in SHARES]
    left = scores(_vit, _greyed(_vit, _trace.pixels, sets), answer, probability=True, batch_size=_BATCH)
    enough = [at for at, share in enumerate(left.tolist()) if share < chance / 2]
    return sets[enough[0] if enough else int(left.argmin())]


def _greyed(vit: ViT, pixels: Tensor, sets: list[frozenset[int]]) -> Iterator[Tensor]:
    for chosen in sets:
        mask = torch.isin(torch.arange(vit.grid.patches), torch.tensor(sorted(chosen)))  # (patch,)
        yield changed_input(vit, pixels, mask, CHANGE)[0]


def _highest(values: NDArray[np.floating], share: float) -> frozenset[int]:
    count = max(1, round(values.size * share))
    return frozenset(np.argsort(-values.ravel(), kind="stable")[:count].tolist())
