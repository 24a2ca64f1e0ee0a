"""The proof that what is observed is the model's own answer: its plain call beside the observed path."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.own_forward import OwnForward
from vitviz.capture.shell import shell_of, unwrapped
from vitviz.capture.tap import AttentionTap
from vitviz.clause import Clause
from vitviz.errors import UnsupportedModelError, VitvizError

_HALVES = "its forward_features and forward_head, which vitviz observes,"
_OWN = "the same forward on a copy that shares its weights, which vitviz observes,"
_RANDOM = "Its answer is random, or made of code that the copy does not have: build it with dropout 0"
_OUTSIDE = "Something runs outside of them: a forward of its own, a hook, a wrapper, or dropout that stays on"


def noise(shell: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """Return the input that models are proven on, seeded noise in the weights' type.

    ``shape`` is (channel, height, width), or (height, width) of three channels.
    """
    like = next(weight for weight in shell.parameters() if weight.is_floating_point())  # a quantised one has others too
    drawn = torch.randn(1, *((3, *shape) if len(shape) == 2 else shape), generator=torch.Generator().manual_seed(0))
    return drawn.to(like.device, like.dtype)


def plain_answer(module: nn.Module, example: Tensor) -> Any:
    """Return what a plain call of a module answers, in eval mode; its own mode is given back afterwards."""
    return _called(module, example)[0]


def _called(module: nn.Module, example: Tensor) -> tuple[Any, torch.dtype]:
    """Return what a plain call answers, and the coarsest precision that its attention was computed in."""
    tap = AttentionTap(images=len(example))  # it keeps the call out of a recording that may be going on
    with torch.inference_mode(False), torch.no_grad(), _in_eval_mode(module), _not_compiled(module), tap:
        answer = module(example)
    types = {call.queries.dtype for call in tap.calls} or {torch.float64}
    return answer, max(types, key=lambda dtype: torch.finfo(dtype).eps)


def observed_answer(shell: Any, example: Tensor, *, pre_logits: bool = False) -> Any:
    """Return what the observed path of a shell answers to an input."""
    with torch.inference_mode(False), torch.no_grad(), AttentionTap(record=False):
        if isinstance(shell, OwnForward):
            answers = shell.answers(example)
            return answers.embedding if pre_logits else answers.logits
        return shell.forward_head(shell.forward_features(example), pre_logits=pre_logits)


def prove(name: str, module: nn.Module, shell: nn.Module, example: Tensor, observed: Tensor | None = None) -> Tensor:
    """Return the shell's answer to an input, if a plain call of the module answers the same up to rounding.

    Raises UnsupportedModelError, with both numbers, if it does not.
    ``observed`` is what the shell's ``forward_features`` and ``forward_head`` answer to ``example``, if it is known.
    Where a classifier of zeros would hide any difference, what it is given is compared instead. A module without a
    ``forward`` has no answer of its own that could be another.
    """
    try:
        observed = observed_answer(shell, example) if observed is None else observed
        if getattr(module.forward, "__func__", None) is nn.Module.forward:
            return observed
        plain, dtype = _called(module, example)
        plain = shell.read(plain) if isinstance(shell, OwnForward) else plain
    except VitvizError:
        raise
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
        raise UnsupportedModelError(
            "A plain call of {name} with one picture, or the observed path, failed ({error}), so "
            "the two answers cannot be compared. Wrap a module that answers module(pictures).",
            name=name,
            error=error,
        ) from error
    if isinstance(shell, OwnForward):  # its own code was run, classifier and all
        _compare(name, plain, observed, dtype, _OWN, _RANDOM)
        return observed
    _compare(name, plain, observed, dtype)
    classifiers = _silent_classifiers(module)
    if classifiers:
        bare = _without(module, classifiers)
        _compare(name, plain_answer(bare, example), observed_answer(shell, example, pre_logits=True), dtype)
    return observed


def _compare(
    name: str, plain: Any, observed: Tensor, dtype: torch.dtype, path: str = _HALVES, advice: str = _OUTSIDE
) -> None:
    if not isinstance(plain, Tensor) or plain.shape != observed.shape:
        got = (
            Clause("a tensor of shape {shape}", shape=tuple(plain.shape))
            if isinstance(plain, Tensor)
            else Clause("a {kind}", kind=type(plain).__name__)
        )
        raise UnsupportedModelError(
            "A plain call of {name} answers {got}, but {path} answer a tensor of shape {shape}. "
            "{hint}. Move it into them.",
            name=name,
            got=got,
            path=path,
            shape=tuple(observed.shape),
            hint=advice,
        )
    place = differ(plain, observed, dtype)
    if place is not None:
        own, seen = float(plain.flatten()[place]), float(observed.flatten()[place])
        raise UnsupportedModelError(
            "A plain call of {name} answers {own:.6g} (output {place}, one picture of noise), but "
            "{path} answer {seen:.6g}: more than rounding. {hint}. Move it into them, or take it "
            "away.",
            name=name,
            own=own,
            place=place,
            path=path,
            seen=seen,
            hint=advice,
        )


def differ(plain: Tensor, observed: Tensor, dtype: torch.dtype = torch.float64) -> int | None:
    """Return the place at which two answers differ most, or None if they are equal up to rounding.

    ``dtype`` is the precision of what they were computed from, where it is coarser than their own.
    """
    own, seen = plain.detach().cpu().double().flatten(), observed.detach().cpu().double().flatten()
    allowed = _rounding(plain, dtype) * max(float(own.nan_to_num(0, 0, 0).abs().max()), 1e-30)
    off = (own - seen).abs()
    off[own.isnan() & seen.isnan()] = 0
    off[own == seen] = 0  # infinity too
    place = int(off.nan_to_num(nan=torch.inf).argmax())
    return None if float(off[place]) <= allowed else place


def _rounding(answer: Tensor, dtype: torch.dtype) -> float:
    """Return the relative error that fused and plain attention may differ by, over all layers."""
    if not answer.is_floating_point():
        return 0.0
    coarse = max(answer.dtype, dtype, key=lambda kind: torch.finfo(kind).eps)
    root = math.sqrt(torch.finfo(coarse).eps)
    return root / 3 if coarse.itemsize >= 4 else root


@contextmanager
def _in_eval_mode(module: nn.Module) -> Iterator[None]:
    training = [part for part in module.modules() if part.training]
    for part in training:  # not train(), which a module may have made its own
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _not_compiled(module: nn.Module) -> Any:
    """Return a context in which what ``module.compile()`` left behind is not run: compiling takes minutes."""
    if all(part._compiled_call_impl is None and unwrapped(part) is part for part in module.modules()):
        return nullcontext()
    return torch.compiler.set_stance("force_eager")


def _silent_classifiers(module: Any) -> list[nn.Module]:
    """Return the classifiers of a module if all their weights are zero, as before training; else nothing."""
    held = module.get_classifier() if hasattr(module, "get_classifier") else getattr(module, "head", None)
    heads = [part for part in (held if isinstance(held, tuple | list) else [held]) if isinstance(part, nn.Linear)]
    silent = all(not bool(head.weight.any()) for head in heads)
    return [*heads] if silent else []


def _without(module: nn.Module, classifiers: list[nn.Module]) -> nn.Module:
    """Return a shell of a module that hands on what its classifiers are given."""
    memo: dict[int, nn.Module] = {}
    bare = shell_of(module, memo)
    gone = {id(memo[id(part)]) for part in classifiers if id(part) in memo}
    for part in bare.modules():
        for name, child in list(part._modules.items()):
            if id(child) in gone:
                part._modules[name] = nn.Identity()
    return bare
