"""All commands: their parser, and ``main``, which runs one and prints its answer."""

from __future__ import annotations

import argparse
import io
import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TextIO

from vitviz.cli import (
    atlas,
    benchmark,
    doctor,
    explain,
    input_sizes,
    models,
    outputs,
    positions,
    receptive_field,
    serve,
    shuffle,
    tokens,
)
from vitviz.cli.answer import Answer
from vitviz.cli.examples import PROGRAM, epilog
from vitviz.cli.exit_codes import DONE, EXIT_CODES, REFUSED, STOPPED
from vitviz.cli.wording import flags_of, in_terminal
from vitviz.errors import OutputError, VitvizError
from vitviz.export.manifest import versions
from vitviz.progress import is_out_of_memory

COMMANDS = (models, explain, benchmark, atlas, receptive_field, positions, tokens, shuffle, input_sizes, serve, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command with its arguments, by default those of the process, and return the exit code.

    Arguments that no command understands end the process with exit code 2, as argparse does.
    """
    known = parser()
    chosen = known.parse_args(arguments)
    if "suffixes" in chosen and not (chosen.out or chosen.json):
        known.error("the following arguments are required: --out (or --json)")
    output = sys.stdout
    try:
        with redirect_stdout(sys.stderr):  # timm, for one, prints what it has to say
            if "suffixes" in chosen:
                outputs.check(chosen)
            answer: Answer | None = chosen.run(chosen)
        if answer is None:
            return DONE
        return _print(answer.shown(getattr(chosen, "json", False)), output, answer.code)
    except VitvizError as error:
        print(f"vitviz: {in_terminal(error, flags_of(known, chosen.command))}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return STOPPED
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print(
            "vitviz: There is not enough memory for this. Take a smaller model or --image-size, fewer pictures or "
            "smaller knobs, or close other programs.",
            file=sys.stderr,
        )
        return REFUSED


def _print(text: str, output: TextIO, code: int) -> int:
    """Print an answer and return the exit code."""
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="backslashreplace")  # a terminal that has no sign for minus, say
    try:
        print(text, file=output, flush=True)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
    except OSError as error:
        raise OutputError(f"The output could not be written ({error.strerror or error}). Send it elsewhere.") from error
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; each leaves its function in ``run``."""
    codes = "\n".join(f"  {code:3d}  {meaning}" for code, meaning in EXIT_CODES.items())
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="See what a Vision Transformer sees.",
        epilog=f"exit codes, the same for every command:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version="vitviz " + versions()["vitviz"])
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    for name, added in commands.choices.items():
        added.description = textwrap.fill(added.description or "", 79)
        added.epilog, added.formatter_class = epilog(name), argparse.RawDescriptionHelpFormatter
    return top
