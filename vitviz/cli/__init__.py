"""The command line: python -m vitviz COMMAND.

Each command hands back an ``Answer``; only program.py prints. What libraries print meanwhile goes to the error output,
so that the output holds the answer alone. The exit codes are those of ``exit_codes.EXIT_CODES``.

program.py   the parser of all commands, and what runs one
first_aid.py what is said where torch or timm is missing or broken
answer.py    what a command hands back, options of all commands
exit_codes.py what every command ends with
wording.py   messages in the words of the terminal
models.py    what can be loaded here and now
doctor.py    what works here, and what does not
explain.py   one map of one picture, written to files
methods.py   what explain can compute, as data
shown.py     a map and what is said beside it
outputs.py   the files that explain can write, as data
picture_options.py   how a picture is opened: --window, --frame
benchmark.py explanations of a folder of photos, put to the test; photo_folder.py, folder_walk.py and photo_manifest.py
             are the folder
atlas.py     every head and layer over a whole data set
receptive_field.py, positions.py, tokens.py, shuffle.py, input_sizes.py   measurements of space
measurement.py     the files that those five can write
serve.py     the dashboard
examples.py  what every command's help shows
"""

from __future__ import annotations

from collections.abc import Sequence

from vitviz.cli.exit_codes import STOPPED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command with its arguments, by default those of the process, and return the exit code.

    Arguments that no command understands end the process with exit code 2, as argparse does.
    """
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return STOPPED


def _run(arguments: Sequence[str] | None) -> int:
    try:
        from vitviz.cli import program
    except (ImportError, OSError, RuntimeError) as error:  # all three come of a torch that is missing or broken
        from vitviz.cli import first_aid

        return first_aid.main(arguments, error)
    return program.main(arguments)
