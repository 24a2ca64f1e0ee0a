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
from vitviz.cli.measurement import Measurement, chart_panels
from vitviz.cli.methods import Option
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.images import Photo
from vitviz.models.class_index import class_index
from vitviz.models.devices import precision_of
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT
from vitviz.numbers import percent
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
        return [trace(self.vit, photo.image) for photo in self.photos]

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
    options = {option.name: option for measure in MEASURES.values() for option in measure.options}
    return [
        (option, [measure.name for measure in MEASURES.values() if option in measure.options])
        for option in options.values()
    ]


def _colours(request: Request) -> Measurement:
    options = {name: request.options[name] for name in ("layer", "threshold", "flip")}
    projection = token_colours(request.traces, **options)
    panels = []
    for place, colours in enumerate(projection.colours):
        panels += [
            Panel(label="What the model sees", photo=request.frame(place)),
            Panel(label="Tokens as colours", picture=_enlarged(colours)),
        ]
    shares = ", ".join(percent(share) for share in projection.shares)
    return Measurement(
        title=f"Tokens as colours after layer {projection.layer}",
        panels=panels,
        arrays={f"colours_{place}": values for place, values in enumerate(projection.colours)}
        | {f"foreground_{place}": mask for place, mask in enumerate(projection.foreground)},
        numbers={"layer": projection.layer, "shares": projection.shares},
        words=[f"Red, green and blue hold {shares} of the variance."],
        settings=options,
    )


def _enlarged(colours: Any) -> Image.Image:
    shown = Image.fromarray(np.rint(colours * 255).astype(np.uint8))
    return shown.resize((shown.width * 24, shown.height * 24), Image.Resampling.NEAREST)


def _similarity(request: Request) -> Measurement:
    layer, patch, grid = request.options["layer"], request.patch, request.vit.grid
    here = token_similarity(request.traces[0], patch, layer=layer)
    likenesses = [here]
    for other in request.traces[1:]:
        likenesses.append(token_similarity(request.traces[0], patch, layer=layer, other=other))
    values = np.concatenate([likeness.values.ravel() for likeness in likenesses])
    scale = Scale(float(values.min()), float(np.sort(values)[-2]))  # the patch itself does not count
    panels = [
        Panel(label="Likeness to the orange patch" if not place else "In the second picture: best match",
              photo=request.frame(place), map=likeness.values, scale=scale,
              query=grid.position(patch) if not place else grid.position(likeness.best))
        for place, likeness in enumerate(likenesses)
    ]  # fmt: skip
    where = ("here", "in the second picture")
    return Measurement(
        title=f"Likeness to patch {patch} after layer {layer}",
        panels=panels,
        arrays={f"likeness_{place}": likeness.values for place, likeness in enumerate(likenesses)},
        numbers={
            "best": [likeness.best for likeness in likenesses],
            "cosine": [likeness.best_cosine for likeness in likenesses],
        },
        words=[
            f"Most alike {name}: patch {likeness.best}, cosine {likeness.best_cosine:.3f}."
            for name, likeness in zip(where, likenesses, strict=False)
        ],
        settings={"layer": layer, "patch": patch},
    )


def _norms(request: Request) -> Measurement:
    traced, deviations = request.traces[0], request.options["deviations"]
    shown = token_norms(traced, layer=request.options["layer"], deviations=deviations)
    table = outlier_table(traced, deviations=deviations)
    return Measurement(
        title=f"Token norms after layer {shown.layer}",
        panels=[Panel(label="Norm of each patch token", photo=request.frame(), map=shown.norms,
                      scale=Scale(float(shown.norms.min()), float(shown.norms.max())))],
        arrays={"norms": np.stack([row.norms for row in table])},
        numbers={
            "special": shown.special,
            "threshold": shown.threshold,
            "outliers": [row.outliers for row in table],
            "attention_share": [row.attention_share for row in table],
            "class_share": [row.class_share for row in table],
        },
        words=[
            f"{len(shown.outliers)} of {shown.norms.size} patches lie above {shown.threshold:.4g}, "
            f"the mean and {deviations:g} standard deviations."
        ],
        settings={"layer": shown.layer, "deviations": deviations},
    )  # fmt: skip


def _lens(request: Request) -> Measurement:
    vit = request.vit
    lens = logit_lens(vit, request.traces[0])
    best = [int(index) for index in lens.logits[-1].argsort()[::-1][:4]]
    return Measurement(
        title="Logit lens",
        panels=chart_panels(lens, classes=best),
        arrays={"logits": lens.logits},
        numbers={"top": [{"class": index, "name": vit.class_name(index)} for index in lens.top]},
        words=[f"From layer {lens.decided - 1} on the answer is the final one, {vit.class_name(lens.final)}."],
    )


def _evidence(request: Request) -> Measurement:
    vit, asked = request.vit, request.options["class"]
    chosen = None if asked is None else class_index(vit, asked)
    evidence = class_evidence(vit, request.traces[0], class_index=chosen, layer=request.options["layer"])
    top = float(np.abs(evidence.values).max()) or 1.0
    name = vit.class_name(evidence.class_index)
    return Measurement(
        title=f"Evidence for {name} after layer {evidence.layer}",
        panels=[Panel(label="Logit above the mean of all classes", photo=request.frame(),
                      map=evidence.values, scale=Scale(-top, top, signed=True))],
        arrays={"values": evidence.values, "best": evidence.best},
        numbers={"class": evidence.class_index, "name": name},
        words=[f"{percent((evidence.best == evidence.class_index).mean())} of the patches speak for it most."],
        settings={"layer": evidence.layer, "class": evidence.class_index},
    )  # fmt: skip


def _cka(request: Request) -> Measurement:
    against, here = request.options["against"], request.traces[0]
    other = None
    if against is not None:
        other = _other_trace(request, against)
    similarity = layer_similarity(here, other)
    names = similarity.models[0], "random weights" if against == RANDOM else similarity.models[1]
    return Measurement(
        title=f"CKA of the layers: {names[0]} (down) and {names[1]} (across)",
        panels=[Panel(label="Input and layers, first at the top left", map=similarity.values, scale=Scale(0, 1))],
        arrays={"cka": similarity.values},
        numbers={"models": names, "samples": similarity.samples, "notes": similarity.notes},
        words=[f"Linear CKA of {similarity.samples} patch tokens.", *(f"Note: {note}." for note in similarity.notes)],
        settings={"against": against},
    )  # fmt: skip


def _other_trace(request: Request, against: str) -> Trace:
    """Return the trace of another model of what the request's own one sees: patches are compared place by place."""
    image = request.photos[0].image
    if against == RANDOM:  # the same transform
        return trace(redrawn(request.vit), image)
    own = request.vit
    vit = load_vit(against, device=str(own.device), precision=precision_of(own.dtype))
    return trace(vit, same_crop(own, vit, image))


def _spectrum(request: Request) -> Measurement:
    spectrum = token_spectrum(request.traces[0])
    drop = spectrum.stream[-1, -1] - spectrum.stream[0, -1]
    return Measurement(
        title="Spatial frequencies of the tokens, one curve a layer",
        panels=chart_panels(spectrum),
        arrays={"frequency": spectrum.frequency, "stream": spectrum.stream, "branch": spectrum.branch},
        numbers={"frequency": spectrum.frequency, "stream": spectrum.stream, "branch": spectrum.branch},
        words=[f"At the highest frequency the log amplitude changes by {drop:+.2f} from input to output."],
    )  # fmt: skip


LAYER = Option("layer", None, "block, counted from 0; -1 is the input (default: the last)", int)
SECOND = Option("second", None, "another picture, or example:ID", metavar="IMAGE")

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
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
