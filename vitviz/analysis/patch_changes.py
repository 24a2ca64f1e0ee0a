"""A picture with some of its patches changed: painted over, blurred, shuffled among themselves, or taken out."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from vitviz.analysis.replacement import PICTURES, REMOVED, replacement_picture, without_patches
from vitviz.analysis.shuffling import check_separate, move_patches, order_among
from vitviz.argument import checked
from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.errors import GridError, check_choice, check_index
from vitviz.models.inputs import Picture, input_of
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace

SHUFFLED = "shuffled"
CHANGES = (*PICTURES, SHUFFLED, REMOVED)
"""What may happen to patches: a replacement picture, new places among themselves, or no tokens at all."""


@checked
def change_patches(
    vit: ViT, image: Picture, patches: Iterable[int], change: str = "grey", *, keep_only: bool = False, seed: int = 0
) -> Trace:
    """Run a picture through a model with some patches changed; the trace's ``pixels`` are the changed picture.

    ``change`` is one of CHANGES: "mean", "blur", "grey", "black" and "noise" paint over the patches, as
    ``replacement_picture`` says; "shuffled" lets them change places among themselves, none of them staying; "removed"
    takes their tokens out: nothing attends to them and no pooling counts them, and the pixels stay.
    ``keep_only`` changes all the other patches instead. Without any patch to change it is the plain trace.

    Raises OptionError for an unknown change and a patch outside the grid, GridError if every patch would be removed,
    UnsupportedModelError for shuffling where patches overlap.

    >>> vitviz.change_patches(vit, "photo.jpg", range(128), "grey").logits.shape
    torch.Size([200])
    """
    chosen = chosen_patches(vit, patches, keep_only=keep_only)
    pixels = input_of(vit, image)
    changed, edit = changed_input(vit, pixels, chosen, change, seed=seed)
    return trace(vit, changed, edit=edit)


def chosen_patches(vit: ViT, patches: Iterable[int], *, keep_only: bool = False) -> Tensor:
    """Return which patches are changed, (patch,) of bool: the given ones or, with ``keep_only``, all others.

    Raises OptionError for a patch outside the grid.
    """
    chosen = torch.zeros(vit.grid.patches, dtype=torch.bool)
    for patch in patches:
        chosen[check_index("Patch", patch, vit.grid.patches)] = True
    return ~chosen if keep_only else chosen


def changed_input(vit: ViT, pixels: Tensor, chosen: Tensor, change: str, *, seed: int = 0) -> tuple[Tensor, Edit]:
    """Return the input (3, height, width) with the chosen patches (patch,) changed, and the edit that removes tokens.

    Raises what ``change_patches`` raises.
    """
    check_choice("Change", change, CHANGES)
    numbers = chosen.nonzero()[:, 0].tolist()
    if change == SHUFFLED:
        check_separate(vit)
        order = order_among(vit.grid.patches, numbers, seed=seed)
        return move_patches(pixels, vit.grid, order), NO_EDIT
    if change == REMOVED and len(numbers) == vit.grid.patches:
        raise GridError(
            "All {count} patches would be removed, so nothing of the picture is left; wanted at least "
            "one that stays. Choose fewer, or paint over them instead.",
            count=len(numbers),
        )
    behind = replacement_picture(vit, pixels, change, seed=seed)
    changed, kept = without_patches(vit, pixels, chosen, change, behind)
    tokens = [len(vit.grid.prefix) + patch for patch in numbers]
    return changed, NO_EDIT if kept is None else Edit(mask_tokens=tokens)
