"""The guard before gradients: it refuses a forward pass whose answer is not wholly in autograd's graph.

A gradient that misses a part of the model is a wrong map, and torch says nothing of it. So every pass that gradients
are taken of runs under a ``GraphWatch``, and every gradient comes from ``gradients_of``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vitviz.clause import Clause
from vitviz.errors import UnsupportedModelError
from vitviz.progress import is_out_of_memory

ADVICE = (
    "Explanations that need no gradients work: attention, rollout, value-weighted attention, occlusion, RISE, "
    "KernelSHAP. For the others, load the weights in floating point, outside of torch.inference_mode, and take "
    "no_grad and detach out of the forward pass."
)
_CASTS = {"to", "type", "int", "long", "short", "char", "byte"}


class GraphWatch(TorchFunctionMode):
    """Follows what leaves autograd's graph during a forward pass, and refuses the model where it comes back.

    It sleeps where gradients are off. A tensor that was detached and is only looked at, say to keep an attention map,
    does no harm and is let through; one that the answer is computed from raises UnsupportedModelError. Decisions
    (comparisons, argmax) have no gradient anyway and end the trail.
    """

    def __init__(self) -> None:
        super().__init__()
        self._watching = False
        self._lost: dict[int, Tensor] = {}  # what left the graph, by id; kept, so that no id is used twice

    def __enter__(self) -> Any:
        self._watching = torch.is_grad_enabled()
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        self._lost.clear()
        if not self._watching or type(error) is not RuntimeError:
            return
        if "nference tensor" in str(error):
            raise refusal(Clause("its weights were made under torch.inference_mode")) from error
        if re.search("requires? grad|differentiation|autograd", str(error)):
            raise refusal(Clause("torch says: {error}", error=str(error).splitlines()[0].rstrip("."))) from error

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if self._watching:
            self.follow(function, args, kwargs, result)
        return result

    def place(self) -> str:
        """Return where in the model the pass is, for a message."""
        return "in its forward pass"

    def follow(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, result: Any) -> None:
        """Note a result that left the graph; raises UnsupportedModelError for one that what left it flows into."""
        if isinstance(result, Tensor) and result.requires_grad and not self._lost and _has_gradient(result):
            return  # what nearly all operations of nearly all models come to
        name = getattr(function, "__name__", str(function))
        if name in ("__setitem__", "copy_") and args:
            result = args[0]
        for output in result if isinstance(result, tuple | list) else (result,):
            if not isinstance(output, Tensor):
                continue
            if output.requires_grad:
                self._check_inside(name, args, kwargs, output)
            elif output.dtype != torch.bool and self._leaves(name, args, kwargs, output):
                self._lost[id(output)] = output

    def _check_inside(self, name: str, args: tuple[Any, ...], kwargs: Any, output: Tensor) -> None:
        if not _has_gradient(output):
            raise refusal(
                Clause("{name} {place} has no gradient, as in quantised models", name=name, place=self.place())
            )
        if self._has_lost(_tensors(args, kwargs)):
            raise refusal(
                Clause(
                    "{place} it goes on with numbers that were taken out of autograd's graph "
                    "(no_grad, detach, or rounding to integers)",
                    place=self.place(),
                )
            )

    def _has_lost(self, given: Iterable[Tensor]) -> bool:
        """Return whether some tensors left the graph; what an operation of the user's own gave a gradient came back."""
        return bool(self._lost) and any(id(tensor) in self._lost and not tensor.requires_grad for tensor in given)

    def _leaves(self, name: str, args: tuple[Any, ...], kwargs: Any, output: Tensor) -> bool:
        given = list(_tensors(args, kwargs))
        if self._has_lost(given):
            return not _is_decision(name)
        if name.endswith("_like") or name.startswith(("new_", "requires_grad")):
            return False  # the shape is taken, not the numbers
        if not output.is_floating_point() and name not in _CASTS and "quant" not in name:
            return False
        return any(tensor.requires_grad and not isinstance(tensor, nn.Parameter) for tensor in given)


def _has_gradient(output: Tensor) -> bool:
    return output.grad_fn is None or "NotImplemented" not in output.grad_fn.name()


def _is_decision(name: str) -> bool:
    return name.startswith(("arg", "new_")) or name.endswith("_like")


def _tensors(args: Any, kwargs: Any) -> Iterator[Tensor]:
    for given in (*args, *(kwargs or {}).values()):
        if isinstance(given, Tensor):
            yield given
        elif isinstance(given, tuple | list):
            yield from (tensor for tensor in given if isinstance(tensor, Tensor))


def refusal(reason: str) -> UnsupportedModelError:
    """Return the error for a model that cannot give gradients: the reason, and what works instead."""
    return UnsupportedModelError(
        "This model cannot give gradients: {reason}. {hint}",
        reason=reason,
        hint=ADVICE,
    )


def gradients_of(score: Tensor, inputs: Sequence[Tensor], *, retain_graph: bool = False) -> tuple[Tensor | None, ...]:
    """Return ∂ score / ∂ each input, None where there is no path from one to the other.

    ``score`` is a scalar, or a batch whose sum is meant. Raises UnsupportedModelError, with what works instead, for a
    model that cannot give gradients.
    """
    if not score.requires_grad:
        raise refusal(
            Clause("its answer is not in autograd's graph (no_grad, detach, or an operation without gradient)")
        )
    try:
        return torch.autograd.grad(score.sum(), list(inputs), retain_graph=retain_graph, allow_unused=True)
    except (RuntimeError, NotImplementedError) as error:
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            raise
        raise refusal(Clause("torch says: {error}", error=str(error).splitlines()[0].rstrip("."))) from error


def pixel_gradient(score: Tensor, batch: Tensor, *, retain_graph: bool = False) -> Tensor:
    """Return ∂ score / ∂ pixels for a batch that the scores were computed from; raises as ``gradients_of`` does."""
    (gradient,) = gradients_of(score, [batch], retain_graph=retain_graph)
    if gradient is None:
        raise refusal(Clause("no path leads from its answer back to the picture"))
    return gradient
