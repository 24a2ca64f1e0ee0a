"""attribute: run one method on one picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from vitviz.argument import checked
from vitviz.attention.rollout import is_linear
from vitviz.attribution import attention_based, gradient, perturbation
from vitviz.attribution.method import Attribution, Method, RawMap, Task
from vitviz.batches import short_memory_told
from vitviz.errors import CaptureError, OptionError, UnsupportedModelError, shown, suggest
from vitviz.models.inputs import Picture
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.trace.along import MEANS, sums_up
from vitviz.trace.default import target_of
from vitviz.trace.run import passes
from vitviz.trace.target import Likeness, Target
from vitviz.trace.trace import Trace

METHODS: tuple[Method, ...] = (*attention_based.METHODS, *gradient.METHODS, *perturbation.METHODS)
"""Every method, in the order in which they are offered."""

EMPTY = "the map is empty: every value is 0"
"""The note of a map that shows nothing, as Grad-CAM's may."""
PREVIEW = "a preview: the rest is still being computed"
"""The first note of a map that is not finished."""
_SECONDS = 0.6
"""Between two previews at least, and ten times what the last one cost."""


@checked
def attribute(
    name: str,
    vit: ViT,
    image: Picture | Trace,
    *,
    target: int | str | Target | None = None,
    seed: int = 0,
    batch_size: int = 16,
    progress: Progress | None = None,
    preview: Callable[[Attribution], object] | None = None,
    **knobs: Any,
) -> Attribution:
    """Explain one number of a model's answer to one picture with one method.

    ``name`` is that of a record in METHODS, and ``knobs`` are its own. ``image`` is what ``trace`` takes (a picture in
    any form, or the model's input), or a Trace of it by this model, whose passes are not run again: with
    ``trace(vit, image, target=…, layer_scores=True)`` all methods that read attention or one gradient share one
    forward and one backward pass. ``target`` is a class, by number or name, or a Target, by default that of the trace,
    the top-1 class or, without a classifier, what sets the image apart from its mean colour (``vitviz.trace.default``).
    ``batch_size`` inputs are run at once, fewer where memory is short, which a note tells; the map does not depend on
    it. ``progress`` is called with (done, total); if it returns False, the work stops with StoppedError. ``preview`` is
    given, about once a second, the map as it stands, of the methods that run the model many times: occlusion on a
    coarse grid at first, the mean over the random samples so far; ``notes`` begin with PREVIEW then.

    Raises OptionError for an unknown method, knob or target and for a trace of another model or with an edit, and
    UnsupportedModelError, with the reason, where the method cannot serve the model or the model gives no gradients.

    >>> vitviz.attribute("gradient_rollout", vit, "photo.jpg").values.shape  # (rows, columns)
    (16, 16)
    >>> vitviz.attribute("saliency", vit, "photo.jpg", target=7).target.label
    'scorpion'
    >>> passes = vitviz.trace(vit, "photo.jpg", target=7, layer_scores=True)
    >>> [vitviz.attribute(name, vit, passes).target.label for name in ("gradient_rollout", "legrad")]
    ['scorpion', 'scorpion']
    """
    method = find_method(name)
    chosen = method.choose(knobs, vit.layers)
    if batch_size < 1:
        raise OptionError(
            "batch_size is {batch_size}; wanted at least 1. 16 is the default.",
            batch_size=batch_size,
        )
    reason = method.why_not(vit)
    if reason is not None:
        raise UnsupportedModelError(
            "{label} cannot explain this model: {reason}. Choose another method.",
            label=method.label,
            reason=reason,
        )
    start = time.perf_counter()
    traced, resolved = _passes(method, vit, image, target, chosen)

    def finished(raw: RawMap, first: Sequence[str] = ()) -> Attribution:
        values = _checked(method, raw)
        return Attribution(
            values=values.numpy(),
            method=name,
            target=resolved,
            signed=method.signed,
            seconds=time.perf_counter() - start,
            completeness_gap=raw.completeness_gap,
            sampling_error=raw.sampling_error,
            knobs=chosen,
            seed=seed,
            notes=(
                *(*first, *raw.notes),
                *(traced.notes if method.backward else ()),
                *(*short, *([] if values.any() else [EMPTY])),
            ),
            picture=traced.picture,
        )

    look = None if preview is None else _now_and_then(lambda raw: preview(finished(raw, [PREVIEW])))
    with short_memory_told() as short:
        raw = method.function(Task(vit, traced, resolved, seed, batch_size, progress, look), **chosen)
    return finished(raw)


def _now_and_then(show: Callable[[RawMap], object]) -> Callable[[Callable[[], RawMap]], None]:
    """Return what shows a map as it stands if the last one was shown long enough ago, measured by what it cost."""
    due = 0.0

    def look(so_far: Callable[[], RawMap]) -> None:
        nonlocal due
        begun = time.perf_counter()
        if begun >= due:
            show(so_far())
            ended = time.perf_counter()
            due = ended + max(_SECONDS, 10 * (ended - begun))

    return look


def find_method(name: str) -> Method:
    """Return the method of that name; raises OptionError, with the nearest names, if there is none."""
    known = {method.name: method for method in METHODS}
    if not isinstance(name, str) or name not in known:
        raise OptionError(
            "There is no method {given}; wanted one of {listed}.{hint}",
            given=shown(name),
            listed=", ".join(known),
            hint=suggest(str(name), known),
        )
    return known[name]


def why_not(name: str, vit: ViT) -> str | None:
    """Return why a method cannot serve a model, in words, or None if it can."""
    return find_method(name).why_not(vit)


def _passes(
    method: Method, vit: ViT, image: Picture | Trace, target: int | str | Target | None, knobs: Mapping[str, Any]
) -> tuple[Trace, Target]:
    """Return a trace with all that a method reads, the given one where it has it, and the target that is explained."""
    given: Trace | None = None
    if isinstance(image, Trace):
        given, image = _own(vit, image), image.pixels
        target = given.target if target is None else target
        target = target_of(vit, target, given.pixels, given.logits, given.embedding)
        if _serves(method, given, target):
            return given, target
    enough = method.along != MEANS or is_linear(knobs["head_fusion"], knobs["discard_ratio"])
    along = method.along if enough and sums_up(vit) and not _of_own_embedding(vit, target) else None
    scores = method.layer_scores
    traced = passes(vit, image, target=target, backward=method.backward, layer_scores=scores, along=along)
    return traced, traced.target or target_of(vit, target, traced.pixels, traced.logits, traced.embedding)


def _of_own_embedding(vit: ViT, target: int | str | Target | None) -> bool:
    """Return whether a target is made of the picture's own embedding, so that every bit of it counts."""
    if target is None:
        return not vit.has_classifier
    return isinstance(target, Target) and target.class_index is None and not isinstance(target, Likeness)


def _serves(method: Method, traced: Trace, target: Target) -> bool:
    """Return whether a trace has all that a method reads."""
    if not (method.backward or method.layer_scores):
        return True
    has = (traced.gradients is not None or not method.backward) and (
        bool(traced.layer_gradients) or not method.layer_scores
    )
    return has and traced.target == target


def _own(vit: ViT, traced: Trace) -> Trace:
    """Return a trace that a model's explanations may read; raises OptionError for any other."""
    heads = tuple(traced.heads(layer) for layer in range(traced.layers))
    if (traced.model, traced.grid, heads) != (vit.name, vit.grid, vit.heads):
        raise OptionError(
            "The trace is of {model}; wanted one of {name}. Trace the picture with this model.",
            model=traced.model,
            name=vit.name,
        )
    if traced.edit:
        raise OptionError(
            "The trace was made with an edit, and methods that run the model again would explain it without; wanted a "
            "trace of the model as it is. Trace the picture without an edit."
        )
    return traced


def _checked(method: Method, raw: RawMap) -> torch.Tensor:
    values = raw.values.detach().to("cpu", torch.float32)
    if not torch.isfinite(values).all():
        raise CaptureError(
            "The map of {label} holds NaN or infinite numbers; wanted finite ones. Check the weights.",
            label=method.label,
        )
    return values.contiguous()
