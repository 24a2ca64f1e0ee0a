"""The command explain: one map of one picture, computed and written to files."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from typing import Any

from vitviz.analysis.familiarity import familiarity
from vitviz.attention.view import POOL, default_query
from vitviz.attribution import attribute
from vitviz.cli import model_options, outputs, picture_options
from vitviz.cli.answer import Answer
from vitviz.cli.methods import METHODS, Method, all_options, help_of
from vitviz.cli.shown import Shown, of_attribution, of_view
from vitviz.errors import OptionError
from vitviz.export.manifest import file_name, manifest
from vitviz.images import Photo
from vitviz.images.seen_part import SeenPart
from vitviz.models.class_index import class_index
from vitviz.models.vit import ViT
from vitviz.numbers import percent
from vitviz.trace import Trace, trace
from vitviz.trace.target import Target, contrast


@dataclass(frozen=True, eq=False)
class Explained:
    """What was asked for, and what came out."""

    method: Method
    options: dict[str, Any]
    vit: ViT
    trace: Trace
    shown: Shown
    seconds: float
    """Of the forward pass and the method together."""
    part: SeenPart | None
    """Which part of the photo the model saw."""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "explain",
        help="compute one map of one picture",
        description="Compute one map of one picture and write it to files.",
        allow_abbrev=False,
    )
    parser.add_argument("image", metavar="IMAGE", help=picture_options.HELP)
    outputs.add_to(parser, outputs.WRITERS)
    picture_options.add_to(parser.add_argument_group("photo"))
    model_options.add_to(parser.add_argument_group("model"))
    _add_methods(parser)
    _add_looks(parser.add_argument_group("picture"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Compute the map, write the files, return what was done."""
    method = METHODS[arguments.method]
    given = {option.name: getattr(arguments, option.name) for option, _ in all_options() if option.name in arguments}
    method.choose(given)  # refuses what it has not, before anything is loaded
    looks = outputs.Looks(arguments.palette, arguments.opacity, arguments.interpolate)
    photo = picture_options.opened(arguments.image, arguments)
    explained = _explain(model_options.load(arguments, photo), photo, method, given, arguments)
    content = outputs.Content(
        explained.vit,
        explained.trace,
        explained.shown,
        photo.image,
        _manifest(explained, photo, arguments),
        looks,
        method.name,
    )
    notes = outputs.write(arguments.out, content)
    told = {
        "seconds": explained.seconds,
        "files": [str(path) for path in arguments.out],
        "notes": [*photo.notes, *explained.vit.notes, *notes],
    }
    of_model = [f"of the model: {note}" for note in explained.vit.notes]
    return Answer(
        "\n".join([_report(explained, arguments, photo, given), *of_model, *notes]), outputs.values(content) | told
    )


def _add_methods(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("method")
    listed = "; ".join(f"{method.name}: {method.summary}" for method in METHODS.values())
    group.add_argument("--method", choices=METHODS, default="attention", help=f"{listed} (default: attention)")
    group.add_argument(
        "--target",
        metavar="CLASS",
        help="class to explain, by number or name (default: the top one)",
    )
    group.add_argument(
        "--rather-than", "--versus", metavar="CLASS", dest="versus", help="explain the target rather than this class"
    )  # fmt: skip
    group.add_argument(
        "--map-seed", metavar="N", type=int, default=0, help="of methods that draw random numbers (default: 0)"
    )  # fmt: skip
    for option, owners in all_options():
        group.add_argument(
            option.flag,
            dest=option.name,
            type=option.read,
            choices=option.choices,
            metavar=option.metavar,
            default=argparse.SUPPRESS,
            help=help_of(option, owners),
        )


def _add_looks(group: Any) -> None:
    group.add_argument("--palette", choices=outputs.PALETTES, default="viridis", help="colours (default: viridis)")
    group.add_argument(
        "--opacity",
        type=float,
        default=0.6,
        help="of the map over the photo, 0 to 1 (default: 0.6)",
    )
    group.add_argument("--interpolate", action="store_true", help="smooth between patches; the figure then says so")


def _explain(vit: ViT, photo: Photo, method: Method, given: dict[str, Any], arguments: argparse.Namespace) -> Explained:
    index = None if arguments.target is None else class_index(vit, arguments.target)
    versus, start = arguments.versus, time.perf_counter()
    if method.explanation is None or method.is_view(given):
        traced, shown, options = _view(vit, photo, method, method.choose(given), index, versus)
    else:
        target = index if versus is None else _contrast(vit, photo, index, versus)
        backward, layered = method.explanation.backward, method.explanation.layer_scores
        traced = trace(vit, photo.image, target=target, gradients=backward, layer_scores=layered)
        attribution = attribute(
            method.name, vit, traced, target=target, seed=arguments.map_seed, **method.choose(given)
        )
        traced, options = replace(traced, target=attribution.target), dict(attribution.knobs)
        shown = of_attribution(attribution, method.explanation)
    return Explained(method, options, vit, traced, shown, time.perf_counter() - start, vit.seen_part(photo))


def _view(
    vit: ViT, photo: Photo, method: Method, options: dict[str, Any], index: int | None, versus: str | None
) -> tuple[Trace, Shown, dict[str, Any]]:
    """Return the trace, the view of attention and its options, the default query and layer filled in."""
    if versus is not None:
        raise OptionError(
            f"--rather-than {versus} belongs to explanations of a class; got --method {method.name}, whose map is the "
            "same for every class. Leave it out or choose another method."
        )
    traced = trace(vit, photo.image, target=index, gradients=index is not None)
    resolved = dict(options)
    if resolved.get("query", "") is None:
        resolved["query"] = default_query(traced.grid)
    if resolved.get("layer", 0) is None and resolved.get("query") != POOL:
        resolved["layer"] = traced.layers - 1
    assert method.view is not None
    return traced, of_view(method.view(traced, **resolved), traced.grid), resolved


def _contrast(vit: ViT, photo: Photo, index: int | None, versus: str) -> Target:
    """Return the target "rather than a class"; without a target of its own, the top answer is set against it."""
    other = class_index(vit, versus)
    first = trace(vit, photo.image).top(1)[0][0] if index is None else index
    return contrast(vit, first, other)


def _manifest(explained: Explained, photo: Photo, arguments: argparse.Namespace) -> dict[str, Any]:
    looks = {
        "palette": arguments.palette,
        "opacity": arguments.opacity,
        "interpolate": arguments.interpolate,
    }
    return manifest(
        trace=explained.trace,
        vit=explained.vit,
        photo_digest=photo.digest,
        picture_name=arguments.image,
        settings={"method": explained.method.name, **explained.options, **looks, **picture_options.asked(arguments)},
        part=explained.part,
    ) | {"map": dict(explained.shown.told)}


def _report(explained: Explained, arguments: argparse.Namespace, photo: Photo, given: dict[str, Any]) -> str:
    vit, traced = explained.vit, explained.trace
    heading = f"{file_name(arguments.image)}, {vit.name} ({outputs.short(vit.weights)}), {explained.shown.label}"
    if "query" in explained.options and "query" not in given:
        why = "the default" if explained.options["query"] == "class" else "the default: the model has no class token"
        heading += f" ({why})"
    files = f"; wrote {', '.join(map(str, arguments.out))}" if arguments.out else ""
    lines = [f"{heading}.", f"{_answers(vit, traced)}. {1000 * explained.seconds:.0f} ms{files}."]
    lines += _doubt(vit, traced)
    if explained.shown.facts and explained.method.explanation is not None:
        lines.append(explained.shown.facts)
    if traced.target is not None:
        without = "" if explained.method.uses_target else f"; the map of {explained.method.name} does not depend on it"
        lines.append(f"Target: {traced.target.label}{without}.")
    if explained.part is not None and not explained.part.is_plain:
        told = explained.part.told()
        lines.append(f"{told[0].upper()}{told[1:]} (--crop chooses).")
    lines += [f"The picture was changed on opening: {note}." for note in photo.notes]
    return "\n".join(lines)


def _answers(vit: ViT, traced: Trace) -> str:
    top = traced.top(5)
    if not top:
        return "No classifier, so no answers"
    answers = ", ".join(f"{vit.class_name(index)} {percent(share)}" for index, share in top)
    return f"Top {len(top)} of {len(vit.class_names)} classes: {answers}"


def _doubt(vit: ViT, traced: Trace) -> list[str]:
    """Return the line that says that the photo may show none of the classes, where that was measured and is so."""
    measured = familiarity(vit, traced)
    if measured is None or not measured.perhaps_none:
        return []
    return [
        f"Perhaps none of its {measured.classes} classes: its best answer has less than {percent(measured.threshold)}, "
        f"as only {percent(measured.false_alarms)} of the photos have that do show one."
    ]
