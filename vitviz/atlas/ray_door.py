"""The door to Ray: shards as tasks on a cluster's nodes. Nothing else of vitviz imports it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from vitviz.atlas.job import Job
from vitviz.atlas.worker import run_job
from vitviz.errors import OptionError, VitvizError
from vitviz.record import Record

RETRIES = 5
"""So often Ray measures a shard again whose node was lost."""
SLOW = 3.0
"""A shard that takes so many times the median, when none is left to begin, is begun a second time elsewhere."""
LEAST_SECONDS = 10.0
"""Sooner than this no shard counts as slow."""
PULSE_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class _Running(Record):
    """A shard that a node measures."""

    job: Job
    since: float


def measured_by_ray(jobs: Iterator[Job], address: str, *, gpus: float = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (shard, state) as the nodes of a Ray cluster finish them, in any order.

    ``address`` is "auto" (the cluster that this machine belongs to), HOST:PORT, "ray://HOST:PORT" or "local" (a
    cluster of this machine alone, for as long as it is needed). Each shard takes one processor and ``gpus`` GPUs. The
    nodes need vitviz and the photos under the same path; states come back to this process, which alone writes.

    Raises OptionError without Ray or a cluster, what a node raised, and VitvizError for a shard that nodes lose again
    and again.
    """
    ray = _ray()
    mine = not ray.is_initialized()
    if mine:
        _connect(ray, address)
    try:
        yield from _measured(ray, jobs, gpus)
    finally:
        if mine:
            ray.shutdown()


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise OptionError(
            'Ray is not installed; wanted it to measure on a cluster. Install it: pip install "vitviz[ray]".'
        ) from error


def _connect(ray: Any, address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, OSError, RuntimeError) as error:
        raise OptionError(
            f"There is no Ray cluster at {address} ({error}). Start one with `ray start`, or give 'local' for one of "
            "this machine."
        ) from error


def _measured(ray: Any, jobs: Iterator[Job], gpus: float) -> Iterator[tuple[int, bytes]]:
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(run_job)
    running: dict[Any, _Running] = {}
    seconds: list[float] = []
    done: set[int] = set()
    twice: set[int] = set()
    while True:
        while len(running) < _slots(ray, gpus) and (job := next(jobs, None)) is not None:
            running[task.remote(job)] = _Running(job, time.monotonic())
        if not running:
            return
        finished, _ = ray.wait(list(running), timeout=PULSE_SECONDS)
        for reference in finished:
            work = running.pop(reference)
            if work.job.shard in done:
                continue
            result = _result(ray, reference, work.job)
            seconds.append(time.monotonic() - work.since)
            done.add(work.job.shard)
            yield result
        for reference, work in list(running.items()):
            if work.job.shard in done:  # the other of two was faster
                ray.cancel(reference, force=True)
                del running[reference]
        if not finished:
            for work in _slow(running, seconds, twice, room=_slots(ray, gpus) - len(running)):
                twice.add(work.job.shard)
                running[task.remote(work.job)] = _Running(work.job, time.monotonic())


def _slots(ray: Any, gpus: float) -> int:
    """Return how many shards the cluster can measure at a time, and one more that is ready; nodes come and go."""
    there = ray.cluster_resources()
    free = int(there.get("CPU", 0))
    return max(1, min(free, int(there.get("GPU", 0) / gpus)) if gpus else free) + 1


def _slow(running: dict[Any, _Running], seconds: list[float], twice: set[int], room: int) -> list[_Running]:
    if not seconds or room < 1:
        return []
    limit = max(LEAST_SECONDS, SLOW * median(seconds))
    late = [work for work in running.values() if work.job.shard not in twice and time.monotonic() - work.since > limit]
    return late[:room]


def _result(ray: Any, reference: Any, job: Job) -> tuple[int, bytes]:
    try:
        result: tuple[int, bytes] = ray.get(reference)
        return result
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, VitvizError):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        raise VitvizError(
            f"The cluster lost the photos {job.start} to {job.start + len(job.entries)} {RETRIES + 1} times "
            f"({type(error).__name__}); wanted nodes that last for a shard. What is measured is kept: start again, "
            "with more shards or more memory for each node."
        ) from error
