"""The command input-sizes: the same picture at several input sizes."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from vitviz.analysis.input_sizes import SIZES, SizedAnswer, input_sizes
from vitviz.cli import measurement, model_options
from vitviz.cli.answer import Answer
from vitviz.cli.measurement import Measurement
from vitviz.figures.curve import Curve
from vitviz.figures.print_chart import print_chart
from vitviz.figures.sheet import Panel
from vitviz.models.vit import ViT


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "input-sizes",
        help="tokens, seconds and answer at several input sizes",
        description="Run a picture through a model at several input sizes; positions are interpolated.",
        allow_abbrev=False,
    )
    parser.add_argument("image", metavar="IMAGE", help="a picture file, or example:ID")
    measurement.add_out(parser)
    model_options.add_to(parser.add_argument_group("model"))
    parser.add_argument_group("sizes").add_argument(
        "--sizes",
        metavar="PIXELS",
        type=int,
        nargs="+",
        default=SIZES,
        help=f"longer sides in pixels (default: {' '.join(map(str, SIZES))})",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure every size, write the files, return what was found."""
    picture = measurement.picture(arguments.image)
    vit = model_options.load(arguments)
    found = input_sizes(vit, picture[1].image, sizes=arguments.sizes)
    return measurement.finish("input-sizes", _measure(vit, found), vit, [picture], arguments.out)


def _measure(vit: ViT, found: tuple[SizedAnswer, ...]) -> Measurement:
    pixels = [max(each.image_size) for each in found]
    quantities = {
        "Cosine to the own size": [each.cosine for each in found],
        "Seconds of the pass": [each.seconds for each in found],
    }
    return Measurement(
        title="Input sizes",
        panels=[_panel(vit, name, pixels, values) for name, values in quantities.items()],
        arrays={
            "sizes": np.array([each.image_size for each in found]),
            "tokens": np.array([each.tokens for each in found]),
            "seconds": np.array([each.seconds for each in found]),
            "cosine": np.array([each.cosine for each in found]),
        },
        numbers={"sizes": [_row(vit, each) for each in found]},
        words=[_words(vit, each) for each in found],
        settings={"sizes": [each.image_size for each in found]},
    )


def _panel(vit: ViT, name: str, pixels: list[int], values: list[float]) -> Panel:
    curve = Curve(vit.name, pixels, values)
    plot = print_chart([curve], x_title="Longer side (px)", y_title=name)
    return Panel(label=name, picture=plot)


def _row(vit: ViT, each: SizedAnswer) -> dict[str, Any]:
    return {
        "image_size": each.image_size,
        "native": each.native,
        "tokens": each.tokens,
        "seconds": each.seconds,
        "cosine": each.cosine,
        "answers": [{"class": index, "name": vit.class_name(index), "probability": share} for index, share in each.top],
    }


def _words(vit: ViT, each: SizedAnswer) -> str:
    own = ", its own size" if each.native else ""
    answer = f", {vit.class_name(each.top[0][0])} {each.top[0][1]:.0%}" if each.top else ""
    return (
        f"{each.image_size[0]} × {each.image_size[1]} px{own}: "
        f"{each.tokens} tokens, {each.seconds:.2f} s, cosine {each.cosine:.3f}{answer}."
    )
