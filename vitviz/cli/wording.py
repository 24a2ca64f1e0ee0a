"""Messages in the words of the terminal: Python's ``trained_size=(32, 64)`` is ``--trained-size 32x64`` there."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from vitviz.errors import VitvizError

FLAGS = {"window": "--occlusion-window"}
"""Flags of arguments that are not called like them: --window is that of the photo."""


def flag_of(argument: str) -> str:
    """Return the flag of an argument of Python's, such as "--head-fusion"."""
    return FLAGS.get(argument, "--" + argument.replace("_", "-"))


def in_terminal(error: VitvizError, flags: Collection[str]) -> str:
    """Return the message of an error for somebody who called a command with these flags, such as "--model"."""

    def name(argument: str) -> str | None:
        python, equals, value = argument.partition("=")
        flag = "--window" if python == "window" and equals else flag_of(python)
        if flag not in flags:
            return None
        return f"{flag} {_typed(value)}" if equals and value != "True" else flag

    return error.worded(name)


def flags_of(parser: argparse.ArgumentParser, command: str) -> frozenset[str]:
    """Return the flags that a command understands."""
    # argparse keeps no public list of what was added
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return frozenset(flag for group in groups for flag in group.choices[command]._option_string_actions)


def _typed(value: str) -> str:
    """Return a value of Python's as it is typed in a shell: a pair is HEIGHTxWIDTH, a text has no quotes."""
    if value.startswith("("):
        sides = [part.strip() for part in value.strip("()").split(",")]
        return "x".join(sides if all(side.isdecimal() for side in sides) else map(str.upper, sides))
    bare = value.strip("'\"")
    return value if any(sign.isspace() for sign in bare) else bare
