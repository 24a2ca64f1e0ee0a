"""The command input-sizes: the same picture at several input sizes."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from vitviz.analysis.input_sizes import SIZES, SizedAnswer, input_sizes
from vitviz.cli import measurement, model_options, picture_options
from vitviz.cli.answer import Answer
from vitviz.cli.measurement import Measurement, chart_panels
from vitviz.models.vit import ViT
from vitviz.numbers import percent


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "input-sizes",
        help="tokens, seconds and answer at several input sizes",
        description="Run a picture through a model at several input sizes; positions are interpolated.",
        allow_abbrev=False,
    )
    parser.add_argument("image", metavar="IMAGE", help=picture_options.HELP)
    measurement.add_out(parser)
    picture_options.add_to(parser.add_argument_group("photo"))
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
    name, photo = measurement.picture(arguments.image, arguments)
    vit = model_options.load(arguments, photo)
    answers = input_sizes(vit, photo.image, sizes=arguments.sizes)
    return measurement.finish("input-sizes", _measure(vit, answers), vit, [(name, photo)], arguments.out)


def _measure(vit: ViT, answers: tuple[SizedAnswer, ...]) -> Measurement:
    return Measurement(
        title="Input sizes",
        panels=chart_panels(answers),
        arrays={
            "sizes": np.array([sized.image_size for sized in answers]),
            "tokens": np.array([sized.tokens for sized in answers]),
            "seconds": np.array([sized.seconds for sized in answers]),
            "cosine": np.array([sized.cosine for sized in answers]),
        },
        numbers={"sizes": [_row(vit, sized) for sized in answers]},
        words=[_words(vit, sized) for sized in answers],
        settings={"sizes": [sized.image_size for sized in answers]},
    )


def _row(vit: ViT, sized: SizedAnswer) -> dict[str, Any]:
    return {
        "image_size": sized.image_size,
        "native": sized.native,
        "tokens": sized.tokens,
        "seconds": sized.seconds,
        "cosine": sized.cosine,
        "answers": [
            {"class": index, "name": vit.class_name(index), "probability": share} for index, share in sized.top
        ],
    }


def _words(vit: ViT, sized: SizedAnswer) -> str:
    own = ", its own size" if sized.native else ""
    answer = f", {vit.class_name(sized.top[0][0])} {percent(sized.top[0][1])}" if sized.top else ""
    return (
        f"{sized.image_size[0]} × {sized.image_size[1]} px{own}: "
        f"{sized.tokens} tokens, {sized.seconds:.2f} s, cosine {sized.cosine:.3f}{answer}."
    )
