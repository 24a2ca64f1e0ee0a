"""The command line: python -m vitviz COMMAND.

Exit codes: 0 done; 2 the request cannot be met, with the reason on the error output; 130 stopped with Ctrl+C.

models.py    what can be loaded here and now
explain.py   one map of one picture, written to files
methods.py   what explain can compute, as data
outputs.py   the files that explain can write, as data
benchmark.py explanations of a folder of photos, put to the test
receptive_field.py, positions.py, tokens.py, shuffle.py, input_sizes.py   measurements of space
measurement.py     the files that those five can write
serve.py     the dashboard
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from vitviz.cli import benchmark, explain, input_sizes, models, positions, receptive_field, serve, shuffle, tokens
from vitviz.errors import VitvizError
from vitviz.export.manifest import versions

DONE, REFUSED, STOPPED = 0, 2, 130
COMMANDS = (models, explain, benchmark, receptive_field, positions, tokens, shuffle, input_sizes, serve)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command with its arguments, by default those of the process, and return the exit code.

    Arguments that no command understands end the process with exit code 2, as argparse does.
    """
    chosen = parser().parse_args(arguments)
    try:
        chosen.run(chosen)
        sys.stdout.flush()
    except VitvizError as error:
        print(f"vitviz: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; each leaves its function in ``run``."""
    top = argparse.ArgumentParser(
        prog="python -m vitviz", description="See what a Vision Transformer sees.", allow_abbrev=False
    )
    top.add_argument("--version", action="version", version="vitviz " + versions()["vitviz"])
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return top
