"""The command shuffle: patches change places, with and without position encoding."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from vitviz.analysis.shuffling import SHARES, ShuffleExperiment, shuffle_experiment
from vitviz.cli import measurement, model_options, picture_options
from vitviz.cli.answer import Answer
from vitviz.cli.measurement import Measurement, chart_panels
from vitviz.models.vit import ViT
from vitviz.numbers import percent


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "shuffle",
        help="does the model notice when patches change places?",
        description="Shuffle a growing share of the patches, with and without the position encoding.",
        allow_abbrev=False,
    )
    parser.add_argument("image", metavar="IMAGE", help=picture_options.HELP)
    measurement.add_out(parser)
    picture_options.add_to(parser.add_argument_group("photo"))
    model_options.add_to(parser.add_argument_group("model"))
    group = parser.add_argument_group("experiment")
    group.add_argument("--shares", type=float, nargs="+", default=SHARES, help="of the patches that move, 0 to 1")
    group.add_argument("--shuffle-seed", type=int, default=0, help="of the shuffles (default: 0)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Run the experiment, write the files, return what was found."""
    name, photo = measurement.picture(arguments.image, arguments)
    vit = model_options.load(arguments, photo)
    seed = arguments.shuffle_seed
    experiment = shuffle_experiment(vit, photo.image, shares=arguments.shares, seed=seed)
    measured = _measure(vit, experiment, seed)
    return measurement.finish("shuffle", measured, vit, [(name, photo)], arguments.out)


def _measure(vit: ViT, experiment: ShuffleExperiment, seed: int) -> Measurement:
    ways = {"with positions": experiment.with_positions, "without positions": experiment.without_positions}
    last = {name: float(way.cosine[-1]) for name, way in ways.items()}
    return Measurement(
        title="Shuffled patches",
        panels=chart_panels(experiment),
        arrays={
            "shares": np.array(experiment.shares),
            "moved": np.array(experiment.moved),
            "cosine_with_positions": experiment.with_positions.cosine,
            "cosine_without_positions": experiment.without_positions.cosine,
        },
        numbers={
            "read": experiment.read,
            "shares": experiment.shares,
            "moved": experiment.moved,
            **{name.replace(" ", "_"): _way(vit, way) for name, way in ways.items()},
        },
        words=[
            f"Cosine of the {experiment.read} at a share of {percent(experiment.shares[-1])}: "
            f"{last['with positions']:.4f} with positions, {last['without positions']:.4f} without."
        ],
        settings={"shares": experiment.shares, "seed": seed},
    )


def _way(vit: ViT, way: Any) -> dict[str, Any]:
    return {
        "cosine": way.cosine,
        "answers": [vit.class_name(index) for index in way.top],
        "probability": way.probability,
    }
