"""How well scores of the default model tell photos of its 200 classes from photos of none of them.

    python -m benchmarks.none_of_them --data TINY_IMAGENET --others PHOTOS --features FOLDER --out FILE.md

PHOTOS is a folder of photos whose names begin with a WordNet id, such as n02123045_tabby.JPEG: the public set of one
photo for each of ImageNet's 1,000 classes ("imagenet-sample-images") has 200 of the model's classes and 800 others.
Four comparisons: Tiny-ImageNet's validation photos beside the others reduced to 64 pixels like them, so that no score
can go by sharpness; photos of one source on both sides, reduced and crisp, so that none can go by the source either;
and classes left out (a fifth of the classes is taken from the logits and from what feature scores know, and its
validation photos are the others). A linear read-out that is fitted on others shows what the source does to a score.
A higher score means more like a known class. AUROC is the share of pairs, one photo of each kind, in which the known
one has the higher score; its interval is the 95% one of 1,000 resamplings of the photos.
"""

from __future__ import annotations

import argparse
import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.none_joined import gain, joined, numbers
from benchmarks.none_scores import FOLDS, NO_CLASS, SCORES, Array, Photos, auroc, interval, left_out_scores, unseen
from benchmarks.timing import table
from vitviz.files import write_text
from vitviz.images import open_image
from vitviz.models import evaluate, timm_door
from vitviz.models.train_default import HELD_OUT_PER_CLASS, HELD_OUT_SEED
from vitviz.models.training.tiny_imagenet import hold_out, read_classes, read_train, read_validation

SMALL_SIDE = 64
BATCH = 8
FALSE_ALARMS = 0.1


def reduced(path: Path) -> Image.Image:
    """Return the middle square of a photo as Tiny-ImageNet would have it: 64 by 64 pixels, through a JPEG file."""
    image = open_image(path)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    file = io.BytesIO()
    square = image.crop((left, top, left + side, top + side))
    square.resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    with Image.open(file) as small:
        return small.convert("RGB")


class Reader:
    """A shipped model, reading photos; what it made of a set is kept in a folder and not computed again."""

    def __init__(self, folder: Path, size: int, threads: int, bfloat16: bool, weights: Path = evaluate.SHIPPED) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.model: Any = evaluate.load_either(weights, image_size=size).eval()
        self.transform = timm_door.data_settings(self.model).transform
        self.folder, self.threads, self.bfloat16 = folder, threads, bfloat16

    def read(self, name: str, load: Sequence[Callable[[], Image.Image]], labels: Sequence[int]) -> Photos:
        """Return what the model makes of a set of photos."""
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            with ThreadPoolExecutor(self.threads) as pool:
                parts = list(
                    pool.map(lambda start: self._batch(load[start : start + BATCH]), range(0, len(load), BATCH))
                )
            features, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
            np.savez(path, features=features, logits=logits, labels=np.array(labels))
        with np.load(path) as kept:
            return Photos(kept["features"].astype(float), kept["logits"].astype(float), kept["labels"])

    def _batch(self, load: Sequence[Callable[[], Image.Image]]) -> tuple[Array, Array]:
        pixels = torch.stack([self.transform(image()) for image in load])  # (photo, channel, row, column)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16, cache_enabled=False):
            features = self.model.forward_head(self.model.forward_features(pixels), pre_logits=True)
            logits = self.model.get_classifier()(features)
        return features.float().numpy(), logits.float().numpy()


def read_all(options: argparse.Namespace, reader: Reader) -> dict[str, Photos]:
    """Return the sets of photos by name, from the model or from the folder of features."""
    validation = read_validation(options.data).images
    chosen = np.random.default_rng(0).permutation(len(validation))[: options.count]
    held = hold_out(read_train(options.data), per_class=HELD_OUT_PER_CLASS, seed=HELD_OUT_SEED)[1]
    index = read_classes(options.data).index()
    paths = sorted(path for path in options.others.iterdir() if re.match(r"n\d{8}_", path.name))
    known = [path for path in paths if path.name[:9] in index]
    others = [path for path in paths if path.name[:9] not in index]
    few = others[:: options.every]
    labels, none = [index[path.name[:9]] for path in known], [NO_CLASS] * len(others)
    return {
        "val": reader.read("val", _arrays(validation.pixels[chosen]), validation.labels[chosen].tolist()),
        "small others": reader.read("small_others", _files(others, reduced), none),
        "reference": reader.read("reference", _arrays(held.pixels), held.labels.tolist()),
        "small known": reader.read("small_known", _files(known, reduced), labels),
        "crisp others": reader.read("crisp_others", _files(few, open_image), none[: len(few)]),
        "crisp known": reader.read("crisp_known", _files(known, open_image), labels),
    }


def _arrays(pixels: NDArray[np.uint8]) -> list[Callable[[], Image.Image]]:
    return [functools.partial(Image.fromarray, array) for array in pixels]


def _files(paths: Sequence[Path], load: Callable[[Path], Image.Image]) -> list[Callable[[], Image.Image]]:
    return [functools.partial(load, path) for path in paths]


def told(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


FLAGGED = ("val", "small known", "crisp known", "small others", "crisp others")
PAIRS = (("val", "small others"), ("small known", "small others"), ("crisp known", "crisp others"))


def report(sets: Mapping[str, Photos], *, size: int) -> str:
    """Return the tables as Markdown."""
    reference, rows, alarms = sets["reference"], [], []
    for name, score in SCORES.items():
        scores = {part: score(photos, reference) for part, photos in sets.items()}
        cells = [told(auroc(scores[a], scores[b]), *interval(scores[a], scores[b])) for a, b in PAIRS]
        rows.append((name, *cells, told(*left_out_scores(sets["val"], reference, score))))
        threshold = float(np.quantile(scores["val"], FALSE_ALARMS))
        alarms.append((name, f"{threshold:.3f}", *(f"{(scores[part] < threshold).mean():.1%}" for part in FLAGGED)))
    linear = [told(*unseen(sets[known], reference, sets["small others"])) for known, _others in PAIRS[:2]]
    rows.append(("linear read-out, fitted on others", *linear, "", ""))
    every = {name: numbers(photos, reference) for name, photos in sets.items()}
    apart = [joined(every[known], every[others]) for known, others in PAIRS]
    rows.append(("all scores joined, photos new to it", *(f"{new:.3f}" for new, _fitted in apart), ""))
    rows.append(("all scores joined, fitted on these very photos", *(f"{fitted:.3f}" for _new, fitted in apart), ""))
    counts = {name: f"{len(photos.labels):,} {name}" for name, photos in sets.items()}
    header = (
        "score",
        *(f"{counts[a]}, {counts[b]}" for a, b in PAIRS),
        f"a fifth of the classes left out, {FOLDS} times",
    )
    return (
        f"AUROC at {size} px with its 95% interval; for classes left out the mean of the parts, the lowest and the "
        f"highest:\n\n{table(header, rows)}\n\n"
        f"By how much the AUROC is above that of {FIRST}, paired over photos:\n\n"
        f"{table(('score', *(f'{known}, {others}' for known, others in PAIRS)), gains(sets))}\n\n"
        f"{by_answer(sets)}\n\n"
        f"Share of the photos below the threshold, the {FALSE_ALARMS:.0%} quantile of the val photos:\n\n"
        f"{table(('score', 'threshold', *FLAGGED), alarms)}\n"
    )


FIRST = "maximum probability"


def gains(sets: Mapping[str, Photos]) -> list[tuple[str, ...]]:
    """Return a row a score: how it compares with the largest probability."""
    reference, rows = sets["reference"], []
    usual = {name: SCORES[FIRST](photos, reference) for name, photos in sets.items()}
    for name, score in SCORES.items():
        if name != FIRST:
            own = {part: score(photos, reference) for part, photos in sets.items()}
            apart = [gain((own[a], usual[a]), (own[b], usual[b])) for a, b in PAIRS]
            rows.append((name, *(f"{mean:+.3f} ({low:+.3f} to {high:+.3f})" for mean, low, high in apart)))
    return rows


def by_answer(sets: Mapping[str, Photos]) -> str:
    """Return a sentence: how well val photos are told apart that are answered rightly, and those that are not."""
    photos, reference = sets["val"], sets["reference"]
    right = photos.logits.argmax(axis=1) == photos.labels
    known, others = (SCORES[FIRST](sets[name], reference) for name in ("val", "small others"))
    return (
        f"By {FIRST}, the {right.sum()} val photos that are answered rightly: {auroc(known[right], others):.3f}; "
        f"the {(~right).sum()} that are answered wrongly: {auroc(known[~right], others):.3f}."
    )


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.none_of_them", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of Tiny-ImageNet's archives")
    parser.add_argument("--others", type=Path, required=True, help="folder of photos named by WordNet id")
    parser.add_argument("--features", type=Path, required=True, help="folder for what the model makes of the photos")
    parser.add_argument("--count", type=int, default=1000, help="validation photos, drawn by seed 0")
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth of the crisp others")
    parser.add_argument("--size", type=int, default=evaluate.IMAGE_SIZE, help="side in pixels")
    parser.add_argument("--threads", type=int, default=2, help="batches in parallel")
    parser.add_argument("--bfloat16", action="store_true", help="faster where the processor has it")
    parser.add_argument("--out", type=Path, help="also write the tables")
    return parser


def main() -> None:
    options = build_parser().parse_args()
    torch.set_num_threads(1)  # batches run in parallel instead of operators
    reader = Reader(options.features, options.size, options.threads, options.bfloat16)
    text = report(read_all(options, reader), size=options.size)
    print(text)
    if options.out:
        write_text(options.out, text)


if __name__ == "__main__":
    main()
