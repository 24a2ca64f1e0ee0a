"""The logit lens: what the classifier would answer if it read the tokens after an earlier block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.argument import checked
from vitviz.errors import CaptureError, OptionError, check_index
from vitviz.grid import PatchGrid
from vitviz.models.probabilities import probabilities
from vitviz.models.vit import ViT
from vitviz.record import Result
from vitviz.trace.forward import as_result, rounding
from vitviz.trace.trace import Trace


@dataclass(frozen=True, eq=False)
class LogitLens(Result):
    """The classifier's answer after every block."""

    model: str
    logits: NDArray[np.float32]
    """(layer + 1, class): row 0 is the input of the first block, row n the output of block n − 1."""
    final: int
    """The class that the model answers in the end."""
    names: tuple[str, ...] = field(default=(), repr=False)
    """Of the classes; empty where they are not known."""
    multi_label: bool = False
    """Whether the classes may hold side by side, each with a probability of its own."""

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(layer + 1, class) what the logits of each row stand for."""
        logits = torch.from_numpy(self.logits.astype(np.float64))
        shares: NDArray[np.float64] = probabilities(logits, multi_label=self.multi_label).numpy()
        return shares

    @property
    def top(self) -> tuple[int, ...]:
        """The best class of each row."""
        return tuple(int(best) for best in self.logits.argmax(-1))

    @property
    def decided(self) -> int:
        """The first row from which on the answer is the final one."""
        wrong = [row for row, best in enumerate(self.top) if best != self.final]
        return wrong[-1] + 1 if wrong else 0


@checked
def logit_lens(vit: ViT, trace: Trace) -> LogitLens:
    """Return what the model's own final norm, pooling and classifier read from the residual stream after every block.

    The last row is the model's real answer. Earlier rows are a question that the classifier was not trained for
    (nostalgebraist 2020, "interpreting GPT: the logit lens"; for ViTs Vilas et al. 2023): read trends, not values.

    Raises OptionError for a model without a classifier or a trace of another model, CaptureError where the model does
    more between its last block and its classifier than norm, pooling and head.

    >>> vitviz.logit_lens(vit, trace).logits.shape
    (13, 200)
    """
    _check(vit, trace)
    gone = set(trace.edit.mask_tokens) - set(range(len(trace.grid.prefix)))
    kept = [token for token in range(trace.grid.tokens) if token not in gone]
    with vit.lock, torch.no_grad():
        rows = [_answer(vit, trace.residual(layer)[kept][None])[0] for layer in range(-1, trace.layers)]
    logits = as_result(torch.stack(rows))
    assert trace.logits is not None  # for the type checker: _check asked for it
    real, near = trace.logits, rounding(vit.dtype, 1e-3)
    if not torch.allclose(logits[-1], real, rtol=near, atol=near * float(real.abs().max())):
        raise CaptureError(
            "The classifier of {name} reads something else than the output of its last block; "
            "wanted norm, pooling and head only. A lens would show answers that it never gives.",
            name=vit.name,
        )
    names = tuple(vit.class_name(index) for index in range(logits.shape[1]))
    return LogitLens(vit.name, logits.numpy(), int(real.argmax()), names, vit.multi_label)


@dataclass(frozen=True, eq=False)
class ClassEvidence(Result):
    """Which patches speak for a class, to the classifier, after a block."""

    layer: int
    class_index: int
    values: NDArray[np.float32]
    """(rows, columns) the logit of the class minus the mean logit of all classes: signed, 0 says nothing."""
    best: NDArray[np.int64]
    """(rows, columns) the class that each patch speaks for most."""
    name: str = ""
    """Of the class; empty where it is not known."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """What the model saw, (height, width, 3), to lie under the map; None where it is not known."""


@checked
def class_evidence(
    vit: ViT, trace: Trace, *, class_index: int | None = None, layer: int | None = None
) -> ClassEvidence:
    """Return what the classifier reads from each patch token alone, as though every token were that one.

    ``class_index`` defaults to the model's answer, ``layer`` to the last; -1 is the input of the first block. A
    classifier of the class token was never trained on patch tokens: a map that looks right is a finding, one that
    does not is no fault of the model.
    Raises OptionError for a class or layer that does not exist, or a model without a classifier.

    >>> vitviz.class_evidence(vit, trace, class_index=7).values.shape
    (16, 16)
    """
    _check(vit, trace)
    assert trace.logits is not None  # for the type checker: _check asked for it
    chosen = int(trace.logits.argmax()) if class_index is None else class_index
    check_index("Class", chosen, trace.logits.shape[-1])
    layer = trace.layers - 1 if layer is None else layer
    grid: PatchGrid = trace.grid
    patches = trace.residual(layer)[len(grid.prefix) :]  # (patch, channel)
    length = len(grid.prefix) + 1  # each pooling finds the same token wherever it reads
    sequences = patches[:, None].expand(-1, length, -1)  # (patch, token, channel)
    with vit.lock, torch.no_grad():
        logits = as_result(_answer(vit, sequences))  # (patch, class)
    signed = logits[:, chosen] - logits.mean(-1)
    best = grid.to_map(logits.argmax(-1).numpy()).astype(np.int64)
    values = grid.to_map(signed.numpy()).astype(np.float32)
    return ClassEvidence(layer, chosen, values, best, vit.class_name(chosen), trace.picture)


def _answer(vit: ViT, tokens: Tensor) -> Tensor:
    """Return the logits (sequence, class) of the model's own norm, pooling and head for (sequence, token, channel)."""
    shell: Any = vit.shell
    normed = shell.norm(vit.as_input(tokens))
    answer: Tensor = shell.forward_head(normed)
    return answer


def _check(vit: ViT, trace: Trace) -> None:
    if not vit.has_classifier or trace.logits is None:
        raise OptionError(
            "{name} has no classifier, so no block has an answer. Choose a model with classes.",
            name=vit.name,
        )
    if trace.model != vit.name or trace.grid != vit.grid:
        raise OptionError(
            "The trace is of {model}; wanted one of {name}. Trace the picture with this model.",
            model=trace.model,
            name=vit.name,
        )
