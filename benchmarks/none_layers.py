"""Whether earlier layers, patches, or other views of a photo tell photos of none of the default model's classes.

    python -m benchmarks.none_layers --data TINY_IMAGENET --others PHOTOS --features FOLDER --size 140 --out FILE.md

The photos and comparisons are those of benchmarks.none_of_them. What the layers make of them is kept in FOLDER/layers,
the answers to mirrored photos and to the middle of photos in FOLDER/mirrored and FOLDER/middle. Beside
photos of another source a fit of all scores learns the source; beside photos of the same source it cannot.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.none_joined import joined
from benchmarks.none_of_them import PAIRS, Reader, build_parser, read_all, told
from benchmarks.none_scores import (
    SCORES,
    TINY,
    Array,
    Photos,
    auroc,
    generalised_entropy,
    interval,
    maximum_probability,
    probabilities,
)
from benchmarks.timing import table
from vitviz.files import write_text

LAYERS = (4, 7, 9, 10, 11)
FEATURE_SCORES = ("relative Mahalanobis", "10 nearest neighbours")
SEEN = 0.8
"""Side of the middle that is enlarged, as a part of the photo's."""
TOLD = PAIRS[:2]


class LayerReader(Reader):
    """What every layer makes of photos: its class token, the mean of its patches, and the patches' own answers."""

    def _batch(self, load: Sequence[Callable[[], Image.Image]]) -> tuple[Array, Array]:
        pixels = torch.stack([self.transform(image()) for image in load])  # (photo, channel, row, column)
        streams: list[torch.Tensor] = []
        handles = [
            block.register_forward_hook(lambda _block, _given, stream: streams.append(stream))
            for block in self.model.blocks
        ]
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16, cache_enabled=False):
            tokens = self.model.forward_features(pixels)  # (photo, token, channel)
            answers = self.model.get_classifier()(tokens).float()  # (photo, token, class)
        for handle in handles:
            handle.remove()
        parts = [part for stream in streams for part in (stream[:, 0].float(), stream[:, 1:].float().mean(dim=1))]
        own = answers[:, 1:].softmax(dim=-1).mean(dim=1)  # (photo, class)
        return torch.cat([*parts, own], dim=1).numpy(), answers[:, 0].numpy()


class ViewReader(Reader):
    """The answers to photos that are changed first; only those of the sets that are compared are read."""

    def __init__(self, *given: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__(*given)
        plain = self.transform
        self.transform = lambda image: change(plain(image))

    def read(self, name: str, load: Sequence[Callable[[], Image.Image]], labels: Sequence[int]) -> Photos:
        """Return the answers to the changed photos of a set; of one that is not compared, those of no photo."""
        if name.replace("_", " ") not in {part for pair in TOLD for part in pair}:
            return Photos(np.zeros((0, 1)), np.zeros((0, 1)), np.zeros(0, dtype=np.int64))
        return super().read(name, load, labels)


def mirrored(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.flip(-1)


def middle(pixels: torch.Tensor) -> torch.Tensor:
    """Return the middle of a photo, enlarged to its size."""
    side = pixels.shape[-1]
    edge = round(side * (1 - SEEN) / 2)
    part = pixels[None, :, edge : side - edge, edge : side - edge]
    return torch.nn.functional.interpolate(part, size=(side, side), mode="bicubic", antialias=True)[0]


def scores_of(sets: Mapping[str, Photos], views: Sequence[Mapping[str, Photos]]) -> dict[str, dict[str, Array]]:
    """Return every score by its name, one number a photo for each set that is compared."""
    names, reference = sorted({part for pair in TOLD for part in pair}), sets["reference"]
    scores: dict[str, dict[str, Array]] = {}

    def add(name: str, score: Callable[[str], Array]) -> None:
        scores[name] = {part: score(part) for part in names}

    add("maximum probability", lambda part: maximum_probability(sets[part], reference))
    add("generalised entropy", lambda part: generalised_entropy(sets[part], reference))
    for layer, (place, kind) in itertools.product(LAYERS, enumerate(("class token", "mean of the patches"))):
        here = {part: _layer(sets[part], 2 * layer + place) for part in (*names, "reference")}
        for title in FEATURE_SCORES:
            values = {part: SCORES[title](here[part], here["reference"]) for part in names}
            scores[f"layer {layer}, {kind}: {title}"] = values
    own = {part: sets[part].features[:, -sets[part].logits.shape[1] :] for part in names}
    add("the patches' own answers: maximum of their mean", lambda part: own[part].max(axis=1))
    add(
        "agreement of the patches' answers with the class token's",
        lambda part: np.sqrt(own[part] * probabilities(sets[part].logits)).sum(axis=1),
    )
    means = {part: _mean([sets, *views], part) for part in names}
    add("mean answer to three views: maximum probability", lambda part: maximum_probability(means[part], reference))
    add("mean answer to three views: generalised entropy", lambda part: generalised_entropy(means[part], reference))
    return scores


def _layer(photos: Photos, place: int) -> Photos:
    channels = (photos.features.shape[1] - photos.logits.shape[1]) // 24
    return Photos(photos.features[:, place * channels : (place + 1) * channels], photos.logits, photos.labels)


def _mean(every: Sequence[Mapping[str, Photos]], part: str) -> Photos:
    """Return photos with the logarithms of the mean probabilities over views as their logits."""
    chances = np.mean([probabilities(sets[part].logits) for sets in every], axis=0)
    return Photos(chances, np.log(chances + TINY), every[0][part].labels)


def report(scores: Mapping[str, Mapping[str, Array]], *, size: int) -> str:
    """Return the table as Markdown."""
    rows = []
    for name, values in scores.items():
        cells = [told(auroc(values[a], values[b]), *interval(values[a], values[b])) for a, b in TOLD]
        rows.append((name, *cells))
    every = {part: np.stack([values[part] for values in scores.values()], axis=1) for part in scores[rows[0][0]]}
    apart = [joined(every[known], every[others]) for known, others in TOLD]
    rows.append(("all of these joined, photos new to it", *(f"{new:.3f}" for new, _fitted in apart)))
    header = ("score", *(f"{len(every[a]):,} {a}, {len(every[b]):,} {b}" for a, b in TOLD))
    return f"AUROC at {size} px with its 95% interval:\n\n{table(header, rows)}\n"


def main() -> None:
    options = build_parser().parse_args()
    torch.set_num_threads(1)
    given = (options.size, options.threads, options.bfloat16)
    sets = read_all(options, LayerReader(options.features / "layers", *given))
    views = [
        read_all(options, ViewReader(options.features / change.__name__, *given, change=change))
        for change in (mirrored, middle)
    ]
    text = report(scores_of(sets, views), size=options.size)
    print(text)
    if options.out:
        write_text(options.out, text)


if __name__ == "__main__":
    main()
