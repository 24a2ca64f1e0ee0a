"""Scores of one picture with many choices of patches gone, by the quickest pass that is exact for the model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vitviz.analysis.quick_pass import QuickPass
from vitviz.analysis.replacement import REMOVED, without_patches
from vitviz.analysis.scoring import SoFar, drops_exactly, in_batches, scores
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.trace.target import Target

_WORTH_IT = 8
"""From so many choices on, preparing the quick pass costs less than it saves."""
_CACHED_NUMBERS = 460_000
"""Tokens times channels. Measured with ViT-S: 4 pictures of 257 tokens take 10% less each than 16, and 15% less than
one; with ViT-Ti 12 pictures of 197 tokens take less than 4 or 24."""


def masked_scores(
    vit: ViT,
    pixels: Tensor,
    gone: Sequence[Tensor],
    target: Target,
    replacement: str,
    *,
    behind: Tensor,
    batch_size: int = 16,
    progress: Progress | None = None,
    so_far: SoFar | None = None,
    quick: bool = True,
) -> Tensor:
    """Return the target's score with each choice of patches gone: (choice,), or (choice, number) for some targets.

    Each of ``gone`` is (patch,) of bool; ``behind`` is the ``replacement_picture``. Where the embedding treats every
    patch by itself, unchanged patches are embedded only once; where no block counts its tokens, removed ones are not
    computed at all. ``so_far`` is told on the way what the first choices scored, where they come in their order (not so
    where dropped tokens have them sorted by number). ``quick=False`` runs whole pictures, which is the same up to
    rounding. Raises what ``scores`` raises.
    """
    if quick and replacement != REMOVED and len(gone) >= _WORTH_IT:
        fast = QuickPass.of(vit, pixels, behind, target)
        if fast is not None:
            size = min(batch_size, _cached_images(vit, fast.channels))
            count = len(gone)
            return in_batches(vit, fast.scores, gone, batch_size=size, progress=progress, total=count, so_far=so_far)
    if quick and replacement == REMOVED and drops_exactly(vit):
        with vit.lock.long_work():
            return _by_count(vit, pixels, gone, target, batch_size, progress, so_far)
    pictures = (without_patches(vit, pixels, choice, replacement, behind) for choice in gone)
    return scores(vit, pictures, target, batch_size=batch_size, progress=progress, total=len(gone), so_far=so_far)


def _cached_images(vit: ViT, channels: int) -> int:
    """Return how many pictures are best run at once: on a processor, those whose numbers stay in its cache."""
    if vit.device.type != "cpu":
        return 1_000_000
    return max(1, _CACHED_NUMBERS // (vit.grid.tokens * channels))


def _by_count(
    vit: ViT,
    pixels: Tensor,
    gone: Sequence[Tensor],
    target: Target,
    batch_size: int,
    progress: Progress | None,
    so_far: SoFar | None,
) -> Tensor:
    """Return the scores with tokens removed, in batches of which every picture keeps as many."""
    counts = torch.tensor([int(choice.sum()) for choice in gone])
    in_order = so_far if len(counts.unique()) == 1 else None
    order = counts.argsort(stable=True)
    done, parts = 0, []

    def onward(now: int, _total: int) -> bool | None:
        return None if progress is None else progress(done + now, len(gone))

    for count in counts.unique():  # ascending, as the order
        places = order[counts[order] == count].tolist()
        pictures = ((pixels, ~gone[place]) for place in places)
        parts.append(
            scores(vit, pictures, target, batch_size=batch_size, progress=onward, total=len(places), so_far=in_order)
        )
        done += len(places)
    together = torch.cat(parts) if parts else torch.empty(0)
    return together[order.argsort()] if parts else together
