"""Probabilities of logits: shares of one answer, or of each class by itself."""

from __future__ import annotations

from torch import Tensor, nn

from vitviz.argument import checked


@checked
def probabilities(logits: Tensor, *, multi_label: bool) -> Tensor:
    """Return the probabilities that logits (…, class) stand for, in [0, 1]: (…, class), at least float32.

    Of one answer among several they are the softmax, and add up to 1. Of classes that may hold side by side
    (``multi_label``), and of a single logit, each is σ(logit): a softmax over one number would be 1 for every picture.
    """
    logits = logits if logits.dtype.itemsize >= 4 else logits.float()
    return logits.sigmoid() if multi_label or logits.shape[-1] == 1 else logits.softmax(-1)


def is_multi_label(module: nn.Module) -> bool:
    """Return whether the configuration of a model of transformers says that classes may hold side by side."""
    return getattr(getattr(module, "config", None), "problem_type", None) == "multi_label_classification"
