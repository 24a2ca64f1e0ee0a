"""What the command line does where torch or timm is missing or broken: doctor works, and the rest says so."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vitviz.cli import doctor
from vitviz.cli.answer import Answer
from vitviz.cli.examples import PROGRAM
from vitviz.cli.exit_codes import REFUSED


def main(arguments: Sequence[str] | None, error: Exception) -> int:
    """Run doctor, or tell why another command cannot be run, and return the exit code.

    Raises the error where doctor knows nothing of it: then it is vitviz's own.
    """
    if not doctor.unusable():
        raise error
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] != ["doctor"]:
        told = "; ".join(f"{package} cannot be imported ({reason})" for package, reason in doctor.unusable().items())
        print(f"vitviz: {told}. {doctor.AGAIN} `{PROGRAM} doctor` tells more.", file=sys.stderr)
        return REFUSED
    parser = argparse.ArgumentParser(prog=PROGRAM, allow_abbrev=False)
    doctor.add_to(parser.add_subparsers(required=True))
    chosen = parser.parse_args(words)
    answer: Answer = chosen.run(chosen)
    print(answer.shown(chosen.json))
    return answer.code
