"""What tokens hold: colours, likeness, norms, and the classes that they speak for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from vitviz.analysis.lens import ClassEvidence
from vitviz.analysis.tokens import TokenColours, TokenNorms, TokenSimilarity
from vitviz.figures.overlay import outline
from vitviz.figures.paint import Picture
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.numbers import number, percent
from vitviz.pictures.drawing import Drawing, Maps
from vitviz.pictures.maps import photo_of
from vitviz.trace.trace import Trace

_MAGENTA = (204, 121, 167)
_MOST_OUTLINES = 40
_CELL = 24  # pixels of a token's colour


def colours(result: TokenColours, *, photos: Sequence[ArrayLike] | None = None) -> Drawing:
    """Draw each picture beside its tokens as colours, as the Tokens page does."""
    panels = []
    for place, values in enumerate(result.colours):
        pictures = result.pictures if photos is None else photos
        if place < len(pictures):
            panels.append(Panel(label="What the model sees", photo=np.asarray(pictures[place])))
        panels.append(Panel(label="Tokens as colours", picture=enlarged(values)))
    red, green, blue = (float(share) for share in result.shares)
    words = f"Red, green and blue hold {percent(red)}, {percent(green)} and {percent(blue)} of the variance."
    return Maps(panels, f"Tokens as colours after layer {result.layer}", words)


def enlarged(values: ArrayLike) -> Image.Image:
    """Return colours (rows, columns, 3) in [0, 1] as a picture of flat cells."""
    shown = Image.fromarray(np.rint(np.asarray(values) * 255).astype(np.uint8))
    return shown.resize((shown.width * _CELL, shown.height * _CELL), Image.Resampling.NEAREST)


def likeness(result: TokenSimilarity, *, photo: ArrayLike | Trace | None = None, opacity: float = 0.7) -> Drawing:
    """Draw the cosine of a patch with all others over the photo, as the Tokens page does."""
    values = np.sort(result.values.ravel())
    top = values[-2] if len(values) > 1 and result.here else values[-1]  # the patch itself does not count
    columns = result.values.shape[1]
    panel = Panel(
        label="Likeness to the orange patch" if result.here else "Best match in orange",
        photo=photo_of(result, photo),
        map=result.values,
        scale=Scale(float(values[0]), float(top)),
        opacity=opacity,
        query=divmod(result.patch if result.here else result.best, columns),
    )
    words = f"Most alike: patch {result.best}, cosine {result.best_cosine:.3f}."
    return Maps([panel], f"Likeness to patch {result.patch} after layer {result.layer}", words)


def norms(result: TokenNorms, *, photo: ArrayLike | Trace | None = None, opacity: float = 0.75) -> Drawing:
    """Draw the norm of each patch token over the photo, outliers outlined in pink, as the Tokens page does."""
    scale = Scale(float(result.norms.min()), float(result.norms.max()))
    picture = photo_of(result, photo)
    rows, columns = result.norms.shape
    title = f"Norm of each patch token after layer {result.layer}"
    words = f"{len(result.outliers)} of {result.norms.size} patches lie above {number(result.threshold)}."

    def outlined(shown: Picture) -> Picture:
        for patch in result.outliers[:_MOST_OUTLINES]:
            shown = outline(shown, rows, columns, divmod(patch, columns), colour=_MAGENTA)
        return shown

    panel = Panel(photo=picture, map=result.norms, scale=scale, opacity=opacity, finish=outlined)
    return Maps([panel], title, words)


def evidence(result: ClassEvidence, *, photo: ArrayLike | Trace | None = None, opacity: float = 0.65) -> Drawing:
    """Draw which patches speak for a class over the photo, as the Tokens page does."""
    top = float(np.abs(result.values).max()) or 1.0
    scale = Scale(-top, top, signed=True)
    name = result.name or f"class {result.class_index}"
    share = float((result.best == result.class_index).mean())
    panel = Panel("Logit above the mean of all classes", photo_of(result, photo), result.values, scale, None, opacity)
    words = f"{percent(share)} of the patches speak for it most."
    return Maps([panel], f"Evidence for {name} after layer {result.layer}", words)


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {
    TokenColours: colours,
    TokenSimilarity: likeness,
    TokenNorms: norms,
    ClassEvidence: evidence,
}
