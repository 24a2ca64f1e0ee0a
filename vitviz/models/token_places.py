"""Token places: that patches and prefix tokens stand in a pass where the patch grid says that they do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.own_forward import OwnForward, answers_of
from vitviz.capture.shell import private_shell
from vitviz.capture.tap import AttentionTap
from vitviz.clause import Clause
from vitviz.grid import PatchGrid
from vitviz.models.geometry import CLASS_TOKENS
from vitviz.models.structure import Structure
from vitviz.models.support import refusal_of

_OWN = 1e-3
"""Part of a patch's own change from which the change of another token is no rounding."""


class _FirstBlock(AttentionTap):
    """Ends a pass where the first block begins."""

    def enter_block(self, layer: int, stream: Tensor) -> Tensor | None:
        """Hand out the tokens that the first block is given."""
        raise _Entered(stream)


class _Entered(BaseException):
    """The first block began; no code of the user's takes it for an error of its own."""

    def __init__(self, tokens: Tensor) -> None:
        super().__init__()
        self.tokens = tokens


def _entering(shell: nn.Module, picture: Tensor) -> Tensor:
    """Return the tokens that enter the first block, (token, channel)."""
    try:
        with torch.inference_mode(False), torch.no_grad(), _FirstBlock():
            answers_of(shell, picture, embedding=False, logits=False)
    except _Entered as entered:
        return entered.tokens[0].float()
    raise AssertionError  # all blocks were seen to run


def _tried(grid: PatchGrid) -> set[int]:
    return {0, grid.columns - 1, grid.patches // 2, grid.patches - 1}


def _changed(example: Tensor, grid: PatchGrid, patch: int) -> Tensor:
    """Return a picture with other pixels in one patch."""
    left, top, right, bottom = grid.box(patch)
    changed = example.clone()
    changed[..., top:bottom, left:right] = changed[..., top:bottom, left:right] * -0.5 + 0.7
    return changed


def _moved(shell: nn.Module, changed: Tensor, before: Tensor) -> Tensor:
    """Return how far each token, (token,), that enters the first block is from what it was before."""
    moved: Tensor = (_entering(shell, changed) - before).norm(dim=-1)
    return moved


def sees_own_patches(shell: nn.Module, example: Tensor, grid: PatchGrid) -> bool:
    """Return whether a token that enters the first block is made from the pixels of its own patch alone, as measured.

    ``example`` is a picture, (1, channel, height, width).
    """
    before = _entering(shell, example)
    tried = [_moved(shell, _changed(example, grid, patch), before) for patch in _tried(grid)]
    return all(bool((moved > _OWN * moved.max()).sum() == 1) for moved in tried)


def check_places(name: str, shell: nn.Module, example: Tensor, grid: PatchGrid) -> list[str]:
    """Return what a reader should know of what tokens hold before the first block.

    A patch of the picture is changed, and its token is the one that enters the first block most changed.
    Raises UnsupportedModelError unless the tokens stand where the grid says: prefix first, patches row by row.
    """
    before, wide = _entering(shell, example), False
    for patch in _tried(grid):
        changed = _changed(example, grid, patch)
        moved = _moved(shell, changed, before)
        place = int(moved.argmax())
        if place != len(grid.prefix) + patch:
            raise refusal_of(
                name,
                Clause(
                    "a change of patch {patch} was seen at token {place}, where token {count} was "
                    "wanted: {other_count} prefix tokens ({listed}), then the patches row by row",
                    patch=patch,
                    place=place,
                    count=len(grid.prefix) + patch,
                    other_count=len(grid.prefix),
                    listed=", ".join(grid.prefix) or "none",
                ),
            )
        wide = wide or bool((moved > _OWN * moved[place]).sum() > 1)
    if not wide:
        return []
    return [Clause("its tokens see more than their own patch before the first block: pixels of others are in them")]


def check_class_token(name: str, module: nn.Module, structure: Structure, example: Tensor) -> None:
    """Raise UnsupportedModelError unless the class token stands first, where there are other prefix tokens too.

    Its vector is changed in a copy, and its token is the one that enters the first block changed.
    """
    if len(structure.grid.prefix) < 2 or structure.grid.prefix[0] != "class":
        return
    shape = (structure.channels, *structure.image_size)
    shell = OwnForward(
        private_shell(module), blocks=structure.blocks, body=structure.body, read=structure.read, shape=shape
    )
    body: Any = shell.body
    owners = [(owner, held) for owner in (body, getattr(body, "embeds", None)) for held in CLASS_TOKENS]
    vectors = [(owner, held) for owner, held in owners if isinstance(owner, nn.Module) and held in owner._parameters]
    if not vectors:
        return
    before, (owner, held) = _entering(shell, example), vectors[0]
    own = owner._parameters[held]
    assert own is not None
    owner._parameters[held] = nn.Parameter(own.detach() * -0.5 + 0.7, requires_grad=False)
    place = int((_entering(shell, example) - before).norm(dim=-1).argmax())
    if place:
        raise refusal_of(
            name,
            Clause(
                "its class token is token {place}, behind other prefix tokens, where token 0 was wanted: which of them "
                "are registers or prompts cannot be told",
                place=place,
            ),
        )
