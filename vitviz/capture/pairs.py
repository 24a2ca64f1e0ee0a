"""Blocks that are pairs: lists of attention and MLP without a module around them, as vit-pytorch keeps its layers.

The loop over such pairs, ``x = attention(x) + x`` and ``x = mlp(x) + x``, stands in the forward of the module that
holds the list. In a shell each pair is made one block, and the rest of that forward stays the user's own. A pass
through the untouched code has to show first that the loop does just that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.clause import Clause
from vitviz.record import Record


class ResidualPair(nn.Module):
    """Two residual steps, one after the other; the parts keep the names that they have in their list."""

    def __init__(self, pair: nn.ModuleList) -> None:
        super().__init__()
        for name, part in pair.named_children():
            self.add_module(name, part)
        self.training = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens (image, token, channel) after both steps."""
        for part in self._modules.values():
            assert part is not None
            x = part(x) + x
        return x


class _PassedBy(nn.ModuleList):
    """A list of blocks, by name, whose loop runs none of them."""

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(())


def is_pair(block: nn.Module) -> bool:
    """Return whether a block is a list of two parts that are called, and nothing that is called itself."""
    parts = list(block.children()) if isinstance(block, nn.ModuleList) else []
    return len(parts) == 2 and not has_forward(block) and all(map(has_forward, parts))


def has_forward(part: nn.Module) -> bool:
    """Return whether a module can be called, and is not only a list of others."""
    return getattr(part.forward, "__func__", None) is not nn.Module.forward


def fault_of_pairs(root: nn.Module, blocks: Sequence[str], example: Tensor) -> str | None:
    """Return in which way the forward of a shell does not run its pairs as residual steps, or None.

    The module that holds them must be given what the first part is given, and each part, once and in order, the tokens
    alone: exactly what the part before was given plus what it answered. The errors of the shell's forward come through.
    """
    holder, steps = root.get_submodule(_holder_of(blocks)), list[_Step]()
    parts = [part for name in blocks for part in root.get_submodule(name).children()]
    watched = [
        part.register_forward_hook(partial(_note, steps, place), with_kwargs=True) for place, part in enumerate(parts)
    ]
    watched.append(holder.register_forward_pre_hook(partial(_note, steps, _HOLDER), with_kwargs=True))
    try:
        with torch.inference_mode(False), torch.no_grad():
            root(example)
    finally:
        for handle in watched:
            handle.remove()
    return _fault_in(steps, len(parts))


_HOLDER = -1


@dataclass(frozen=True, eq=False)
class _Step(Record):
    """What a part was given and answered, both (image, token, channel); None for anything but one tensor."""

    place: int
    """Number of the part among all; _HOLDER for the module that holds them."""
    given: Tensor | None
    answer: Tensor | None


def _note(steps: list[_Step], place: int, part: nn.Module, args: Any, kwargs: Any, output: Any = None) -> None:
    given = args[0].clone() if len(args) == 1 and not kwargs and isinstance(args[0], Tensor) else None
    steps.append(_Step(place, given, output.clone() if isinstance(output, Tensor) else None))


def _fault_in(steps: Sequence[_Step], parts: int) -> str | None:
    if [step.place for step in steps] != [_HOLDER, *range(parts)]:
        return Clause("its forward does not call them one after the other, each once")
    for before, step in pairwise(steps):
        pair, part = divmod(step.place, 2)
        place = Clause("part {part} of pair {pair}", part=part, pair=pair)
        if step.given is None or step.answer is None:
            return Clause("{place} is given more than the tokens, or answers more", place=place)
        wanted = before.given
        if before.place != _HOLDER and before.given is not None and before.answer is not None:
            wanted = before.answer + before.given if before.answer.shape == before.given.shape else None
        if wanted is None or wanted.shape != step.given.shape or not torch.equal(wanted, step.given):
            if before.place == _HOLDER:
                return Clause("the loop over them is not the first thing in the forward that it stands in")
            return Clause("{place} is not given what the part before it was given plus what that answered", place=place)
    return None


def _holder_of(blocks: Sequence[str]) -> str:
    """Return the name of the module in whose forward the loop over pairs stands."""
    return blocks[0].rpartition(".")[0].rpartition(".")[0]


def join_pairs(root: nn.Module, blocks: Sequence[str]) -> None:
    """Make the pairs of a shell blocks: afterwards ``blocks`` name modules that are called with tokens.

    The forward of the module that holds them is given what the blocks answer, and its own loop runs none of them.
    """
    if not all(is_pair(root.get_submodule(name)) for name in blocks):
        return
    holder, place = root.get_submodule(_holder_of(blocks)), blocks[0].rpartition(".")[0]
    joined = _PassedBy(ResidualPair(root.get_submodule(name)) for name in blocks)  # type: ignore[arg-type]
    joined.training = False
    holder._modules[place.rpartition(".")[2]] = joined
    holder.__dict__["forward"] = partial(_through, list(joined._modules.values()), holder.forward)


def _through(blocks: Sequence[nn.Module], rest: Callable[..., Any], tokens: Tensor, *args: Any, **kwargs: Any) -> Any:
    for block in blocks:
        tokens = block(tokens)
    return rest(tokens, *args, **kwargs)
