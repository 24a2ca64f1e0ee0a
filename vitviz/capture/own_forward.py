"""A user's own forward, observed whole, and seen as the tokens of its last block and a head that reads them.

Nothing is rebuilt: every answer is what the user's code makes of a picture, or, where tokens are given, what the same
code makes of them when the blocks are passed by.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.pairs import join_pairs
from vitviz.capture.tap import stream_in, watch_blocks
from vitviz.errors import UnsupportedModelError
from vitviz.record import Record

Reading = Callable[[Any], Tensor]
"""From what a module answers to one row a picture, (image, number)."""
PATCHES = "patches"


@dataclass(frozen=True, eq=False)
class Answers(Record):
    """What one pass through a module gave."""

    tokens: Tensor
    """(image, token, channel): what the head reads, after the last norm or after the last block."""
    embedding: Tensor | None
    """(image, channel): what the classifier is given; None if it was not asked for."""
    logits: Tensor | None
    """(image, class), or the embedding again for a module without a classifier; None if not asked for."""


@dataclass
class _Pass(Record):
    """What is done, and noted, in the pass that this thread runs."""

    kept: Tensor | None = None
    """Tokens that the last block hands on, (token,) of bool."""
    altered: Callable[[Tensor], Tensor] | None = None
    replaced: Tensor | None = None
    """What the last block hands on in place of its own tokens; the blocks are passed by."""
    tokens: Tensor | None = None
    given: list[Tensor] = field(default_factory=list)
    """What the classifiers were given."""


class _Running(threading.local):
    def __init__(self) -> None:
        self.stack: list[tuple[object, _Pass]] = []

    def of(self, owner: object) -> _Pass | None:
        return self.stack[-1][1] if self.stack and self.stack[-1][0] is owner else None


_running = _Running()


class OwnForward(nn.Module):
    """The shell of a module whose own ``forward`` is run, in the form in which vitviz reads a timm model."""

    reads: tuple[str, ...]
    """Which tokens of the last block change the answer: names of prefix tokens, and "patches"."""
    separable: bool
    """Whether the answer is made of the last block's tokens alone, so that the head can be run by itself."""
    classifier: str | None
    """Name of the part whose answer is the module's, if there is one: the classifier."""

    def __init__(
        self,
        root: nn.Module,
        *,
        blocks: Sequence[str],
        body: str,
        read: Reading,
        shape: tuple[int, int, int],
        watched: bool = True,
        copied: bool = False,
    ) -> None:
        """Observe ``root``, a shell; ``blocks`` and ``body`` are names of its parts.

        ``shape`` is (channel, height, width) of its input. ``watched`` reports the blocks to taps, ``copied`` with
        copies of their tokens.
        """
        super().__init__()
        self.root = root
        join_pairs(root, blocks)
        self.blocks = nn.ModuleList([root.get_submodule(name) for name in blocks])
        self.norm = nn.Identity()  # the last norm belongs to the head
        self.read, self._body, self._shape = read, body, shape
        self.reads, self.separable, self.classifier = (), True, None
        self._readers: list[nn.Module] = []
        self.train(False)
        if watched:
            watch_blocks(self.blocks, copied=copied)
        for layer, block in enumerate(self.blocks):
            block.__dict__["forward"] = self._passable(block.forward, last=layer == len(self.blocks) - 1)
        self.blocks[-1].register_forward_hook(self._hand_on)

    def __getattr__(self, name: str) -> Any:
        """Return one of its own parts, or what the body is asked for: its patch embedding, its positions."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if "root" not in self.__dict__.get("_modules", {}):
                raise
            return getattr(self.body, name)

    @property
    def body(self) -> nn.Module:
        """The part that holds the patch embedding and the blocks."""
        return self.root.get_submodule(self._body)

    def forward(self, batch: Tensor) -> Any:
        """Answer as the module does."""
        return self.root(batch)

    def answers(self, batch: Tensor, *, kept: Tensor | None = None) -> Answers:
        """Return what the module makes of a batch; only ``kept`` tokens (token,) leave the last block."""
        return self._run(batch, _Pass(kept=kept))

    def altered(self, batch: Tensor, change: Callable[[Tensor], Tensor]) -> Answers:
        """Return what the module answers when the tokens of its last block are changed."""
        return self._run(batch, _Pass(altered=change))

    def forward_features(self, batch: Tensor) -> Tensor:
        """Return the tokens of the last block, (image, token, channel)."""
        return self.answers(batch).tokens

    def forward_head(self, tokens: Tensor, pre_logits: bool = False) -> Tensor:
        """Return what follows the last block makes of tokens (image, token, channel).

        Raises UnsupportedModelError if the answer is made of more than the last block's tokens.
        """
        if not self.separable:
            raise UnsupportedModelError(
                "The answer of {kind} is made of more than the tokens of its last block, so the "
                "head cannot be run by itself on others. Maps, rollout, occlusion and gradients "
                "work; the logit lens, LeGrad and masked tokens do not.",
                kind=type(self.root).__name__,
            )
        answers = self.replayed(tokens)
        answer = answers.embedding if pre_logits else answers.logits
        assert answer is not None
        return answer

    def replayed(self, tokens: Tensor) -> Answers:
        """Return what follows the last block makes of tokens; a blank picture stands in for the one of the tokens."""
        like = next(weight for weight in self.root.parameters() if weight.is_floating_point())
        blank = torch.zeros(len(tokens), *self._shape, device=like.device, dtype=like.dtype)
        return self._run(blank, _Pass(replaced=tokens))

    def read_at(self, readers: Sequence[nn.Module], classifier: str | None) -> None:
        """Take as the embedding what some parts of the shell are given; none: the answer itself."""
        self._readers, self.classifier = list(readers), classifier
        for part in readers:
            part.register_forward_pre_hook(self._note_given)

    def _run(self, batch: Tensor, run: _Pass) -> Answers:
        with self._entered(run):
            answer = self.read(self.root(batch))
        if run.tokens is None:
            raise UnsupportedModelError(
                "The last block of {kind} was not run, so nothing of its answer can be observed.",
                kind=type(self.root).__name__,
            )
        embedding = torch.stack(run.given).mean(0) if len(run.given) > 1 else (run.given or [answer])[0]
        return Answers(run.tokens, embedding, answer)

    @contextmanager
    def _entered(self, run: _Pass) -> Iterator[None]:
        _running.stack.append((self, run))
        try:
            yield
        finally:
            _running.stack.pop()

    def _passable(self, forward: Callable[..., Any], *, last: bool) -> Callable[..., Any]:
        """Return a block's forward that hands on what it is given while the blocks are passed by."""
        several = [0]  # how many things the block returns, where it returns more than the tokens

        def run(*args: Any, **kwargs: Any) -> Any:
            current = _running.of(self)
            if current is None or current.replaced is None:
                result = forward(*args, **kwargs)
                several[0] = len(result) if isinstance(result, tuple | list) else 0
                return result
            given = current.replaced if last else args[0] if args else next(iter(kwargs.values()))
            return (given, *[None] * (several[0] - 1)) if several[0] else given

        return run

    def _hand_on(self, block: nn.Module, args: Any, output: Any) -> Any:
        current = _running.of(self)
        if current is None:
            return None
        tokens = stream_in(output, len(self.blocks) - 1)
        if current.kept is not None:
            tokens = tokens[:, current.kept]
        if current.altered is not None:
            tokens = current.altered(tokens)
        current.tokens = tokens
        return (tokens, *output[1:]) if isinstance(output, tuple | list) else tokens

    def _note_given(self, part: nn.Module, args: tuple[Any, ...]) -> None:
        current = _running.of(self)
        if current is not None and current.tokens is not None:
            current.given.append(args[0])


def body_of(shell: Any) -> Any:
    """Return the part of a shell that holds the patch embedding, the positions and the blocks."""
    return shell.body if isinstance(shell, OwnForward) else shell


def answers_of(
    shell: Any, batch: Tensor, *, kept: Tensor | None = None, embedding: bool = True, logits: bool = True
) -> Answers:
    """Return what a shell makes of a batch; only ``kept`` tokens (token,) of bool reach the head.

    Raises UnsupportedModelError if the head does not take fewer tokens.
    """
    if isinstance(shell, OwnForward):
        return _own_answers(shell, batch, kept)
    tokens = shell.forward_features(batch)
    tokens = tokens if kept is None else tokens[:, kept]
    pooled = shell.forward_head(tokens, pre_logits=True) if embedding else None
    return Answers(tokens, pooled, shell.forward_head(tokens, pre_logits=False) if logits else None)


def _own_answers(shell: OwnForward, batch: Tensor, kept: Tensor | None) -> Answers:
    if kept is None:
        return shell.answers(batch)
    name = type(shell.root).__name__
    if not shell.separable:
        raise UnsupportedModelError(
            "The answer of {name} is made of more than the tokens of its last block, so masked "
            "tokens cannot be left out of it. Change the picture instead: occlusion does.",
            name=name,
        )
    try:
        return shell.answers(batch, kept=kept)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise UnsupportedModelError(
            "The forward of {name} does not take fewer tokens than its patch grid has, so none can "
            "be left out of its answer ({error}). Change the picture instead: occlusion does.",
            name=name,
            error=error,
        ) from error
