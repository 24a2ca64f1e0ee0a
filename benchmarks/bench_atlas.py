"""What an atlas costs: against a plain forward pass, in memory, on two processes, on Ray, and when states merge.

Times are the processor's seconds of one thread where one process is measured (others may use the machine), and the
clock's where several are. Everything is synthetic but the model, so that it runs anywhere: --quick for a short run.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image

import vitviz
from benchmarks.timing import rounds, table
from vitviz.atlas.job import Job, ModelChoice, Settings
from vitviz.atlas.layout import Layout
from vitviz.atlas.shard import measure_shard
from vitviz.atlas.sources import source_of
from vitviz.atlas.state import Batch, State, state_of
from vitviz.atlas.state_file import read_state, state_bytes
from vitviz.examples import examples
from vitviz.images import open_image

SMALL: dict[str, Any] = {
    "model": "timm:vit_tiny_patch16_224",
    "model_options": {"weights": "random", "image_size": 32},
    "batch": 64,
}
"""A model of next to no cost, where not the passes are measured but what is round them."""
MERGED = 1000
"""States that become one."""
Row = tuple[str, ...]


def write_photos(folder: Path, count: int) -> None:
    """Write JPEG files of 500 × 375 pixels, as in ImageNet: pieces of the example photos."""
    pictures = [open_image(example.path) for example in examples()]
    random = np.random.default_rng(0)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        left, top = (int(random.integers(0, max(1, side // 3))) for side in picture.size)
        part = picture.crop((left, top, left + picture.width // 2, top + picture.height // 2))
        part.resize((500, 375)).save(folder / f"{number:05d}.jpg", quality=90)


def throughput(folder: Path, count: int) -> list[Row]:
    """Compare the atlas with reading, decoding and one plain batched pass of the same files."""
    vit = vitviz.load_vit()
    settings = Settings(Layout.of(vit), 16, {})
    source = source_of(folder)
    entries = tuple(source.entries())
    job = Job(0, 0, entries, ModelChoice("default"), settings, source.base)

    def plain() -> object:
        answers = []
        with torch.inference_mode():
            for start in range(0, len(entries), 16):
                files = [folder / entry.container for entry in entries[start : start + 16]]
                answers.append(vit.module(torch.stack([vit.preprocess(file.read_bytes()) for file in files])))
        return torch.cat(answers)

    seconds = rounds({"plain": plain, "atlas": lambda: measure_shard(vit, job)}, count=count, clock=time.process_time)
    photos = len(entries)
    return [
        ("plain forward pass, decoding included", f"{photos / seconds['plain']:.2f} photos a second", ""),
        (
            "atlas, all statistics of one pass",
            f"{photos / seconds['atlas']:.2f} photos a second",
            f"{seconds['plain'] / seconds['atlas']:.1%} of plain (goal 90 %)",
        ),
    ]


def write_tars(folder: Path, count: int) -> None:
    """Write tar shards of 5,000 small photos each; a hundred different ones again and again."""
    random = np.random.default_rng(0)
    data = []
    for _ in range(100):
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(buffer, "JPEG")
        data.append(buffer.getvalue())
    for start in range(0, count, 5000):
        with tarfile.open(folder / f"train-{start // 5000:05d}.tar", "w") as tar:
            for number in range(start, min(start + 5000, count)):
                info = tarfile.TarInfo(f"{number:08d}.jpg")
                info.size = len(data[number % 100])
                tar.addfile(info, io.BytesIO(data[number % 100]))


def memory(place: Path, counts: list[int]) -> list[Row]:
    """Return the largest memory of a process that measures more and more photos."""
    rows = []
    for count in counts:
        (place / f"tars {count}").mkdir()
        write_tars(place / f"tars {count}", count)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.bench_atlas",
                "--peak",
                str(place / f"tars {count}"),
                str(place / f"atlas {count}"),
            ],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        peak, seconds = map(float, done.stdout.split())
        rows.append(
            (f"{count:,} photos in tar shards", f"peak {peak:.0f} MB", f"{count / seconds:.0f} photos a second")
        )
    return rows


def peak(source: str, out: str) -> None:
    """Measure a source in this process and print its largest memory in MB, and the seconds that it took."""
    start = time.perf_counter()
    vitviz.atlas(source, out, **SMALL)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.perf_counter() - start)


def clock(run: Callable[[], object]) -> float:
    """Return the seconds of a run by the clock."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def workers(folder: Path, place: Path, count: int) -> list[Row]:
    """Compare two processes with one, both of one thread a process and with the start of processes left out."""
    shards = max(4, len(list(folder.iterdir())) // 16)
    torch.set_num_threads(1)

    def seconds(name: str, **options: Any) -> float:
        """From the first shard that is done to the last: what starting costs is no part of the pass."""
        told: list[tuple[float, int]] = []
        vitviz.atlas(
            folder,
            place / name,
            shards=shards,
            progress=lambda done, _total: told.append((time.perf_counter(), done)),
            overwrite=True,
            **options,
        )
        settled = [(moment, done) for moment, done in told if done >= 32]
        return (settled[-1][0] - settled[0][0]) / (settled[-1][1] - settled[0][1])

    ratios = []
    for _ in range(count):
        alone = seconds("one", workers=1)
        shared = seconds("two", workers=2)
        ratios.append((alone / shared, 1 / alone, 1 / shared))
    ratio, alone, shared = (median(column) for column in zip(*ratios, strict=True))
    return [
        ("one process", f"{alone:.2f} photos a second", ""),
        ("two processes", f"{shared:.2f} photos a second", f"{ratio:.2f} × one (goal 1.8 on two free cores)"),
    ]


def ray_overhead(folder: Path, place: Path) -> list[Row]:
    """Compare one Ray worker with this process over the same shards, after a first run that starts everything."""
    import ray

    torch.set_num_threads(1)
    shards = max(4, len(list(folder.iterdir())) // 16)
    here = min(clock(lambda: vitviz.atlas(folder, place / "here", shards=shards, overwrite=True)) for _ in range(2))
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 1024**2)
    try:
        vitviz.atlas(folder, place / "ray", shards=shards, overwrite=True, ray="local")  # loads the model
        there = min(
            clock(lambda: vitviz.atlas(folder, place / "ray", shards=shards, overwrite=True, ray="local"))
            for _ in range(2)
        )
    finally:
        ray.shutdown()
    return [
        ("this process", f"{here:.1f} s", ""),
        ("one worker of a Ray node", f"{there:.1f} s", f"{there / here - 1:+.1%} (goal +10 % or less)"),
    ]


def merging(place: Path) -> list[Row]:
    """Read and merge the states of a thousand shards of a thousand photos: the default model's, 200 classes in each."""
    layout = Layout.of(vitviz.load_vit())
    random = np.random.default_rng(0)
    photos = 1000
    empty = Batch.empty(layout)
    batch = Batch(
        lines=np.arange(photos),
        names=[f"{number}.jpg" for number in range(photos)],
        labels=[f"class {number % 200}" for number in range(photos)],
        values=random.random((photos, layout.width)),
        maps=random.random(len(empty.maps)),
        answers=random.integers(0, 200, photos).astype(np.int32),
        digests=random.integers(1, 1 << 60, photos).astype(np.uint64),
    )
    file = place / "state.npz"
    file.write_bytes(state_bytes(state_of(layout, 0, batch)))

    def merge() -> State:
        whole = State.empty(layout, 0)
        for number in range(MERGED):
            state = replace(read_state(file), start=number * photos, stop=(number + 1) * photos)
            whole = whole.merge(state)
        return whole

    seconds = clock(merge)
    size = file.stat().st_size / 1e6
    return [(f"{MERGED:,} states of {size:.1f} MB, 1,000,000 photos", f"{seconds:.1f} s", "goal under 60 s")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer photos and rounds")
    parser.add_argument("--peak", nargs=2, metavar=("SOURCE", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=("throughput", "memory", "workers", "ray", "merging"))
    options = parser.parse_args()
    if options.peak:
        peak(*options.peak)
        return
    torch.set_num_threads(1)
    quick = options.quick
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "photos").mkdir()
        write_photos(place / "photos", 96 if quick else 320)
        (place / "few").mkdir()
        write_photos(place / "few", 32)
        counts = [1_000, 10_000] if quick else [1_000, 10_000, 100_000]
        parts: dict[str, Callable[[], list[Row]]] = {
            "throughput": lambda: throughput(place / "few", 3 if quick else 7),
            "workers": lambda: workers(place / "photos", place, 1 if quick else 3),
            "ray": lambda: ray_overhead(place / "photos", place),
            "merging": lambda: merging(place),
            "memory": lambda: memory(place, counts),
        }
        print(f"torch {torch.__version__}, one thread a process, {os.cpu_count()} cores\n", flush=True)
        for name, part in parts.items():
            if options.only in (None, name):
                load = os.getloadavg()[0]
                print(table((name, "", ""), part()))
                print(f"\nLoad of the machine before and after: {load:.1f}, {os.getloadavg()[0]:.1f}.\n", flush=True)


if __name__ == "__main__":
    main()
