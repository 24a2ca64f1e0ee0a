"""How far long work is: told after every step, stopped when asked, and what out of memory looks like."""

from __future__ import annotations

import sys
from collections.abc import Callable

from vitviz.errors import StoppedError

Progress = Callable[[int, int], bool | None]
"""Called with (done, total) after every step, and again while others have their turn at the model; returning False
stops the work with StoppedError."""


def report(progress: Progress | None, done: int, total: int) -> None:
    """Tell how far a computation is; raises StoppedError if the answer is False."""
    if progress is not None and progress(done, total) is False:
        raise StoppedError(
            "Stopped after {done} of {total} steps, as asked. Nothing was kept; start it again for a result.",
            done=done,
            total=total,
        )


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of torch or numpy says that memory ran out, on a GPU or on the CPU."""
    torch = sys.modules.get("torch")  # an error of its own comes from where it was imported
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    words = ("out of memory", "not enough memory", "can't allocate memory")  # torch says it in a RuntimeError, in words
    return isinstance(error, RuntimeError) and any(told in str(error).lower() for told in words)
