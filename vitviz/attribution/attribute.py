"""attribute: run one method on one picture."""

from __future__ import annotations

import time
from typing import Any

import torch

from vitviz.attribution import attention_based, gradient, perturbation
from vitviz.attribution.method import Attribution, Found, Method, Task
from vitviz.errors import CaptureError, OptionError, UnsupportedModelError, suggest
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.trace.run import Picture, trace
from vitviz.trace.target import Likeness, Target, likeness, resolve_target
from vitviz.trace.trace import Trace

METHODS: tuple[Method, ...] = (*attention_based.METHODS, *gradient.METHODS, *perturbation.METHODS)
"""Every method, in the order in which they are offered."""

EMPTY = "the map is empty: every value is 0"
"""The note of a map that shows nothing, as Grad-CAM's may."""


def attribute(
    name: str,
    vit: ViT,
    image: Picture,
    *,
    target: int | Target | None = None,
    seed: int = 0,
    batch_size: int = 16,
    progress: Progress | None = None,
    **knobs: Any,
) -> Attribution:
    """Explain one number of a model's answer to one picture with one method.

    ``name`` is that of a record in METHODS, and ``knobs`` are its own. ``image`` is what ``trace`` takes: a picture in
    any form, or the model's input. ``target`` is a class or a Target, by default the top-1 class or, without a
    classifier, the similarity to the image's own embedding. ``batch_size`` inputs are run at once, fewer where memory
    is short; the map does not depend on it. ``progress`` is called with (done, total); if it returns False, the work
    stops with StoppedError.

    Raises OptionError for an unknown method, knob or target, and UnsupportedModelError, with the reason, where the
    method cannot serve the model.

    >>> vitviz.attribute("gradient_rollout", vit, "photo.jpg").values.shape  # (rows, columns)
    (16, 16)
    >>> vitviz.attribute("saliency", vit, "photo.jpg", target=7).target.label
    'scorpion'
    """
    method = find_method(name)
    chosen = method.choose(knobs, vit.layers)
    if batch_size < 1:
        raise OptionError(f"batch_size is {batch_size}; wanted at least 1. 16 is the default.")
    reason = method.why_not(vit)
    if reason is not None:
        raise UnsupportedModelError(f"{method.label} cannot explain this model: {reason}. Choose another method.")
    start = time.perf_counter()
    traced = trace(vit, image, target=target, gradients=method.backward)
    aim = _batchable(vit, target, traced)
    found = method.function(Task(vit, traced, aim, seed, batch_size, progress), **chosen)
    values = _checked(method, found)
    return Attribution(
        values=values.numpy(),
        method=name,
        target=aim,
        signed=method.signed,
        seconds=time.perf_counter() - start,
        completeness_gap=found.completeness_gap,
        knobs=chosen,
        seed=seed,
        notes=(*found.notes, *([] if values.any() else [EMPTY])),
    )


def find_method(name: str) -> Method:
    """Return the method of that name; raises OptionError, with the nearest names, if there is none."""
    known = {method.name: method for method in METHODS}
    if name not in known:
        raise OptionError(f"There is no method {name!r}; wanted one of {', '.join(known)}.{suggest(name, known)}")
    return known[name]


def why_not(name: str, vit: ViT) -> str | None:
    """Return why a method cannot serve a model, in words, or None if it can."""
    return find_method(name).why_not(vit)


def _batchable(vit: ViT, target: int | Target | None, traced: Trace) -> Target:
    """Return the target with everything fixed: the own embedding is that of the whole picture, not of a changed one."""
    aim = traced.target or resolve_target(vit, target, traced.logits)
    if aim.class_index is None and not isinstance(aim, Likeness):
        return likeness(traced.embedding, aim.label)
    return aim


def _checked(method: Method, found: Found) -> torch.Tensor:
    values = found.values.detach().to("cpu", torch.float32)
    if not torch.isfinite(values).all():
        raise CaptureError(
            f"The map of {method.label} holds NaN or infinite numbers; wanted finite ones. Check the weights."
        )
    return values.contiguous()
