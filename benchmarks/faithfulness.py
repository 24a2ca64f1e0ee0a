"""Which explanations of the default model are faithful: all methods on photos of Tiny-ImageNet, beside random maps.

    python -m benchmarks.faithfulness --photos FOLDER --table val.tsv --out FOLDER

FOLDER holds the photos of val.zip. Methods of a few passes are measured first, then those that take many, on one photo
in ``--every``. Photos are drawn by seed 0, and each is written when it is measured: stopped at any
time, the table that is written is of the photos so far, and the same command goes on. ``--minutes`` stops by itself.
The model works in bfloat16 and sees 112 px, hence 8 by 8 patches, to fit a processor; patches are taken out as tokens.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from pathlib import Path
from typing import Any

import torch

import vitviz
from vitviz.analysis.boxes import box_in_input
from vitviz.assets import WEIGHTS
from vitviz.attribution.attribute import METHODS
from vitviz.attribution.benchmark import Measurement, Plan, measure_photo, peak_memory
from vitviz.attribution.benchmark_table import Row, benchmark_table
from vitviz.cli.benchmark import knobs_of
from vitviz.cli.photo_folder import Entry, read_folder
from vitviz.export.benchmark_page import benchmark_csv, benchmark_html, label_of
from vitviz.files import write_text
from vitviz.images import open_photo
from vitviz.models.class_index import class_index
from vitviz.models.vit import ViT
from vitviz.trace import predict
from vitviz.trace.default import target_of

IMAGE_SIZE = 112
QUICK = tuple(method.name for method in METHODS if method.passes is None)
SLOW = tuple(method.name for method in METHODS if method.passes is not None)
KNOBS = ("integrated_gradients.n_steps=8", "rise.n_masks=128", "kernel_shap.n_samples=256")
"""Fewer passes than the defaults; the others have theirs."""
COLUMNS = ("difference", "deletion", "insertion", "positive", "negative", "pointing", "energy", "seconds")
TEST: dict[str, Any] = {"replacement": "removed", "steps": 5, "random_maps": 2}


class Measured:
    """A file of one line a photo and method."""

    def __init__(self, path: Path) -> None:
        self.path, self.photos, self.right = path, {}, {}
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines):
                    numbers = {name: float(row[name]) if row[name] else None for name in COLUMNS}
                    self._keep(row["photo"], Measurement(row["method"], **numbers), row["right"] == "1")
        else:
            write_text(path, ",".join(("photo", "right", "method", *COLUMNS)) + "\n")

    photos: dict[str, list[Measurement]]
    """Measurements by photo."""
    right: dict[str, bool]
    """Whether the explained class is the model's answer."""

    def missing(self, photo: str, methods: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of some methods that are not measured on a photo."""
        there = {measurement.method for measurement in self.photos.get(photo, [])}
        return tuple(method for method in methods if method not in there)

    def _keep(self, photo: str, measurement: Measurement, right: bool) -> None:
        self.photos.setdefault(photo, []).append(measurement)
        self.right[photo] = right

    def add(self, photo: str, measurements: list[Measurement], right: bool) -> None:
        """Keep what was measured on a photo, in the file too; random maps only once."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        missing = self.missing(photo, tuple(measurement.method for measurement in measurements))
        for measurement in [measurement for measurement in measurements if measurement.method in missing]:
            self._keep(photo, measurement, right)
            numbers = [getattr(measurement, name) for name in COLUMNS]
            cells = ["" if number is None else f"{number:.6g}" for number in numbers]
            writer.writerow([photo, int(right), measurement.method, *cells])
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())


def plan_of(methods: tuple[str, ...]) -> Plan:
    """Return the test of some methods."""
    knobs = {name: values for name, values in knobs_of(list(KNOBS)).items() if name in methods}
    return Plan(methods=methods, knobs=knobs, **TEST)


def measure(vit: ViT, entry: Entry, ids: dict[str, str], plan: Plan, seed: int) -> tuple[list[Measurement], bool]:
    """Return the measurements of a photo and whether its class is the model's answer."""
    image = open_photo(entry.path).image
    pixels = vit.preprocess(image)
    known = None if entry.label is None else class_index(vit, entry.label, ids)
    box = None if entry.box is None else box_in_input(vit, image.size, entry.box)
    answer = predict(vit, pixels[None])[0]
    target = target_of(vit, known, pixels, answer, answer)
    return measure_photo(vit, pixels, target, plan, box=box, seed=seed), int(answer.argmax()) == known


def peaks_of(vit: ViT, entry: Entry) -> dict[str, float]:
    """Return the memory of every method on one photo."""
    pixels = vit.preprocess(open_photo(entry.path).image)
    answer = predict(vit, pixels[None])[0]
    return peak_memory(vit, pixels, target_of(vit, None, pixels, answer, answer), plan_of((*QUICK, *SLOW)))


def markdown(rows: list[Row]) -> str:
    """Return the table for people, without seconds, which go by what else the machine did."""
    head = ("map", "photos", "insertion − deletion", "deletion", "insertion", "positive", "negative")
    lines = [(*head, "pointing", "energy in box")]
    for row in rows:
        cells = row.cells
        wide = [f"{cells[name].mean:.3f} ± {cells[name].half:.3f}" for name in COLUMNS[:3]]
        short = [f"{cells[name].mean:.3f}" for name in COLUMNS[3:7]]
        lines.append((label_of(row.method), str(cells["difference"].photos), *wide, *short))
    lines.insert(1, ("---", *["---:"] * (len(lines[0]) - 1)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def conditions(vit: ViT, measured: Measured) -> list[str]:
    """Return what the table is of, in sentences."""
    few = sum(len(row) > len(QUICK) + 1 for row in measured.photos.values())
    return [
        f"Model: {vit.name} ({vit.weights}), input {IMAGE_SIZE} × {IMAGE_SIZE} pixels, bfloat16.",
        f"Photos: {len(measured.photos):,}; methods of many passes on {few} of them. Explained: the photo's class, "
        f"which is the model's answer to {sum(measured.right.values()):,} of them.",
        f"Test: patches go in {TEST['steps']} steps, replaced by: {TEST['replacement']}. Beside each photo's maps: "
        f"{TEST['random_maps']} of random numbers. Knobs other than the defaults: {', '.join(KNOBS)}.",
        "Seconds are not to be compared: the methods were measured at different times, beside other work.",
    ]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.faithfulness", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder of the photos of val.zip")
    parser.add_argument("--table", type=Path, required=True, help="val.tsv")
    parser.add_argument("--count", type=int, default=1000, help="photos, drawn by seed 0")
    parser.add_argument("--every", type=int, default=1, help="methods of many passes on one photo in so many")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--out", type=Path, required=True, help="folder for the table and what is measured")
    return parser


def main() -> None:
    """Measure what is not measured yet and write the table."""
    options = build_parser().parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * options.minutes
    vit = vitviz.load_vit("default", image_size=IMAGE_SIZE, precision="bfloat16")
    lines = (WEIGHTS / "classes.txt").read_text("utf-8").splitlines()
    ids = dict(line.split("\t", 1) for line in lines if "\t" in line)
    measured = Measured(options.out / "faithfulness_photos.csv")
    entries = read_folder(options.photos, options.table, count=options.count, seed=0).entries
    tasks = [(place, QUICK) for place in range(len(entries))]
    tasks += [(place, SLOW) for place in range(0, len(entries), options.every)]
    for place, methods in tasks:
        entry = entries[place]
        missing = measured.missing(entry.name, methods)
        if not missing:
            continue
        if time.monotonic() > end:
            break
        measured.add(entry.name, *measure(vit, entry, ids, plan_of(missing), place))
        print(f"{place + 1} of {len(entries)}: {', '.join(missing)}", flush=True)
    rows = benchmark_table(measured.photos, peaks_of(vit, entries[0]))
    told = conditions(vit, measured)
    title = "Explanations of the default model put to the test"
    write_text(options.out / "faithfulness.csv", benchmark_csv(rows))
    write_text(options.out / "faithfulness.html", benchmark_html(rows, title=title, conditions=told))
    print("\n".join([*told, "", markdown(rows)]))


if __name__ == "__main__":
    main()
