"""Whether a second network helps to tell photos of none of the default model's classes: the shipped CNN.

    python -m benchmarks.none_second --data TINY_IMAGENET --others PHOTOS --features FOLDER --out FILE.md

The photos and comparisons are those of benchmarks.none_of_them; the CNN's answers are kept in FOLDER/cnn. The other
photos are of ImageNet's classes, all 1,000 of which the CNN was taught before the 200: to it they are not new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from benchmarks.none_of_them import FALSE_ALARMS, FLAGGED, PAIRS, Reader, build_parser, read_all, told
from benchmarks.none_scores import TINY, Array, Photos, auroc, interval, log_sum_exp, probabilities
from benchmarks.timing import table
from vitviz.assets import WEIGHTS
from vitviz.files import write_text
from vitviz.models.shipped import CONVNETS

Joined = Callable[[Array, Array], Array]
"""From the logits (photo, class) of both networks to one number a photo."""


def entropy(shares: Array) -> Array:
    return -(shares * np.log(shares + TINY)).sum(axis=1)


def mean_of(first: Array, second: Array) -> Array:
    return (probabilities(first) + probabilities(second)) / 2


def divergence(first: Array, second: Array) -> Array:
    """Return the Jensen–Shannon divergence of both answers: their disagreement."""
    return entropy(mean_of(first, second)) - (entropy(probabilities(first)) + entropy(probabilities(second))) / 2


SECOND: Mapping[str, Joined] = {
    "maximum probability of the ViT": lambda first, second: probabilities(first).max(axis=1),
    "maximum probability of the CNN": lambda first, second: probabilities(second).max(axis=1),
    "probability that the CNN gives to the ViT's answer": lambda first, second: probabilities(second)[
        np.arange(len(first)), first.argmax(axis=1)
    ],
    "agreement (minus Jensen–Shannon divergence)": lambda first, second: -divergence(first, second),
    "maximum of the mean probability": lambda first, second: mean_of(first, second).max(axis=1),
    "minus entropy of the mean probability": lambda first, second: -entropy(mean_of(first, second)),
    "maximum of the mean logit": lambda first, second: (first + second).max(axis=1) / 2,
    "sum of the energies": lambda first, second: log_sum_exp(first) + log_sum_exp(second),
}


def report(vit: Mapping[str, Photos], cnn: Mapping[str, Photos]) -> str:
    """Return the tables as Markdown: AUROC, and what is noticed at one false alarm in ten."""
    rows, alarms = [], []
    for name, score in SECOND.items():
        scores = {part: score(vit[part].logits, cnn[part].logits) for part in FLAGGED}
        rows.append((name, *(told(auroc(scores[a], scores[b]), *interval(scores[a], scores[b])) for a, b in PAIRS)))
        threshold = float(np.quantile(scores["val"], FALSE_ALARMS))
        alarms.append((name, *(f"{(scores[part] < threshold).mean():.1%}" for part in FLAGGED)))
    counts = {part: f"{len(vit[part].labels):,} {part}" for part in FLAGGED}
    header = ("score", *(f"{counts[a]}, {counts[b]}" for a, b in PAIRS))
    return (
        f"AUROC with its 95% interval:\n\n{table(header, rows)}\n\n"
        f"Share of the photos below the threshold, the {FALSE_ALARMS:.0%} quantile of the val photos:\n\n"
        f"{table(('score', *FLAGGED), alarms)}\n"
    )


def main() -> None:
    options = build_parser().parse_args()
    torch.set_num_threads(1)
    vit = read_all(options, Reader(options.features, options.size, options.threads, options.bfloat16))
    weights = WEIGHTS / CONVNETS["cnn"].file
    cnn = read_all(options, Reader(options.features / "cnn", options.size, options.threads, options.bfloat16, weights))
    text = report(vit, cnn)
    print(text)
    if options.out:
        write_text(options.out, text)


if __name__ == "__main__":
    main()
