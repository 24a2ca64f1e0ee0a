"""Exit codes of all commands."""

from __future__ import annotations

from collections.abc import Mapping

DONE, FAULT, REFUSED, STOPPED = 0, 1, 2, 130
EXIT_CODES: Mapping[int, str] = {
    DONE: "done, or the reader of the output, such as head, has seen enough",
    FAULT: "a fault of vitviz, with a traceback: please report it",
    REFUSED: "wrong arguments, a request that cannot be met, or too little memory; the reason is on the error output",
    STOPPED: "stopped with Ctrl+C, also while torch was being imported",
}
"""The same for every command."""
