"""Works for a process of its own. They import what they need when they are called: each start would import it anew."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from vitviz.errors import OptionError

SOON = 60
Progress = Callable[..., bool]


def add_up(*, numbers: tuple[int, ...], progress: Progress) -> dict[str, Any]:
    """Add numbers; prints what must not come between the frames."""
    total = 0
    for done, number in enumerate(numbers, 1):
        print("a line of a library", flush=True)
        total += number
        progress(done, len(numbers), total)
    import torch

    return {"total": total, "threads": torch.get_num_threads(), "process": os.getpid()}


def deaf(*, progress: Progress) -> None:
    """Report once, and never listen again."""
    progress(1, 2, "half")
    time.sleep(SOON)


def polite(*, progress: Progress) -> str:
    """Count until told to stop, and hand over what there is."""
    done = 0
    while progress(done := done + 1, 10**9, done):
        time.sleep(0.01)
    return f"stopped at {done}"


def refuses(*, progress: Progress) -> None:
    raise OptionError("Seeds are 0; wanted 1 or more. Choose more.")


def falls(*, progress: Progress) -> None:
    raise ZeroDivisionError("of ours")


def runs_out(*, progress: Progress) -> None:
    raise RuntimeError("DefaultCPUAllocator: not enough memory")


def is_killed(*, progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
