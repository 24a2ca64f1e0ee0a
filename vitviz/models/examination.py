"""Examination: what a pass through a module did that would make maps of its blocks untrue, refused or told.

The proof (``vitviz.capture.proof``) says that the observed answer is the module's own. This says that its blocks come
one after the other, that a token stays in its place, that nothing attends beside them, and that a picture's answer is
its own in a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitviz.capture.checked import CheckedTap
from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.own_forward import answers_of
from vitviz.capture.proof import differ, noise, observed_answer
from vitviz.capture.tap import AttentionCall, AttentionTap, stream_in
from vitviz.clause import Clause, listed
from vitviz.errors import UnsupportedModelError
from vitviz.grid import PatchGrid
from vitviz.models.structure import Structure
from vitviz.models.support import FAULTS, Probe, refusal_of
from vitviz.out_of_memory import raise_if_short

Arguments = list[tuple[tuple[Any, ...], dict[str, Any]]]
"""What each block was given, in order."""
_LIBRARIES = ("torch.", "torchvision.", "timm.", "transformers.", "peft.", "vitviz.")
_MIXING = 1e-3
"""Part of a token's own change from which another token's is no rounding."""


@contextmanager
def arguments_watched(blocks: Iterable[nn.Module]) -> Iterator[Arguments]:
    """Note what the blocks of a shell are given that no other thread has yet."""
    given: Arguments = []
    handles = [
        block.register_forward_pre_hook(lambda _, args, kwargs: given.append((args, kwargs)), with_kwargs=True)
        for block in blocks
    ]
    try:
        yield given
    finally:
        for handle in handles:
            handle.remove()


def check_pass(name: str, tap: CheckedTap, layers: int, answer: Tensor) -> None:
    """Raise UnsupportedModelError for blocks that do not run one after the other, and for an answer of shares."""
    _check_order(name, tap, layers)
    for call in tap.calls:
        if call.layer is None and call.queries.shape[-2] > 1:
            raise refusal_of(
                name,
                Clause(
                    "it attends outside of its list of blocks too, from {query} to {key} tokens (a second "
                    "transformer, or a decoder), which the maps of its blocks do not show",
                    query=call.queries.shape[-2],
                    key=call.keys.shape[-2],
                ),
            )
    for shares in tap.shares:
        if shares.shape == answer.shape and torch.equal(shares.to(answer), answer):
            raise UnsupportedModelError(
                "{name} answers what a sigmoid made of its logits; wanted the logits. Take the sigmoid out of its "
                "forward and give ViT.from_module multi_label=True: probabilities are computed from the logits where "
                "they are shown.",
                name=name,
            )


def must_copy(name: str, tap: CheckedTap, *, copied: bool) -> bool:
    """Return whether blocks write into the tokens they are given, so that copies must be observed.

    Raises UnsupportedModelError where copies were observed, and what attention was computed from changed all the same.
    """
    if tap.overwritten and copied:
        raise refusal_of(name, Clause("its queries, keys or values are written over after it attended"))
    return tap.overwritten


def examined(
    name: str, module: nn.Module, shell: Any, tap: CheckedTap, given: Arguments, seen: Probe, structure: Structure
) -> list[str]:
    """Return what a reader should know of the pass on noise that a tap recorded.

    Raises UnsupportedModelError where maps would be untrue. Blocks are run by themselves, and pictures beside each
    other, where a module has code of the user's own.
    """
    notes = _notes_on(tap)
    if not is_of_libraries(module):
        notes += _check_blocks(name, list(shell.blocks.children()), given, seen.heads, structure.grid)
        example = noise(shell, (structure.channels, *structure.image_size))
        _check_batch(name, shell, example, seen.answer, tap.calls)
    return notes


def _check_order(name: str, tap: CheckedTap, layers: int) -> None:
    twice = sorted({layer for layer in tap.entered if tap.entered.count(layer) > 1})
    if twice:
        raise refusal_of(
            name,
            Clause(
                "it runs block {layer} {count} times in one pass (one block for many layers, several crops of a "
                "picture), and vitviz cannot tell its layers apart",
                layer=twice[0],
                count=tap.entered.count(twice[0]),
            ),
        )
    if len(tap.entered) == layers and tap.entered != sorted(tap.entered):
        raise refusal_of(
            name, Clause("it runs its blocks in the order {listed}", listed=", ".join(map(str, tap.entered)))
        )
    if tap.beside:
        raise refusal_of(
            name,
            Clause(
                "block {layer} is given what the block before it was given: they stand side by side, and no layer "
                "follows the other",
                layer=min(tap.beside),
            ),
        )
    if tap.reordered:
        raise refusal_of(
            name,
            Clause("its tokens are brought into another order before block {layer}", layer=min(tap.reordered)),
        )


def _notes_on(tap: CheckedTap) -> list[str]:
    """Return what a reader of the maps should know of the way from block to block."""
    if not tap.changed:
        return []
    return [
        Clause(
            "what goes from block to block is changed on the way, before block {listed}: rollout does not know of it",
            listed=", ".join(map(str, sorted(tap.changed))),
        )
    ]


def is_of_libraries(module: nn.Module) -> bool:
    """Return whether all of a module is code of torch, timm or transformers, without hooks and forwards put on it.

    Nothing in that mixes the pictures of a batch but a batch norm without statistics.
    """
    for part in module.modules():
        if not _is_library(type(part)) or "forward" in vars(part):
            return False
        if any(
            isinstance(value, FunctionType | MethodType) and not _is_library(value) for value in vars(part).values()
        ):
            return False
        if part._forward_hooks or part._forward_pre_hooks:
            return False
        if isinstance(part, _BatchNorm) and part.running_mean is None:
            return False
    return True


def _is_library(code: Any) -> bool:
    return f"{code.__module__}.".startswith(_LIBRARIES)


def _check_batch(name: str, shell: nn.Module, example: Tensor, answer: Tensor, calls: Sequence[AttentionCall]) -> None:
    """Raise UnsupportedModelError unless the answer to a picture stays what it is beside another picture.

    ``example`` is (1, channel, height, width), ``answer`` what the shell answered to it alone, and ``calls`` its
    attention then.
    """
    pair = torch.cat([example, 1 - example.flip(-1) / 2])
    tap = AttentionTap()
    try:
        with torch.inference_mode(False), torch.no_grad(), tap:
            both = answers_of(shell, pair, embedding=False).logits
    except FAULTS as error:
        raise_if_short(error)
        raise refusal_of(
            name, Clause("a forward pass on two pictures at once failed ({error})", error=str(error).split(". ")[0])
        ) from error
    assert both is not None  # it was asked for
    if both.shape != (2, *answer.shape[1:]):
        got = Clause("to two pictures at once it answers a tensor of shape {shape}", shape=tuple(both.shape))
        raise refusal_of(name, got)
    if differ(answer, both[:1]) is not None:
        if differ(answer, observed_answer(shell, example)) is not None:
            raise refusal_of(name, Clause("called again with the same picture it answers something else"))
        raise refusal_of(
            name,
            Clause(
                "its answer to a picture depends on the other pictures of the batch, as behind a batch norm without "
                "statistics"
            ),
        )
    alone = (call for call in calls if call.layer is not None)
    beside = (call for call in tap.calls if call.layer is not None)
    if any(differ(own.queries, other.queries[:1]) is not None for own, other in zip(alone, beside, strict=True)):
        raise refusal_of(name, Clause("its heads lie in the batch before the pictures, and vitviz reads them behind"))


def _check_blocks(
    name: str, blocks: Sequence[nn.Module], arguments: Arguments, heads: Sequence[int], grid: PatchGrid
) -> list[str]:
    """Run blocks by themselves, one token changed, and return what a reader should know of how they mix tokens.

    Raises UnsupportedModelError for a block that attends twice in a row, or to tokens in another order than the
    grid's. A block that does not run by itself is let through.
    """
    token, mixing = len(grid.prefix) + grid.patches // 3, []
    for layer, (block, given) in enumerate(zip(blocks, arguments, strict=True)):
        silent = Edit(ablate_heads=[(layer, head) for head in range(heads[layer])])
        try:
            (before, stream), (after, other) = (_alone(block, layer, given, silent, at) for at in (None, token))
            whole = _alone(block, layer, given, NO_EDIT, None)[0] if len(before) > 1 else before
        except (*FAULTS, UnsupportedModelError) as error:
            raise_if_short(error)
            continue
        pairs = [(getattr(a, part), getattr(b, part)) for a, b in zip(before, after, strict=True) for part in _PARTS]
        if any(int(_changes(own, changed).argmax()) != token for own, changed in pairs):
            raise refusal_of(
                name,
                Clause(
                    "block {layer} brings its tokens into another order before it attends, or mixes them", layer=layer
                ),
            )
        if any(differ(a.queries, b.queries) is not None for a, b in zip(before, whole, strict=True)):
            raise refusal_of(
                name,
                Clause(
                    "block {layer} attends several times, one after the other, which one map cannot show", layer=layer
                ),
            )
        if any(_mixes(own, changed, token) for own, changed in (*pairs, (stream, other))):
            mixing.append(Clause("block {layer}", layer=layer))
    if not mixing:
        return []
    note = "{listed} mixes tokens by more than attention, as a convolution does: rollout does not know of it"
    return [Clause(note, listed=listed(mixing, ", "))]


_PARTS = ("queries", "keys")


def _alone(
    block: nn.Module, layer: int, given: tuple[tuple[Any, ...], dict[str, Any]], edit: Edit, token: int | None
) -> tuple[list[AttentionCall], Tensor]:
    """Return the attention calls of a block run by itself and the tokens it hands on, one of its tokens changed."""
    args, kwargs = given
    name = None if args else next(iter(kwargs))
    tokens = (args[0] if name is None else kwargs[name]).clone()  # (1, token, channel)
    if token is not None:
        tokens[:, token] = torch.roll(tokens[:, token], 1, -1)
    with torch.inference_mode(False), torch.no_grad(), AttentionTap(edit) as tap:
        output = block(tokens, *args[1:], **kwargs) if name is None else block(**{**kwargs, name: tokens})
    return tap.calls, stream_in(output, layer)


def _changes(own: Tensor, changed: Tensor) -> Tensor:
    """Return how far each token moved, (token,): of (1, token, channel), or of (1, heads, token, head_dim)."""
    off = (own.float() - changed.float()).movedim(-2, 0).flatten(1)
    moved: Tensor = off.norm(dim=-1)
    return moved


def _mixes(own: Tensor, changed: Tensor, token: int) -> bool:
    moved = _changes(own, changed)
    others = torch.cat([moved[:token], moved[token + 1 :]])
    return bool(others.numel()) and float(others.max()) > _MIXING * float(moved[token])
