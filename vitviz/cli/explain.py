"""The command explain: one map of one picture, computed and written to files."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitviz.attention.view import POOL, MapView, default_query
from vitviz.cli import model_options, outputs
from vitviz.cli.methods import METHODS, Method, all_options
from vitviz.cli.targets import class_index
from vitviz.examples import example
from vitviz.export.manifest import file_name, manifest
from vitviz.images import Photo, open_photo
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace

EXAMPLE = "example:"


@dataclass(frozen=True, eq=False)
class Explained:
    """What was asked for, and what came out."""

    method: Method
    options: dict[str, Any]
    vit: ViT
    trace: Trace
    view: MapView
    seconds: float
    """Of the forward pass and the method together."""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "explain",
        help="compute one map of one picture",
        description="Compute one map of one picture and write it to files.",
        allow_abbrev=False,
    )
    parser.add_argument("image", metavar="IMAGE", help="a JPEG, PNG or WebP file, or example:ID")
    parser.add_argument(
        "--out", metavar="FILE", action="append", required=True, type=Path,
        help=f"file to write, one of {', '.join(outputs.WRITERS)}; may be given several times",
    )  # fmt: skip
    model_options.add_to(parser.add_argument_group("model"))
    _add_methods(parser)
    _add_looks(parser.add_argument_group("picture"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Compute the map, write the files, say in two lines what was done."""
    method = METHODS[arguments.method]
    given = {option.name: getattr(arguments, option.name) for option, _ in all_options() if option.name in arguments}
    options = method.choose(given)
    looks = outputs.Looks(arguments.palette, arguments.opacity, arguments.interpolate)
    outputs.check_files(arguments.out)
    photo = open_photo(_picture_path(arguments.image))
    explained = _explain(model_options.load(arguments), photo, method, options, arguments.target)
    told = _manifest(explained, photo, arguments)
    content = outputs.Content(
        explained.vit, explained.trace, explained.view, photo.image, told, looks, explained.method.name
    )
    notes = [note for path in arguments.out for note in outputs.write(path, content)]
    print(_report(explained, arguments, photo, given))
    for note in notes:
        print(note)


def _add_methods(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("method")
    listed = "; ".join(f"{method.name}: {method.summary}" for method in METHODS.values())
    group.add_argument("--method", choices=METHODS, default="attention", help=f"{listed} (default: attention)")
    group.add_argument("--target", metavar="CLASS", help="class to explain, by number or name (default: the top one)")
    for option, methods in all_options():
        default = "" if option.default is None else f" (default: {option.default})"
        only = "" if len(methods) == len(METHODS) else f"{', '.join(methods)}: "
        group.add_argument(
            option.flag,
            dest=option.name,
            type=option.read,
            choices=option.choices,
            metavar=option.metavar,
            default=argparse.SUPPRESS,
            help=f"{only}{option.help}{default}",
        )


def _add_looks(group: Any) -> None:
    group.add_argument("--palette", choices=outputs.PALETTES, default="viridis", help="colours (default: viridis)")
    group.add_argument("--opacity", type=float, default=0.6, help="of the map over the photo, 0 to 1 (default: 0.6)")
    group.add_argument("--interpolate", action="store_true", help="smooth between patches; the figure then says so")


def _picture_path(image: str) -> Path:
    return example(image.removeprefix(EXAMPLE)).path if image.startswith(EXAMPLE) else Path(image).expanduser()


def _explain(vit: ViT, photo: Photo, method: Method, options: dict[str, Any], target: str | None) -> Explained:
    aim = None if target is None else class_index(vit, target)
    start = time.perf_counter()
    traced = trace(vit, photo.image, target=aim, gradients=method.uses_target or aim is not None)
    resolved = dict(options)
    if resolved.get("query", "") is None:
        resolved["query"] = default_query(traced.grid)
    if resolved.get("layer", 0) is None and resolved.get("query") != POOL:
        resolved["layer"] = traced.layers - 1
    view = method.view(traced, **resolved)
    return Explained(method, resolved, vit, traced, view, time.perf_counter() - start)


def _manifest(explained: Explained, photo: Photo, arguments: argparse.Namespace) -> dict[str, Any]:
    looks = {"palette": arguments.palette, "opacity": arguments.opacity, "interpolate": arguments.interpolate}
    return manifest(
        trace=explained.trace,
        vit=explained.vit,
        photo_digest=photo.digest,
        picture_name=arguments.image,
        settings={"method": explained.method.name, **explained.options, **looks},
        view=explained.view,
    )


def _report(explained: Explained, arguments: argparse.Namespace, photo: Photo, given: dict[str, Any]) -> str:
    vit, traced = explained.vit, explained.trace
    what = f"{file_name(arguments.image)}, {vit.name} ({outputs.short(vit.weights)}), {explained.view.label}"
    if "query" in explained.options and "query" not in given:
        why = "the default" if explained.options["query"] == "class" else "the default: the model has no class token"
        what += f" ({why})"
    files = ", ".join(str(path) for path in arguments.out)
    lines = [f"{what}.", f"{_answers(vit, traced)}. {1000 * explained.seconds:.0f} ms; wrote {files}."]
    if traced.target is not None:
        without = "" if explained.method.uses_target else f"; the map of {explained.method.name} does not depend on it"
        lines.append(f"Target: {traced.target.label}{without}.")
    lines += [f"The picture was changed on opening: {note}." for note in photo.notes]
    return "\n".join(lines)


def _answers(vit: ViT, traced: Trace) -> str:
    top = traced.top(5)
    if not top:
        return "No classifier, so no answers"
    return f"Top {len(top)}: " + ", ".join(f"{vit.class_name(index)} {share:.1%}" for index, share in top)
