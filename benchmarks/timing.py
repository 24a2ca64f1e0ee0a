"""Timing in rounds: every contender once a round, so that a busy machine slows all of them alike; medians compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def rounds(
    contenders: Mapping[str, Callable[[], object]],
    *,
    count: int,
    warm: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median seconds of each contender over ``count`` rounds, after ``warm`` rounds that do not count.

    ``clock`` is time.process_time where others use the machine too: the processor's seconds, of one thread.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(warm + count):
        for name, run in contenders.items():
            start = clock()
            run()
            if number >= warm:
                seconds[name].append(clock() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return rows of text as a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
