"""The command shuffle: patches change places, with and without position encoding."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from vitviz.analysis.shuffling import SHARES, ShuffleExperiment, shuffle_experiment
from vitviz.cli import measurement, model_options
from vitviz.cli.answer import Answer
from vitviz.cli.measurement import Measurement
from vitviz.figures.curve import Curve
from vitviz.figures.palettes import PINNED, VIT_BLUE
from vitviz.figures.print_chart import print_chart
from vitviz.figures.sheet import Panel
from vitviz.models.vit import ViT


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "shuffle",
        help="does the model notice when patches change places?",
        description="Shuffle a growing share of the patches, with and without the position encoding.",
        allow_abbrev=False,
    )
    parser.add_argument("image", metavar="IMAGE", help="a picture file, or example:ID")
    measurement.add_out(parser)
    model_options.add_to(parser.add_argument_group("model"))
    group = parser.add_argument_group("experiment")
    group.add_argument("--shares", type=float, nargs="+", default=SHARES, help="of the patches that move, 0 to 1")
    group.add_argument("--shuffle-seed", type=int, default=0, help="of the shuffles (default: 0)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Run the experiment, write the files, return what was found."""
    picture = measurement.picture(arguments.image)
    vit = model_options.load(arguments)
    seed = arguments.shuffle_seed
    found = shuffle_experiment(vit, picture[1].image, shares=arguments.shares, seed=seed)
    measured = _measure(vit, found, seed)
    return measurement.finish("shuffle", measured, vit, [picture], arguments.out)


def _measure(vit: ViT, found: ShuffleExperiment, seed: int) -> Measurement:
    ways = {"with positions": found.with_positions, "without positions": found.without_positions}
    lines = [
        Curve(name, found.shares, way.cosine, colour)
        for (name, way), colour in zip(ways.items(), (VIT_BLUE, PINNED[1]), strict=True)
    ]
    last = {name: float(way.cosine[-1]) for name, way in ways.items()}
    plot = print_chart(lines, x_title="Share of shuffled patches", y_title=f"Cosine ({found.read})")
    return Measurement(
        title="Shuffled patches",
        panels=[Panel(picture=plot)],
        arrays={
            "shares": np.array(found.shares),
            "moved": np.array(found.moved),
            "cosine_with_positions": found.with_positions.cosine,
            "cosine_without_positions": found.without_positions.cosine,
        },
        numbers={
            "read": found.read,
            "shares": found.shares,
            "moved": found.moved,
            **{name.replace(" ", "_"): _way(vit, way) for name, way in ways.items()},
        },
        words=[
            f"Cosine of the {found.read} at a share of {found.shares[-1]:.0%}: "
            f"{last['with positions']:.4f} with positions, {last['without positions']:.4f} without."
        ],
        settings={"shares": found.shares, "seed": seed},
    )


def _way(vit: ViT, way: Any) -> dict[str, Any]:
    return {
        "cosine": way.cosine,
        "answers": [vit.class_name(index) for index in way.top],
        "probability": way.probability,
    }
