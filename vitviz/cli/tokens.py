"""The command tokens: what the patches of a picture have become, by one of several measures."""

from __future__ import annotations

import argparse
from typing import Any

from vitviz.cli import measurement, model_options, picture_options
from vitviz.cli.answer import Answer
from vitviz.cli.token_measures import MEASURES, Request, all_options
from vitviz.errors import OptionError


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "tokens",
        help="tokens as colours, likeness, norms, logit lens, CKA, spectrum",
        description="Measure the tokens of a picture in one of several ways.",
        allow_abbrev=False,
    )
    parser.add_argument("image", metavar="IMAGE", help=picture_options.HELP)
    listed = "; ".join(f"{measure.name}: {measure.summary}" for measure in MEASURES.values())
    parser.add_argument("--what", choices=MEASURES, required=True, help=listed)
    measurement.add_out(parser)
    picture_options.add_to(parser.add_argument_group("photo"))
    model_options.add_to(parser.add_argument_group("model"))
    group = parser.add_argument_group("measure")
    for option, names in all_options():
        default = "" if option.default is None else f" (default: {option.default})"
        settings: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": option.name}
        if option.read is bool:
            settings["action"] = "store_true"
        else:
            settings |= {"type": option.read, "metavar": option.metavar}
        group.add_argument(option.flag, help=f"{', '.join(names)}: {option.help}{default}", **settings)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure the tokens, write the files, return what was found."""
    measure = MEASURES[arguments.what]
    given = {option.name: getattr(arguments, option.name) for option, _ in all_options() if option.name in arguments}
    known = {option.name: option for option in measure.options}
    for name in given:
        if name not in known:
            own = ", ".join(option.flag for option in measure.options) or "none"
            raise OptionError(
                f"--{name.replace('_', '-')} is no option of --what {measure.name}; wanted {own}. "
                "Leave it out or measure something else."
            )
    options = {name: given.get(name, option.default) for name, option in known.items()}
    pictures = [measurement.picture(arguments.image, arguments)]
    if options.get("second") is not None:
        pictures.append(measurement.picture(options["second"], arguments))
    vit = model_options.load(arguments, pictures[0][1])
    if "layer" in options and options["layer"] is None:
        options["layer"] = vit.layers - 1
    request = Request(vit, [photo for _, photo in pictures], options)
    measured = measure.measure(request)
    return measurement.finish(f"tokens --what {measure.name}", measured, vit, pictures, arguments.out)
