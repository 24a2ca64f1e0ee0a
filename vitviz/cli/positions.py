"""The command positions: what a model's position encoding says about its places."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from vitviz.analysis.interpolation import USERS, InterpolatedPositions, interpolated_similarity
from vitviz.analysis.positions import (
    PositionSimilarity,
    ReadOut,
    position_components,
    position_read_out,
    position_similarity,
)
from vitviz.cli import measurement, model_options
from vitviz.cli.answer import Answer
from vitviz.cli.measurement import Measurement, chart_panels
from vitviz.errors import OptionError
from vitviz.figures.mosaic import mosaic
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.models.vit import ViT
from vitviz.numbers import percent

_COMPONENTS = 3


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "positions",
        help="how alike a model's position encoding makes its places",
        description="Similarity, components and linear read-out of a model's position encoding.",
        allow_abbrev=False,
    )
    measurement.add_out(parser)
    model_options.add_to(parser.add_argument_group("model"))
    group = parser.add_argument_group("encoding")
    group.add_argument("--kind", help="one of several encodings, such as rotary (default: the first)")
    group.add_argument("--layer", type=int, help="of rotary or relative encodings (default: mean)")
    group.add_argument("--head", type=int, help="of rotary or relative encodings (default: mean)")
    group.add_argument("--patch", type=int, help="place shown large (default: the middle)")
    group.add_argument(
        "--grid",
        metavar="ROWSxCOLUMNS",
        type=model_options.size,
        help="also interpolate the vectors to another grid, both ways",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure the encoding, write the files, return what was found."""
    vit = model_options.load(arguments)
    similarity = position_similarity(vit, kind=arguments.kind, layer=arguments.layer, head=arguments.head)
    grid = vit.grid
    middle = grid.rows // 2 * grid.columns + grid.columns // 2
    patch = middle if arguments.patch is None else arguments.patch
    grid.position(patch)  # refuses a patch that is not there
    other = None if arguments.grid is None else interpolated_similarity(vit, *arguments.grid)
    measured = _measure(vit, similarity, patch, other)
    return measurement.finish("positions", measured, vit, [], arguments.out)


def _measure(vit: ViT, similarity: PositionSimilarity, patch: int, other: InterpolatedPositions | None) -> Measurement:
    if similarity.values is None:
        raise OptionError(f"There is nothing to write: {similarity.reason} Choose another model.")
    read_out = None
    if similarity.vectors is not None and similarity.grid.patches >= 10:
        read_out = position_read_out(similarity.vectors, similarity.grid)
    top = _top(similarity)
    scale = Scale(-top, top, signed=True)
    place = similarity.grid.position(patch)
    row, column = similarity.profiles()
    panels = [
        Panel(label=similarity.unit, picture=mosaic(similarity.mosaic(), scale=scale, selected=place)),
        Panel(label=f"Patch {patch}", map=similarity.map(patch), scale=scale, query=place),
        *chart_panels(similarity, "By distance", width_mm=56, kind="profile"),
    ]
    arrays = {"similarity": similarity.values, "map": similarity.map(patch)}
    arrays |= {"row_profile": row, "column_profile": column}
    if similarity.vectors is not None:
        arrays["vectors"] = similarity.vectors
        parts = position_components(similarity, count=min(_COMPONENTS, *similarity.vectors.shape))
        arrays["components"] = parts.maps
        panels += [
            Panel(label=f"Component {number + 1}, {percent(share)} of the variance", map=map_,
                  scale=_about_zero(map_))
            for number, (map_, share) in enumerate(zip(parts.maps, parts.shares, strict=True))
        ]  # fmt: skip
    numbers: dict[str, Any] = {"kind": similarity.kind, "kinds": similarity.kinds, "unit": similarity.unit}
    if other is not None:
        panels += _interpolated(other)
        arrays |= {"similarity_antialiased": other.similarity_after[True]}
        arrays |= {"similarity_not_antialiased": other.similarity_after[False]}
        numbers["difference_of_the_two_ways"] = other.difference
    numbers["read_out"] = None if read_out is None else {"row": read_out.row, "column": read_out.column}
    return Measurement(
        title=f"Positions: {similarity.kind}",
        panels=panels,
        arrays=arrays,
        numbers=numbers,
        words=_words(similarity, read_out, other),
        settings={"kind": similarity.kind, "patch": patch},
        columns=3,
    )


def _words(similarity: PositionSimilarity, read_out: ReadOut | None, other: InterpolatedPositions | None) -> list[str]:
    words = [f"Encodings: {', '.join(similarity.kinds)}; shown is {similarity.unit}."]
    if read_out is not None:
        words.append(f"Linear read-out: R² {read_out.row:.3f} of the row, {read_out.column:.3f} of the column.")
    if other is not None:
        grid = f"{other.after.rows} × {other.after.columns}"
        words.append(f"On a grid of {grid} the two ways differ by {percent(other.difference)} of the vectors' size.")
    return words


def _top(similarity: PositionSimilarity) -> float:
    values = np.asarray(similarity.values, np.float64)
    apart = values[~np.eye(len(values), dtype=bool)] if len(values) > 1 else values
    return float(np.abs(apart).max()) or 1.0


def _about_zero(map_: Any) -> Scale:
    top = float(np.abs(map_).max()) or 1.0
    return Scale(-top, top, signed=True)


def _interpolated(other: InterpolatedPositions) -> list[Panel]:
    grid = other.after
    middle = grid.rows // 2 * grid.columns + grid.columns // 2
    maps = {way: grid.to_map(values[middle]) for way, values in other.similarity_after.items()}
    top = max(float(np.abs(map_).max()) for map_ in maps.values()) or 1.0
    return [
        Panel(label=USERS[way], map=map_, scale=Scale(-top, top, signed=True), query=grid.position(middle))
        for way, map_ in maps.items()
    ]  # fmt: skip
