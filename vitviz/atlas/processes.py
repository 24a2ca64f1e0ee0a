"""Workers on this machine: processes of their own, which load the model once and measure shard after shard."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from types import ModuleType
from typing import Any

from vitviz.atlas.job import Job
from vitviz.atlas.worker import run_job
from vitviz.errors import OptionError, VitvizError
from vitviz.models.vit import ViT
from vitviz.record import Record

_SENDING = (
    "{what} ({error}); wanted modules, hooks and functions that stand at the top level of a file that can be imported. "
    "Move them there, give the model by its name, or measure with one worker."
)
TRIES = 3
"""So often a shard is begun before workers that die over it are reported."""


@dataclass(frozen=True, eq=False)
class _Worker(Record):
    """A process and our end of the pipe to it."""

    process: BaseProcess
    pipe: Connection


def measured_by_processes(jobs: Iterator[Job], workers: int) -> Iterator[tuple[int, bytes]]:
    """Yield (shard, state) as ``workers`` processes finish them, in any order.

    A process that dies is replaced, and its shard is measured again. A worker whose parent dies finds its pipe closed
    and ends. Raises what a worker raised, and VitvizError for a shard over which workers die again and again.
    """
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    deaths: Counter[int] = Counter()
    again: list[Job] = []
    busy: dict[Connection, tuple[_Worker, Job]] = {}
    idle: list[_Worker] = []
    try:
        while True:
            while len(busy) < workers and (job := again.pop() if again else next(jobs, None)) is not None:
                data = _packed(job)
                worker = idle.pop() if idle else _start(context, job)
                busy[worker.pipe] = (worker, job)
                with suppress(OSError):  # it is dead: seen below
                    worker.pipe.send_bytes(data)
            if not busy:
                return
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                worker, job = busy.pop(pipe)
                try:
                    result: tuple[int, bytes] | Exception = pipe.recv()
                except (EOFError, OSError):
                    deaths[job.shard] += 1
                    _check_deaths(job, deaths, worker)
                    again.append(job)
                    continue
                if isinstance(result, Exception):
                    raise result
                idle.append(worker)
                yield result
    finally:
        for worker in [*idle, *(worker for worker, _ in busy.values())]:
            worker.pipe.close()
            worker.process.terminate()
            worker.process.join()


def _start(context: multiprocessing.context.SpawnContext, job: Job) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    with nullcontext() if isinstance(job.model, ViT) else _without_main():
        process.start()
    theirs.close()  # so that its death closes the pipe
    return _Worker(process, ours)


@contextmanager
def _without_main() -> Iterator[None]:
    """Let a new process begin without running the caller's script again, which a model that is given by name needs not.

    So a script needs no ``if __name__ == "__main__"``, and a dashboard may be the caller.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(pipe: Connection) -> None:
    """Measure the shards that come through a pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which ends its workers
    with suppress(EOFError, OSError):
        while True:
            data = pipe.recv_bytes()
            try:
                job = ForkingPickler.loads(data)
            except Exception as error:
                pipe.send(OptionError(_SENDING.format(what="The model cannot be read in another process", error=error)))
                continue
            try:
                pipe.send(run_job(job))
            except OSError:
                raise
            except Exception as error:
                pipe.send(error)


def _packed(job: Job) -> Any:
    """Return a job as bytes for another process; raises OptionError for a model that cannot be sent."""
    try:
        return ForkingPickler.dumps(job)
    except Exception as error:  # whatever a stranger's module raises
        name = job.model.name
        raise OptionError(
            _SENDING.format(what=f"The model {name} cannot be sent to other processes", error=error)
        ) from error


def _check_deaths(job: Job, deaths: Counter[int], worker: _Worker) -> None:
    worker.process.join()
    if deaths[job.shard] >= TRIES:
        raise VitvizError(
            f"A worker died {TRIES} times over the photos {job.start} to {job.start + len(job.entries)} (exit code "
            f"{worker.process.exitcode}; −9 is what the system does when memory runs out); wanted one that ends. What "
            "is measured is kept: start again with fewer workers or a smaller batch."
        )
