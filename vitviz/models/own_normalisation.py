"""How pictures become the input of a module that was observed: as its body wants them, unless it does that itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image
from torch import Tensor, nn

from vitviz.capture.proof import differ, noise
from vitviz.clause import Clause
from vitviz.models.assumptions import PREPARATION, Assumption
from vitviz.models.observation import Observation
from vitviz.models.preparation import Grey, Missing, Preparation, Unnormalised, restated
from vitviz.models.preprocessing import preprocessing_of
from vitviz.models.structure import Structure

Colours = tuple[float, ...]


def prepared(
    name: str,
    module: nn.Module,
    structure: Structure,
    observation: Observation,
    transform: Callable[[Image.Image], Tensor] | None,
) -> Preparation:
    """Return how pictures become the input of an observed module: by the caller's transform, or as its body wants them.

    A module that normalises before its body, as the body wants it, is given values from 0 to 1. Where it does anything
    else first, or has neither three channels nor one, only the caller knows: a picture without a transform is refused
    then. For one channel pictures become grey, and it is told.
    """
    body = structure.prepare(module)
    if transform is not None:
        return Preparation(*_numbers_of(transform, structure, (body.mean, body.std)), transform, None)
    known = len(body.mean) == structure.channels
    mean, std = (body.mean, body.std) if known else ((), ())
    size = (structure.channels, *structure.image_size)
    example = noise(observation.observed.proven, size)
    untouched = observation.embedded is None or _same(observation.embedded, example)
    if structure.channels == 1 and len(body.mean) == len(body.std) == 3 and untouched:
        return _grey(body)
    if structure.channels != 3:
        return _unknown(
            name,
            mean,
            std,
            Clause("its input has {counted}, and a picture has 3", counted=_counted(structure.channels)),
        )
    if observation.embedded is None or untouched:
        return body
    largest = _range_of(observation.embedded, example)
    if largest is None:
        return _unknown(name, (), (), "it changes its input before the patch embedding in a way of its own")
    return _plain(body, largest)


_PLAIN = (0, 128, 255)
"""Levels of the plain pictures by which a transform is measured."""


def _numbers_of(
    transform: Callable[[Image.Image], Tensor], structure: Structure, usual: tuple[Colours, Colours]
) -> tuple[Colours, Colours]:
    """Return mean and deviation of a caller's transform, measured on plain pictures; empty where it has none.

    They are the architecture's usual ones, to the digit, where the transform has these.
    """
    height, width = structure.image_size
    try:
        seen = [transform(Image.new("RGB", (width, height), (level,) * 3)).double().cpu() for level in _PLAIN]
    except Exception:  # a caller's code may raise anything: the first picture that is looked at says what
        return (), ()
    if any(tensor.shape != (structure.channels, height, width) for tensor in seen):
        return (), ()
    numbers = _line_through(*(tensor.flatten(1) for tensor in seen))
    pairs = list(zip(usual, numbers, strict=True))
    same = all(len(own) == len(its) and np.allclose(own, its, rtol=0, atol=1e-5) for own, its in pairs)
    return usual if same else numbers


def _line_through(black: Tensor, grey: Tensor, white: Tensor) -> tuple[Colours, Colours]:
    """Return mean and deviation of each channel from plain pictures, (channel, pixel); empty unless each is a line."""
    start, span = black[:, :1], white[:, :1] - black[:, :1]  # (channel, 1)
    ends = zip((black, grey, white), _PLAIN, strict=True)
    straight = all(bool(((values - start - span * level / 255).abs() <= 1e-4 * span).all()) for values, level in ends)
    if not straight or not bool((span > 0).all()):
        return (), ()
    return tuple((-start / span).flatten().tolist()), tuple((1 / span).flatten().tolist())


def _counted(channels: int) -> str:
    return Clause("one channel") if channels == 1 else Clause("{channels} channels", channels=channels)


def _unknown(name: str, mean: tuple[float, ...], std: tuple[float, ...], reason: str) -> Preparation:
    note = Clause("a picture needs a transform of your own: {reason}", reason=reason)
    return Preparation(mean, std, Missing(name, reason), None, (note,))


def _grey(body: Preparation) -> Preparation:
    """Return the same preparation for a module whose input has one channel."""
    transform = Grey(body.transform, body.mean, body.std)
    framing = None if body.framing is None else Grey(body.framing, body.mean, body.std)
    mean, std = transform.numbers
    told = "assumed: photos become grey (luma), for its input has one channel (mean {mean}; deviation {std})"
    note = Assumption.of(PREPARATION, told, mean=f"{mean:.4g}", std=f"{std:.4g}")
    return Preparation((mean,), (std,), transform, framing, (note,))


def _same(given: Tensor, wanted: Tensor) -> bool:
    return given.shape == wanted.shape and differ(wanted, given) is None


_LEAST = 0.05
"""The least deviation of pictures that a model may be thought to divide by, as a share of the largest value."""


def _range_of(embedded: Tensor, example: Tensor) -> int | None:
    """Return the largest value, 1 or 255, of the pictures that a module normalises itself; None if it does not.

    What reaches the patch embedding must be (x - mean) / std, mean and deviation within that range.
    """
    if embedded.shape != example.shape:
        return None
    given, wanted = (tensor[0].cpu().double().flatten(1) for tensor in (example, embedded))  # (channel, pixel)
    given, middle = given - given.mean(1, keepdim=True), given.mean(1, keepdim=True)
    slope = (given * wanted).sum(1, keepdim=True) / given.square().sum(1, keepdim=True)
    start = wanted.mean(1, keepdim=True) - slope * middle
    if not _same(((given + middle) * slope + start).to(embedded.dtype), wanted.to(embedded.dtype)):
        return None
    mean, std = -start / slope, 1 / slope
    for largest in (1, 255):
        near = 1e-6 * largest
        if bool(((mean >= -near) & (mean <= largest) & (std >= _LEAST * largest) & (std <= largest + near)).all()):
            return largest
    return None


def _plain(body: Preparation, largest: int) -> Preparation:
    """Return the same preparation without its normalisation: values from 0 to 1, or to 255."""
    zeros, span = (0.0,) * len(body.mean), (1.0 / largest,) * len(body.std)
    transform = Unnormalised(body.transform, body.mean, body.std, largest)
    framing = None if body.framing is None else Unnormalised(body.framing, body.mean, body.std, largest)
    note = Clause(
        "it normalises pictures itself: they are given to it with values from 0 to {largest}", largest=largest
    )
    numbers = preprocessing_of(body.transform, body.mean, body.std)
    assumed = body.notes if numbers is None else restated(body.notes, numbers, ("mean", "std"))
    return Preparation(zeros, span, transform, framing, (note, *assumed))
