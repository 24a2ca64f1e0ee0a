"""1,000 traces and 1,000 page visits: whether memory stays flat.

python benchmarks/faults/steady.py [--quick] [--traces 1000] [--visits 1000] [--seed 0]
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PIL import Image

from benchmarks.faults.harness import SMALL, arguments, memory_of, serving, slope, tell
from benchmarks.faults.reader import Reader
from vitviz.examples import examples
from vitviz.ui.navigation import START, entries

WARM = 0.25
"""Share of the samples at the start that does not count: caches fill there."""
ROUND = 200
"""Fewer visits than these go to one photo alone: all pages with all photos would take longer than they."""


def main() -> None:
    options = arguments(__doc__, traces=(1000, "traces"), visits=(1000, "page visits"))
    traces, visits = (40, 60) if options.quick else (options.traces, options.visits)
    activities = {
        "traces of different pictures, library": tracing(traces, options.seed),
        "page visits, a session each, dashboard": visiting(visits),
    }
    rows = [("what", "times", "after a quarter", "at the end", "slope per 1,000", "flat")]
    data = {}
    for name, (times, samples) in activities.items():
        kept = samples[int(WARM * len(samples)) :]
        rise = slope(kept) / (times / len(samples)) * 1000
        flat = rise < 0.05 * kept[0]
        rows.append((name, f"{times:,}", f"{kept[0]:.0f} MB", f"{kept[-1]:.0f} MB", f"{rise:+.1f} MB", _yes(flat)))
        data[name] = samples
    text = (
        "Resident memory of the process, sampled 100 times; the slope is a least-squares line through the last three "
        "quarters, and flat means less than 5 % growth in 1,000. The visits go round all pages and example photos, "
        "each in a new session that is closed again; a round of all pages with all photos before them fills the caches "
        "and is not counted."
    )
    tell(options, "steady", "Memory over many traces and visits", text, rows, data)


def _yes(flat: bool) -> str:
    return "yes" if flat else "NO"


def tracing(count: int, seed: int) -> tuple[int, list[float]]:
    """Return how often a picture was traced, and samples of memory."""
    import vitviz

    vit = vitviz.load_vit(SMALL["model"], weights=SMALL["weights"])
    draw = np.random.default_rng(seed)
    samples = []
    for number in range(count):
        picture = Image.fromarray(draw.integers(0, 256, (224, 224, 3), dtype=np.uint8))
        traced = vitviz.trace(vit, picture, gradients=number % 4 == 0)
        vitviz.rollout(traced)
        del traced
        if number % max(1, count // 100) == 0:
            gc.collect()
            samples.append(memory_of(os.getpid()))
    return count, samples


def visiting(count: int) -> tuple[int, list[float]]:
    """Return how often a page was visited after a round that fills the caches, and samples of the server's memory."""
    names = [entry.name for entry in entries()]
    photos = [photo.id for photo in examples()] if count >= ROUND else [examples()[0].id]
    filling = len(names) * len(photos)
    samples, bad = [], []
    with serving() as server:
        for number in range(filling + count):
            page = names[number % len(names)]
            photo = photos[number // len(names) % len(photos)]
            with Reader(server.url) as reader:
                drawn = reader.open("" if page == START else page, example=photo, **SMALL)
            if drawn.exceptions or not drawn.finished:
                bad.append((page, photo, drawn.exceptions))
            if number >= filling and (number - filling) % max(1, count // 100) == 0:
                samples.append(server.memory)
    if bad:
        print(f"{len(bad)} visits went wrong, the first: {bad[0]}", flush=True)
    return count, samples


if __name__ == "__main__":
    main()
