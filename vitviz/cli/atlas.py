"""The command atlas: what a model's heads and layers do over a whole data set."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vitviz.assets import WEIGHTS
from vitviz.atlas import Atlas, atlas
from vitviz.attribution.attribute import METHODS
from vitviz.cli import model_options, picture_options
from vitviz.cli.answer import Answer, add_json, of_model
from vitviz.errors import OptionError
from vitviz.text_file import read_lines

TOLD = ("distance", "entropy", "self_share", "class_share", "sink_share")
"""Statistics of the table on the terminal, as means over the heads of a layer."""
SECONDS = 2.0
"""Between two lines of progress."""
NAMED = 5
"""Problems that the terminal names."""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "atlas",
        help="measure every head and layer over a whole data set",
        description="Measure what every head and layer does over a data set of any size, with intervals, on one "
        "machine or many. It can be stopped or killed and goes on where it was when it is called again.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "source", metavar="SOURCE", nargs="+",
        help="folder of photos (folders in it are classes), .txt list of paths, .csv or .tsv table, WebDataset .tar "
        "shards or a pattern such as 'train-{000..009}.tar', or .parquet, .arrow or .feather tables",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="the result; made if it is missing")
    parser.add_argument(
        "--overwrite", action="store_true", help="begin anew: replace an earlier atlas, or other files of its names"
    )
    add_json(parser)
    _add_photos(parser.add_argument_group("photos"))
    _add_measures(parser.add_argument_group("measures"))
    _add_runner(parser.add_argument_group("who measures"))
    model_options.add_to(parser.add_argument_group("model"))
    parser.set_defaults(run=run)


def _add_photos(group: Any) -> None:
    group.add_argument(
        "--table", metavar="FILE", type=Path,
        help="CSV, TSV or JSON: file; wnid or class if known; x0, y0, x1, y1 of boxes, several lines for several",
    )  # fmt: skip
    group.add_argument(
        "--class-ids", metavar="FILE", type=Path,
        help="id, tab and class name a line, for classes by id (default: the shipped model's WordNet ids)",
    )  # fmt: skip
    picture_options.add_crop(group)
    group.add_argument("--column", metavar="NAME", help="of a table: the column that holds the pictures")


def _add_measures(group: Any) -> None:
    names = ", ".join(method.name for method in METHODS)
    group.add_argument(
        "--faithfulness", metavar="NAMES", default="",
        help=f"put explanations to the test beside random maps, names with commas between them, of: {names}",
    )  # fmt: skip
    group.add_argument("--receptive-field", action="store_true", help="gradient receptive field by layer")
    group.add_argument("--cka", action="store_true", help="likeness of layers")


def _add_runner(group: Any) -> None:
    group.add_argument("--batch", metavar="N", type=int, help="photos of a pass (default: 16, fewer for large inputs)")
    group.add_argument("--shards", metavar="N", type=int, help="parts of the list (default: one in 256 photos)")
    group.add_argument("--workers", metavar="N", type=int, default=1, help="processes of this machine (default: 1)")
    group.add_argument("--ray", metavar="ADDRESS", help="a Ray cluster: auto, HOST:PORT, or local")
    group.add_argument("--gpus", metavar="N", type=float, default=0, help="of each shard on the cluster (default: 0)")


def run(arguments: argparse.Namespace) -> Answer:
    """Measure what is not measured yet, and tell what was found; Ctrl+C leaves what there is."""
    here = arguments.workers == 1 and arguments.ray is None
    options = model_options.options(arguments)
    del options["device"]  # of each worker
    try:
        result = atlas(
            arguments.source[0] if len(arguments.source) == 1 else arguments.source,
            arguments.out,
            model=model_options.load(arguments) if here else arguments.model,
            model_options=None if here else options,  # each worker loads it
            table=arguments.table,
            column=arguments.column,
            class_ids=_class_ids(arguments),
            faithfulness=[name.strip() for name in arguments.faithfulness.split(",") if name.strip()],
            receptive_field=arguments.receptive_field,
            cka=arguments.cka,
            batch=arguments.batch,
            shards=arguments.shards,
            workers=arguments.workers,
            ray=arguments.ray,
            gpus=arguments.gpus,
            device=None if here else arguments.device,
            overwrite=arguments.overwrite,
            progress=_teller(),
        )
    except KeyboardInterrupt:
        print(
            f"Stopped. Whole shards are kept in {arguments.out}: the same command goes on there.",
            file=sys.stderr,
            flush=True,
        )
        raise
    return of_model(Answer(_text(result), _values(result)), result.settings["model"].get("notes", []))


def _class_ids(arguments: argparse.Namespace) -> dict[str, str]:
    path = arguments.class_ids or (WEIGHTS / "classes.txt" if arguments.model == "default" else None)
    if path is None:
        return {}
    if not path.is_file():
        raise OptionError(f"There is no file {path}. Leave --class-ids out for class names.")
    pairs = (line.split("\t", 1) for line in read_lines(path) if "\t" in line)
    return {pair[0].strip(): pair[1].strip() for pair in pairs}


def _teller() -> Callable[[int, int], None]:
    """Return a function that tells progress on the error output: the output holds the answer alone."""
    begun: list[tuple[float, int]] = []
    told = [float("-inf")]

    def tell(done: int, total: int) -> None:
        now = time.monotonic()
        if not begun:
            begun.append((now, done))
        if now - told[0] < SECONDS and done < total:
            return
        told[0] = now
        start, before = begun[0]
        speed = (done - before) / max(now - start, 1e-9)
        left = f", {speed:.1f} a second, about {(total - done) / speed / 60:.0f} min left" if speed else ""
        print(f"[{done}/{total}] photos{left}", file=sys.stderr, flush=True)

    return tell


def _text(result: Atlas) -> str:
    names = [name for name in TOLD if not np.isnan(result.summary(name).mean).all()]
    lines = [f"{'layer':>5}" + "".join(f"{name.replace('_', ' '):>14}" for name in names)]
    tables = [np.nanmean(result.summary(name).mean, axis=1) for name in names]
    for layer in range(result.layout.layers):
        lines.append(f"{layer:5d}" + "".join(f"{table[layer]:14.3f}" for table in tables))
    if result.layout.has_classifier:
        lines.append(f"Confidence {_number(result, 'confidence')}, right answers {_number(result, 'right')}.")
    broken = f", {result.broken} could not be measured" if result.broken else ""
    lines.append(f"{result.photos:,} photos{broken}. {result.model}, mean over the heads of each layer.")
    lines += [f"{problem.name}: {problem.reason}" for problem in result.problems[:NAMED]]
    if len(result.problems) > NAMED:
        lines.append(f"and {len(result.problems) - NAMED} more, in the JSON that --json prints.")
    lines.append(f"The atlas is in {result.folder}.")
    return "\n".join(lines)


def _number(result: Atlas, name: str) -> str:
    summary = result.summary(name)
    if not summary.count:
        return "not known"
    half = "" if np.isnan(summary.half) else f" ± {float(summary.half):.3f}"
    return f"{float(summary.mean):.3f}{half}"


def _values(result: Atlas) -> dict[str, Any]:
    summaries = {name: result.summary(name) for name in result.statistics}
    return {
        "folder": str(result.folder),
        "settings": dict(result.settings),
        "photos": result.photos,
        "broken": result.broken,
        "problems": [{"name": problem.name, "reason": problem.reason} for problem in result.problems],
        "labels": list(result.labels),
        "statistics": {
            name: {
                "axes": list(summary.statistic.axes),
                "mean": summary.mean,
                "half": summary.half,
                "count": summary.count,
            }
            for name, summary in summaries.items()
        },
    }
