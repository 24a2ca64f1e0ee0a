"""What the command tokens can measure, as data: a new measure is one more line in MEASURES."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from vitviz.analysis.lens import class_evidence, logit_lens
from vitviz.analysis.map_comparison import same_crop
from vitviz.analysis.redrawn import redrawn
from vitviz.analysis.similarity import layer_similarity
from vitviz.analysis.spectrum import token_spectrum
from vitviz.analysis.tokens import outlier_table, token_colours, token_norms, token_similarity
from vitviz.cli.measurement import Measurement
from vitviz.cli.methods import Option
from vitviz.cli.targets import class_index
from vitviz.figures.curve import Curve
from vitviz.figures.palettes import PINNED, layer_ramp
from vitviz.figures.print_chart import print_chart
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.images import Photo
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace

RANDOM = "random"


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be measured: the model, one or two photos, the options as they were resolved."""

    vit: ViT
    photos: Sequence[Photo]
    options: Mapping[str, Any]

    @cached_property
    def traces(self) -> list[Trace]:
        """The forward pass of each photo."""
        return [trace(self.vit, each.image) for each in self.photos]

    @property
    def patch(self) -> int:
        """The patch that is compared; the middle one if none was given."""
        grid = self.vit.grid
        asked = self.options["patch"]
        return grid.rows // 2 * grid.columns + grid.columns // 2 if asked is None else asked

    def frame(self, place: int = 0) -> Any:
        """Return the crop of a photo that the model sees."""
        return self.vit.frame(self.photos[place].image)


@dataclass(frozen=True)
class Measure:
    """One way to look at tokens."""

    name: str
    summary: str
    options: tuple[Option, ...]
    measure: Callable[[Request], Measurement]


def all_options() -> list[tuple[Option, list[str]]]:
    """Return every option once, in order, with the names of the measures that have it."""
    options = {option.name: option for each in MEASURES.values() for option in each.options}
    return [
        (option, [each.name for each in MEASURES.values() if option in each.options]) for option in options.values()
    ]


def _colours(request: Request) -> Measurement:
    options = {name: request.options[name] for name in ("layer", "threshold", "flip")}
    found = token_colours(request.traces, **options)
    panels = []
    for place, colours in enumerate(found.colours):
        panels += [
            Panel(label="What the model sees", photo=request.frame(place)),
            Panel(label="Tokens as colours", picture=_enlarged(colours)),
        ]
    shares = ", ".join(f"{share:.0%}" for share in found.shares)
    return Measurement(
        title=f"Tokens as colours after layer {found.layer}",
        panels=panels,
        arrays={f"colours_{place}": each for place, each in enumerate(found.colours)}
        | {f"foreground_{place}": each for place, each in enumerate(found.foreground)},
        numbers={"layer": found.layer, "shares": found.shares},
        words=[f"Red, green and blue hold {shares} of the variance."],
        settings=options,
    )


def _enlarged(colours: Any) -> Image.Image:
    shown = Image.fromarray(np.rint(colours * 255).astype(np.uint8))
    return shown.resize((shown.width * 24, shown.height * 24), Image.Resampling.NEAREST)


def _similarity(request: Request) -> Measurement:
    layer, patch, grid = request.options["layer"], request.patch, request.vit.grid
    here = token_similarity(request.traces[0], patch, layer=layer)
    found = [here]
    for other in request.traces[1:]:
        found.append(token_similarity(request.traces[0], patch, layer=layer, other=other))
    values = np.concatenate([each.values.ravel() for each in found])
    scale = Scale(float(values.min()), float(np.sort(values)[-2]))  # the patch itself does not count
    panels = [
        Panel(label="Likeness to the orange patch" if not place else "In the second picture: best match",
              photo=request.frame(place), map=each.values, scale=scale,
              query=grid.position(patch) if not place else grid.position(each.best))
        for place, each in enumerate(found)
    ]  # fmt: skip
    where = ("here", "in the second picture")
    return Measurement(
        title=f"Likeness to patch {patch} after layer {layer}",
        panels=panels,
        arrays={f"likeness_{place}": each.values for place, each in enumerate(found)},
        numbers={"best": [each.best for each in found], "cosine": [each.best_cosine for each in found]},
        words=[
            f"Most alike {name}: patch {each.best}, cosine {each.best_cosine:.3f}."
            for name, each in zip(where, found, strict=False)
        ],
        settings={"layer": layer, "patch": patch},
    )


def _norms(request: Request) -> Measurement:
    traced, deviations = request.traces[0], request.options["deviations"]
    found = token_norms(traced, layer=request.options["layer"], deviations=deviations)
    table = outlier_table(traced, deviations=deviations)
    return Measurement(
        title=f"Token norms after layer {found.layer}",
        panels=[Panel(label="Norm of each patch token", photo=request.frame(), map=found.norms,
                      scale=Scale(float(found.norms.min()), float(found.norms.max())))],
        arrays={"norms": np.stack([each.norms for each in table])},
        numbers={
            "special": found.special,
            "threshold": found.threshold,
            "outliers": [each.outliers for each in table],
            "attention_share": [each.attention_share for each in table],
            "class_share": [each.class_share for each in table],
        },
        words=[
            f"{len(found.outliers)} of {found.norms.size} patches lie above {found.threshold:.4g}, "
            f"the mean and {deviations:g} standard deviations."
        ],
        settings={"layer": found.layer, "deviations": deviations},
    )  # fmt: skip


def _lens(request: Request) -> Measurement:
    vit = request.vit
    found = logit_lens(vit, request.traces[0])
    best = [int(index) for index in found.logits[-1].argsort()[::-1][:4]]
    layers = np.arange(-1, vit.layers)
    lines = [
        Curve(vit.class_name(index), layers, found.probabilities[:, index], PINNED[place])
        for place, index in enumerate(best)
    ]
    plot = print_chart(lines, x_title="After layer (-1: input)", y_title="Probability")
    return Measurement(
        title="Logit lens",
        panels=[Panel(picture=plot)],
        arrays={"logits": found.logits},
        numbers={"top": [{"class": index, "name": vit.class_name(index)} for index in found.top]},
        words=[f"From layer {found.decided - 1} on the answer is the final one, {vit.class_name(found.final)}."],
    )


def _evidence(request: Request) -> Measurement:
    vit, asked = request.vit, request.options["class"]
    chosen = None if asked is None else class_index(vit, asked)
    found = class_evidence(vit, request.traces[0], class_index=chosen, layer=request.options["layer"])
    top = float(np.abs(found.values).max()) or 1.0
    name = vit.class_name(found.class_index)
    return Measurement(
        title=f"Evidence for {name} after layer {found.layer}",
        panels=[Panel(label="Logit above the mean of all classes", photo=request.frame(),
                      map=found.values, scale=Scale(-top, top, signed=True))],
        arrays={"values": found.values, "best": found.best},
        numbers={"class": found.class_index, "name": name},
        words=[f"{(found.best == found.class_index).mean():.0%} of the patches speak for it most."],
        settings={"layer": found.layer, "class": found.class_index},
    )  # fmt: skip


def _cka(request: Request) -> Measurement:
    against, here = request.options["against"], request.traces[0]
    other = None
    if against is not None:
        other = _other_trace(request, against)
    found = layer_similarity(here, other)
    names = found.models[0], "random weights" if against == RANDOM else found.models[1]
    return Measurement(
        title=f"CKA of the layers: {names[0]} (down) and {names[1]} (across)",
        panels=[Panel(label="Input and layers, first at the top left", map=found.values, scale=Scale(0, 1))],
        arrays={"cka": found.values},
        numbers={"models": names, "samples": found.samples, "notes": found.notes},
        words=[f"Linear CKA of {found.samples} patch tokens.", *(f"Note: {note}." for note in found.notes)],
        settings={"against": against},
    )  # fmt: skip


def _other_trace(request: Request, against: str) -> Trace:
    """Return the trace of another model of what the request's own one sees: patches are compared place by place."""
    image = request.photos[0].image
    if against == RANDOM:  # the same transform
        return trace(redrawn(request.vit), image)
    vit = load_vit(against)
    return trace(vit, same_crop(request.vit, vit, image))


def _spectrum(request: Request) -> Measurement:
    found = token_spectrum(request.traces[0])
    panels = []
    for label, rows in (("With the residual path", found.stream), ("Without it", found.branch)):
        ramp, first = layer_ramp(len(rows)), request.vit.layers - len(rows)
        lines = [
            Curve(f"{place + first}", found.frequency, row, ramp[place])
            for place, row in enumerate(rows)
            if np.isfinite(row).all()
        ]
        plot = print_chart(lines, x_title="Spatial frequency (π a patch)", y_title="Relative log amplitude")
        panels.append(Panel(label=label, picture=plot))
    drop = found.stream[-1, -1] - found.stream[0, -1]
    return Measurement(
        title="Spatial frequencies of the tokens, one curve a layer (-1: input)",
        panels=panels,
        arrays={"frequency": found.frequency, "stream": found.stream, "branch": found.branch},
        numbers={"frequency": found.frequency, "stream": found.stream, "branch": found.branch},
        words=[f"At the highest frequency the log amplitude changes by {drop:+.2f} from input to output."],
    )  # fmt: skip


LAYER = Option("layer", None, "block, counted from 0; -1 is the input (default: the last)", int)
SECOND = Option("second", None, "another picture, or example:ID", metavar="IMAGE")

MEASURES: dict[str, Measure] = {
    each.name: each
    for each in (
        Measure(
            "colours",
            "the first three principal components as red, green and blue",
            (
                LAYER,
                SECOND,
                Option("threshold", None, "foreground above this share of the first one", float),
                Option("flip", False, "the foreground is the other side", bool),
            ),
            _colours,
        ),
        Measure(
            "similarity",
            "cosine of a patch to all others",
            (LAYER, SECOND, Option("patch", None, "its number (default: the middle)", int)),
            _similarity,
        ),
        Measure(
            "norms",
            "norms and outliers, and the attention that these get",
            (LAYER, Option("deviations", 4.0, "of an outlier above the mean", float)),
            _norms,
        ),
        Measure("lens", "what the classifier would answer after each block", (), _lens),
        Measure(
            "evidence",
            "which patches speak for a class",
            (LAYER, Option("class", None, "number or name (default: the top answer)")),
            _evidence,
        ),
        Measure(
            "cka",
            "how alike the layers are",
            (Option("against", None, "another model, or random: the same with random weights"),),
            _cka,
        ),
        Measure("spectrum", "how much detail each layer keeps", (), _spectrum),
    )
}
