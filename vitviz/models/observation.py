"""Observation: a module's shell, what one pass through it showed, and the proof that its answer is the module's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.checked import CheckedTap
from vitviz.capture.observed import Observed
from vitviz.capture.own_forward import PATCHES, Answers, OwnForward
from vitviz.capture.pairs import fault_of_pairs, has_forward
from vitviz.capture.proof import differ, noise
from vitviz.capture.shell import private_shell, shell_of
from vitviz.capture.tap import AttentionTap, watch_blocks
from vitviz.clause import Clause
from vitviz.errors import OptionError, ShortMemoryError, UnsupportedModelError, VitvizError
from vitviz.grid import PatchGrid
from vitviz.models.assumptions import GRID, SIZE, Assumption
from vitviz.models.class_names import ClassNames, listed_names
from vitviz.models.examination import (
    arguments_watched,
    check_pass,
    examined,
    is_of_libraries,
    must_copy,
)
from vitviz.models.geometry import possible_sizes
from vitviz.models.structure import Structure, reading_told
from vitviz.models.support import FAULTS, Probe, check_no_shares, check_weights, heads_seen, probe, refusal_of
from vitviz.models.timm_weights import with_embedding
from vitviz.models.token_places import check_class_token, check_places
from vitviz.out_of_memory import memory_told, raise_if_short
from vitviz.record import Record

_MORE = "its answer is made of more than the tokens of its last block: maps show what its blocks attend to"


@dataclass(frozen=True)
class Observation(Record):
    """What is known of a module after it was observed."""

    observed: Observed
    """Its shell, proven to answer as the module does."""
    heads: tuple[int, ...]
    """Number of attention heads of each layer."""
    classes: int
    """Number of classes that it answers with; 0 if it answers with the embedding itself."""
    embedded: Tensor | None = None
    """What its body's patch embedding was given for that noise; None for a timm module, which changes nothing."""
    named: bool = True
    """Whether the classes are those of the body, and not of a head that stands outside of it."""
    notes: tuple[str, ...] = ()
    """What the reader should know."""


def observe(name: str, module: nn.Module, structure: Structure) -> Observation:
    """Observe a module by its own halves, if they answer as it does, or else by its own forward.

    Raises UnsupportedModelError, with the reason or with both numbers, where neither can be read truthfully.
    """
    with memory_told():
        if not structure.split:
            return _of_own_forward(name, module, structure)
        try:
            return _of_halves(name, module, structure)
        except UnsupportedModelError as error:
            try:
                return _of_own_forward(name, module, structure)
            except ShortMemoryError:
                raise
            except VitvizError:
                raise error from None


def working_copy(module: nn.Module, structure: Structure) -> Any:
    """Return a private shell of a module, unwatched, with the body's parts and the two halves of a timm model."""
    root = private_shell(module)
    if structure.split:
        return with_embedding(root)
    shape = (structure.channels, *structure.image_size)
    return OwnForward(
        root, blocks=structure.blocks, body=structure.body, read=structure.read, shape=shape, watched=False
    )


def _of_halves(name: str, module: nn.Module, structure: Structure, *, copied: bool = False) -> Observation:
    shell: Any = with_embedding(shell_of(module))
    blocks = list(shell.blocks.children())
    watch_blocks(blocks, copied=copied)
    shape, tap = (structure.channels, *structure.image_size), CheckedTap()
    with arguments_watched(blocks) as given:
        seen: Probe = probe(name, shell, structure.grid, shape, tap)
    if must_copy(name, tap, copied=copied):
        return _of_halves(name, module, structure, copied=True)
    check_pass(name, tap, len(blocks), seen.answer)
    notes = examined(name, module, shell, tap, given, seen, structure)
    if not is_of_libraries(module):
        example = noise(shell, shape)
        notes += check_places(name, shell, example, structure.grid)
        check_class_token(name, module, structure, example)
    observed = Observed(name, module, shell, shape, answer=seen.answer)
    return Observation(observed, seen.heads, seen.classes, notes=tuple(notes))


def _of_own_forward(name: str, module: nn.Module, structure: Structure, *, copied: bool = False) -> Observation:
    root = shell_of(module)
    check_weights(name, root)
    shape = (structure.channels, *structure.image_size)
    example = noise(root, shape)
    _check_pairs(name, root, structure, example)
    said: list[Any] = []

    def read(answer: Any) -> Tensor:
        said[:] = [] if said else [reading_told(answer)]
        return structure.read(answer)

    shell = OwnForward(root, blocks=structure.blocks, body=structure.body, read=read, shape=shape, copied=copied)
    with torch.inference_mode(False), torch.no_grad():
        try:
            with CheckedTap() as tap, _parts_watched(shell) as seen, arguments_watched(shell.blocks) as given:
                answer = shell.answers(example).logits
        except VitvizError:
            raise
        except FAULTS as error:
            raise _failed(name, shape, error, root, structure) from error
        assert answer is not None
        if must_copy(name, tap, copied=copied):
            return _of_own_forward(name, module, structure, copied=True)
        check_no_shares(name, answer)
        heads = heads_seen(name, structure.grid, tap, len(structure.blocks))
        check_pass(name, tap, len(heads), answer)
        _check_streams(name, structure.grid, tap)
        notes = [] if not said or said[0] is None else [said[0]]
        shell.read = structure.read
        classes, named = _take_classifier(name, module, shell, seen, answer)
        notes += check_places(name, shell, example, structure.grid)
        check_class_token(name, module, structure, example)
        whole = shell.answers(example)
        shell.separable = _is_separable(shell, whole)
        shell.reads = _tokens_read(shell, example, whole, structure.grid)
        notes += [] if shell.separable else [Clause(_MORE)]
        notes += examined(name, module, shell, tap, given, Probe(heads, classes, answer), structure)
    observed = Observed(name, module, shell, shape, answer=answer)
    return Observation(observed, heads, classes, seen.embedded, named, tuple(notes))


def _failed(
    name: str, shape: tuple[int, ...], error: BaseException, root: nn.Module, structure: Structure
) -> UnsupportedModelError:
    raise_if_short(error)
    if any(isinstance(note, Assumption) and note.about in (SIZE, GRID) for note in structure.assumed):
        return _unsized(name, shape, error, possible_sizes(root.get_submodule(structure.body)))
    told = "a forward pass on a picture of shape {shape} failed ({error})"
    return refusal_of(name, Clause(told, shape=shape, error=error))


def _unsized(
    name: str, shape: tuple[int, ...], error: BaseException, sizes: Sequence[tuple[int, int]]
) -> UnsupportedModelError:
    """Return the refusal of a module that does not say its size and does not take the one that was assumed."""
    examples = " or ".join(map(str, sizes[:2]))
    fitting = Clause("; its positions would be enough for {examples}", examples=examples) if examples else ""
    return UnsupportedModelError(
        "Nothing in {name} says the size of its pictures, and a forward pass on the {height} × {width} pixels that "
        "were assumed failed ({error}){fitting}.",
        advice={"image_size": "Give its height and width in pixels: image_size=(height, width)."},
        name=name,
        height=shape[-2],
        width=shape[-1],
        error=error,
        fitting=fitting,
    )


def _check_pairs(name: str, root: nn.Module, structure: Structure, example: Tensor) -> None:
    """Raise UnsupportedModelError for lists of attention and MLP that are not run as residual steps."""
    if has_forward(root.get_submodule(structure.blocks[0])):
        return
    try:
        fault = fault_of_pairs(root, structure.blocks, example)
    except FAULTS as error:
        raise _failed(name, tuple(example.shape[1:]), error, root, structure) from error
    if fault is not None:
        raise refusal_of(
            name,
            Clause(
                "its layers are pairs without a module of their own, which must be residual steps, x = first(x) + x "
                "and then x = second(x) + x, as in vit-pytorch: {fault}",
                fault=fault,
            ),
        )


class _Seen:
    """What the parts of a shell were given and answered after the last block, in the order of their beginning."""

    def __init__(self) -> None:
        self.embedded: Tensor | None = None
        self.calls: list[tuple[nn.Module, Any, list[Any]]] = []


@contextmanager
def _parts_watched(shell: OwnForward) -> Iterator[_Seen]:
    """Note what happens in a shell that no other thread has yet."""
    seen, after, handles = _Seen(), [False], []
    open_calls: list[list[Any]] = []
    last = shell.blocks[-1]
    embedding = getattr(shell.body, "patch_embed", None)
    first = embedding if isinstance(embedding, nn.Module) else _first_convolution(shell.body)
    inside = set(shell.body.modules()) if first is None else set()

    def begin(part: nn.Module, args: tuple[Any, ...]) -> None:
        if part is first and seen.embedded is None and args:
            seen.embedded = args[0]
        results: list[Any] = []
        seen.calls.append((part, args[0] if args and after[0] else None, results))
        open_calls.append(results)

    def end(part: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        open_calls.pop().append(output)
        if part in inside and seen.embedded is None and _cuts(args, output):
            seen.embedded = args[0]
        after[0] = after[0] or part is last

    for part in shell.root.modules():
        handles += [part.register_forward_pre_hook(begin), part.register_forward_hook(end)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _cuts(args: tuple[Any, ...], output: Any) -> bool:
    """Return whether a part made tokens (image, token, channel) of pictures (image, channel, height, width)."""
    tensors = bool(args) and isinstance(args[0], Tensor) and isinstance(output, Tensor)
    return tensors and args[0].ndim == 4 and output.ndim == 3


def _first_convolution(body: nn.Module) -> nn.Module | None:
    return next((part for part in body.modules() if isinstance(part, nn.Conv2d)), None)


def _take_classifier(name: str, module: nn.Module, shell: OwnForward, seen: _Seen, answer: Tensor) -> tuple[int, bool]:
    """Find what the classifier is given, and return the number of classes, and whether they are the body's own.

    It is the part whose answer is the module's, if it is given one row a picture; or the linear layers whose answers,
    of that width, the module's is made of: divided by a temperature, or the mean of two.
    """
    rows = [
        (part, given, results[0])
        for part, given, results in seen.calls
        if isinstance(given, Tensor) and given.ndim == 2 and len(given) == len(answer) and results
    ]
    direct = [(part, given) for part, given, result in rows if result is answer]
    names = {part: place for place, part in shell.root.named_modules()}
    if direct:
        part, given = direct[0]
        handed_on = given.shape == answer.shape and torch.equal(given, answer)
        shell.read_at([] if handed_on else [part], names[part])
        inside = names[part].startswith(f"{shell._body}.") if shell._body else True
        return (0 if handed_on else int(answer.shape[1])), inside
    linear = [part for part, _, result in rows if isinstance(part, nn.Linear) and result.shape == answer.shape]
    unit = bool(((answer.float().norm(dim=-1) - 1).abs() < 1e-3).all())
    if linear and not unit:  # a projection that was brought to length 1 is an embedding
        widths = {given.shape for part, given, _ in rows if part in linear}
        shell.read_at(list(dict.fromkeys(linear)) if len(widths) == 1 else [], None)
        return int(answer.shape[1]), True
    return 0, True


def _check_streams(name: str, grid: PatchGrid, tap: AttentionTap) -> None:
    """Raise UnsupportedModelError unless every block hands on (image, token, channel), with all tokens of the grid."""
    for layer, stream in tap.streams.items():
        if stream.ndim != 3 or tuple(stream.shape[:2]) != (1, grid.tokens):
            place = Clause("the first block is given") if layer < 0 else Clause("block {layer} hands on", layer=layer)
            raise refusal_of(
                name,
                Clause(
                    "{place} a tensor of shape {shape} where (1, {tokens}, channel) was wanted: one "
                    "picture, then its tokens",
                    place=place,
                    shape=tuple(stream.shape),
                    tokens=grid.tokens,
                ),
            )


def _is_separable(shell: OwnForward, whole: Answers) -> bool:
    """Return whether what follows the last block, run by itself, answers as it does after the blocks."""
    try:
        alone = shell.replayed(whole.tokens)
    except (*FAULTS, UnsupportedModelError) as error:
        raise_if_short(error)
        return False
    pairs = ((whole.embedding, alone.embedding), (whole.logits, alone.logits))
    return all(a is not None and b is not None and differ(a, b) is None for a, b in pairs)


def _tokens_read(shell: OwnForward, example: Tensor, whole: Any, grid: PatchGrid) -> tuple[str, ...]:
    """Return which tokens of the last block change the answer: prefix tokens by name, and "patches"."""
    prefix = len(grid.prefix)
    groups = {name: slice(index, index + 1) for index, name in enumerate(grid.prefix)}
    groups[PATCHES] = slice(prefix, grid.tokens)

    def answers_to(change: Callable[[Tensor], Tensor]) -> Answers:
        return shell.replayed(change(whole.tokens)) if shell.separable else shell.altered(example, change)

    def is_read(place: slice) -> bool:
        def change(tokens: Tensor) -> Tensor:
            other = tokens.clone()
            other[:, place] = torch.roll(tokens[:, place], 1, -1)  # another vector of the same size
            return other

        changed: Any = answers_to(change)
        pairs = ((changed.embedding, whole.embedding), (changed.logits, whole.logits))
        return not all(torch.equal(a, b) for a, b in pairs)

    return tuple(name for name, place in groups.items() if is_read(place))


def class_names_of(
    name: str, module: nn.Module, structure: Structure, observation: Observation, given: ClassNames | None
) -> tuple[str, ...]:
    """Return the names of a module's classes; raises OptionError for given ones that do not fit."""
    if given is None:
        numbers = tuple(f"class {index}" for index in range(observation.classes))
        return structure.names(module, observation.classes) if observation.named else numbers
    names = listed_names(given)
    if len(names) != observation.classes:
        advice = "Give one name per class, in the order of the classifier's outputs."
        raise OptionError(
            "{count} class names were given for {name}, which has {classes} classes. {reason}",
            count=len(names),
            name=name,
            classes=observation.classes,
            reason=advice if observation.classes else "It has no classifier: leave them out.",
        )
    return names
