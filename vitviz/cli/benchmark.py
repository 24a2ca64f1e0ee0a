"""The command benchmark: explanations of many photos put to the test, as a table of methods and metrics."""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vitviz.analysis.boxes import box_in_input
from vitviz.analysis.replacement import REPLACEMENTS
from vitviz.assets import WEIGHTS
from vitviz.attribution.attribute import METHODS, find_method
from vitviz.attribution.benchmark import Plan, measure_photo, peak_memory
from vitviz.attribution.benchmark_table import Row, benchmark_table
from vitviz.cli import model_options, picture_options
from vitviz.cli.answer import Answer, add_json, files_read, of_model
from vitviz.cli.benchmark_store import BenchmarkStore, check_folder
from vitviz.cli.exit_codes import DONE, STOPPED
from vitviz.cli.photo_folder import Entry, file_digest, read_folder
from vitviz.cli.photo_manifest import classes_of, manifest_text
from vitviz.errors import ImageError, OptionError, OutputError, VitvizError
from vitviz.export.benchmark_page import benchmark_csv, benchmark_html, label_of
from vitviz.files import write_files, write_text
from vitviz.folder_walk import in_words
from vitviz.images import open_photo
from vitviz.models.vit import ViT
from vitviz.text_file import read_text
from vitviz.trace import predict
from vitviz.trace.default import target_of

QUICK = tuple(method.name for method in METHODS if method.passes is None)
"""Methods of a few passes, which are measured if none are named."""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "benchmark",
        help="put explanations of a folder of photos to the test",
        description="Measure how faithful explanations are on a folder of photos, beside maps of random numbers. It "
        "can be stopped with Ctrl+C and goes on where it was when it is called again.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="photos, in folders of any depth")
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, required=True,
        help="folder for table.html, table.csv and what goes on later; made if it is missing",
    )  # fmt: skip
    parser.add_argument(
        "--overwrite", action="store_true",
        help="begin anew: replace an earlier benchmark, or other files of the names that it writes",
    )  # fmt: skip
    add_json(parser)
    _add_photos(parser.add_argument_group("photos"))
    _add_test(parser.add_argument_group("test"))
    model_options.add_to(parser.add_argument_group("model"))
    parser.set_defaults(run=run)


def _add_photos(group: Any) -> None:
    group.add_argument(
        "--table", metavar="FILE", type=Path,
        help="tabs or commas with a header: file; wnid or class if known; x0, y0, x1, y1 if the object's box is",
    )  # fmt: skip
    group.add_argument(
        "--class-ids", metavar="FILE", type=Path,
        help="id, tab and class name a line, for a table of ids (default: the shipped model's WordNet ids)",
    )  # fmt: skip
    group.add_argument("--photos", metavar="N", type=int, help="how many, drawn by --draw")
    group.add_argument("--draw", metavar="SEED", type=int, default=0, help="(default: 0)")
    group.add_argument(
        "--window", metavar="WINDOW", dest="picture_window", type=picture_options.window, default="auto",
        help="what is black and white of more than 8 bits a channel, as in explain (default: auto)",
    )  # fmt: skip
    picture_options.add_crop(group)
    group.add_argument(
        "--explain", choices=("class", "answer"), default="class",
        help="what is explained: the class of the table or that a folder is called by, where there is one (default), "
        "or always the top answer",
    )  # fmt: skip


def _add_test(group: Any) -> None:
    names = ", ".join(method.name for method in METHODS)
    group.add_argument(
        "--methods", metavar="NAMES", default=",".join(QUICK),
        help=f"names with commas between them, of: {names} (default: those of a few passes)",
    )  # fmt: skip
    group.add_argument(
        "--knob", metavar="METHOD.NAME=VALUE", action="append", default=[],
        help="knob of a method, such as integrated_gradients.n_steps=8; may be given several times",
    )  # fmt: skip
    group.add_argument("--replacement", choices=REPLACEMENTS, default="blur", help="(default: blur)")
    group.add_argument("--steps", type=int, default=10, help="parts of a curve (default: 10)")
    group.add_argument("--random-maps", metavar="N", type=int, default=4, help="for each photo (default: 4)")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure what is not measured yet, and write the table; Ctrl+C writes what there is."""
    listing = read_folder(
        arguments.folder, arguments.table, count=arguments.photos, seed=arguments.draw, leave_out=arguments.out
    )
    entries = listing.entries
    sources = [*files_read(arguments), *(entry.path for entry in entries)]
    check_folder(arguments.out, sources, overwrite=arguments.overwrite)
    plan = _plan(arguments)
    texts = _texts(arguments)
    vit = model_options.load(arguments)
    plan.check(vit)
    served, refused = plan.served(vit)
    settings = _settings(vit, plan, list(served), texts, arguments.explain) | {
        "window": arguments.picture_window,
        "crop": vit.crop,
    }
    store = BenchmarkStore(arguments.out, settings, anew=arguments.overwrite)
    _check_photos(store, arguments)
    skipped: dict[str, str] = {}
    classes = classes_of(vit, entries, _ids(texts["class_ids"]))
    code = DONE
    try:
        _measure(vit, plan, entries, store, skipped, classes, arguments)
    except KeyboardInterrupt:
        if not store.measured:
            raise
        code = STOPPED
    if not store.measured:
        raise VitvizError("No photo was measured, so there is no table; the reason stands beside each above.")
    write_text(arguments.out / "manifest.csv", manifest_text(vit, listing, store.measured, skipped, classes))
    answer = _write(arguments.out, store, settings, skipped, refused, code, listing.passed_over)
    return of_model(answer, vit.notes)


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(
        methods=tuple(name.strip() for name in arguments.methods.split(",") if name.strip()),
        knobs=knobs_of(arguments.knob),
        replacement=arguments.replacement,
        steps=arguments.steps,
        random_maps=arguments.random_maps,
        seed=arguments.draw,
    )


def knobs_of(texts: list[str]) -> dict[str, dict[str, Any]]:
    """Return knobs by method of texts such as "rise.n_masks=64"; raises OptionError for what no method has."""
    knobs: dict[str, dict[str, Any]] = {}
    for text in texts:
        owner, _dot, rest = text.partition(".")
        name, equals, value = rest.partition("=")
        if not equals:
            raise OptionError(f"--knob {text} is no knob; wanted METHOD.NAME=VALUE, such as rise.n_masks=64.")
        knobs.setdefault(owner, {})[name] = find_method(owner).knob(name).read(value)
    return knobs


def _texts(arguments: argparse.Namespace) -> dict[str, str | None]:
    """Return what the files hold that say what the photos show; None for one that is not used."""
    ids = arguments.class_ids or (WEIGHTS / "classes.txt" if arguments.model == "default" else None)
    if ids is not None and not ids.is_file():
        raise OptionError(f"There is no file {ids}. Leave --class-ids out for class names.")
    files = {"table": arguments.table, "class_ids": ids}
    return {name: None if path is None else read_text(path) for name, path in files.items()}


def _settings(
    vit: ViT, plan: Plan, methods: list[str], texts: Mapping[str, str | None], explain: str
) -> dict[str, Any]:
    """Return what must stay the same for measurements to go into one table; texts by their hashes."""
    told = asdict(plan) | {"methods": methods, "explain": explain}
    size = list(vit.image_size)
    hashes = {name: None if text is None else _text_digest(text) for name, text in texts.items()}
    return {"model": vit.name, "weights": vit.weights, "image_size": size, **told, **hashes}


def _text_digest(text: str) -> str:
    return "content " + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _check_photos(store: BenchmarkStore, arguments: argparse.Namespace) -> None:
    """Raise OptionError if what was measured are not the photos of that name in this folder, or a copy of it."""
    folder, digests = arguments.folder, store.digests
    other = [name for name, digest in digests.items() if not _is_file(folder / name, digest)]
    if other:
        raise OptionError(
            f"{arguments.out} holds measurements of other photos: {', '.join(other[:3])}{', …' * (len(other) > 3)} "
            f"({len(other)} of {len(digests)}) cannot be found in {folder}, or another photo has the name. "
            "Give the folder that was measured or a copy of it to go on, or another folder with --out."
        )


def _is_file(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except ImageError:
        return False


def _measure(
    vit: ViT,
    plan: Plan,
    entries: list[Entry],
    store: BenchmarkStore,
    skipped: dict[str, str],
    classes: Mapping[str, int | str | None],
    arguments: argparse.Namespace,
) -> None:
    left = [entry for entry in entries if entry.name not in store.measured]
    if len(left) < len(entries):
        _tell(f"{len(entries) - len(left)} of {len(entries)} photos are measured already.")
    start = time.monotonic()
    for done, entry in enumerate(left, start=1):
        try:
            _measure_one(vit, plan, entry, store, classes[entry.name], arguments)
            said = "measured"
        except OutputError:
            raise
        except VitvizError as error:
            skipped[entry.name] = str(error)
            said = f"left out: {error}"
        minutes = (time.monotonic() - start) / done * (len(left) - done) / 60
        _tell(f"[{done}/{len(left)}] {entry.name} {said} (about {minutes:.0f} min left)")


def _tell(progress: str) -> None:
    """Say how far it is, on the error output: the output holds the table."""
    print(progress, file=sys.stderr, flush=True)


def _ids(text: str | None) -> dict[str, str]:
    """Return class names by id, of a text with an id, a tab and a name a line."""
    pairs = (line.split("\t", 1) for line in (text or "").splitlines() if "\t" in line)
    return {pair[0].strip(): pair[1].strip() for pair in pairs}


def _measure_one(
    vit: ViT,
    plan: Plan,
    entry: Entry,
    store: BenchmarkStore,
    known: int | str | None,
    arguments: argparse.Namespace,
) -> None:
    image, digest = open_photo(entry.path, window=arguments.picture_window).image, file_digest(entry.path)
    if isinstance(known, str):
        raise OptionError(known)
    box = None if entry.box is None else box_in_input(vit, image.size, entry.box)
    pixels = vit.preprocess(image)
    answer = predict(vit, pixels[None])[0]
    logits = answer if vit.has_classifier else None
    wanted = known if arguments.explain == "class" else None
    target = target_of(vit, wanted, pixels, logits, answer)
    right = wanted is None or int(answer.argmax()) == wanted
    if not store.peaks:
        store.add_peaks(peak_memory(vit, pixels, target, plan))
    measurements = measure_photo(vit, pixels, target, plan, box=box, seed=len(store.measured))
    store.add(entry.name, measurements, right, digest=digest)


def _write(
    folder: Path,
    store: BenchmarkStore,
    settings: Mapping[str, Any],
    skipped: Mapping[str, str],
    refused: Mapping[str, str],
    code: int,
    passed_over: Mapping[str, str],
) -> Answer:
    rows = benchmark_table(store.measured, store.peaks)
    title = f"Explanations of {settings['model']} put to the test"
    page = benchmark_html(rows, title=title, conditions=_conditions(store, settings), skipped=skipped, refused=refused)
    write_files({folder / "table.csv": benchmark_csv(rows).encode(), folder / "table.html": page.encode()})
    left_out = f"; {len(skipped)} left out" if skipped else ""
    said = f"{len(store.measured)} photos{left_out}. Wrote {folder / 'table.html'}, table.csv and manifest.csv."
    if passed_over:
        said += f" In the folder {in_words(passed_over)}."
    values = {
        "settings": dict(settings),
        "photos": len(store.measured),
        "left_out": dict(skipped),
        "passed_over": dict(passed_over),
        "refused": dict(refused),
        "rows": [asdict(row) for row in rows],
        "files": [str(folder / name) for name in ("table.html", "table.csv", "manifest.csv")],
    }
    return Answer(f"{_as_text(rows)}\n{said}", values, code)


def _conditions(store: BenchmarkStore, settings: Mapping[str, Any]) -> list[str]:
    height, width = settings["image_size"]
    right = sum(store.right.values())
    knobs = ", ".join(
        f"{method}.{name}={value}" for method, chosen in settings["knobs"].items() for name, value in chosen.items()
    )
    explained = "the photo's class" if settings["explain"] == "class" else "the model's top answer"
    return [
        f"Model: {settings['model']} ({settings['weights']}), input {height} × {width} pixels.",
        f"Photos: {len(store.measured)}. Explained: {explained} where it is known, else the top answer; "
        f"the explained class is the model's answer to {right} of them.",
        f"Test: patches go in {settings['steps']} steps, replaced by: {settings['replacement']}. "
        f"Beside each photo's maps: {settings['random_maps']} of random numbers. Seed {settings['seed']}."
        + (f" Knobs other than the defaults: {knobs}." if knobs else ""),
    ]


def _as_text(rows: list[Row]) -> str:
    lines = [f"{'':28} insertion − deletion   deletion   insertion"]
    for row in rows:
        cells = [row.cells[name] for name in ("difference", "deletion", "insertion")]
        half = "" if math.isnan(cells[0].half) else f" ± {cells[0].half:.3f}"  # of one photo there is none
        first = f"{cells[0].mean:+.3f}{half}"
        lines.append(f"{label_of(row.method):28} {first:>20}   {cells[1].mean:8.3f}   {cells[2].mean:9.3f}")
    return "\n".join(lines)
