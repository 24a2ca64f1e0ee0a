"""Jobs: long computations beside the dashboard, a few at a time, each with its readers, its progress and its end.

A job runs in a thread of its own, without Streamlit: it only reports, and the pages look. Who asks for what is being
computed already joins it. It goes on until the last of its readers has stopped it or has been gone for a while; what it
had then is kept, and so is what it had when it failed. Nothing grows without bound: waiting jobs, jobs of one reader
and ended jobs have limits.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any, Literal, Protocol

from vitviz.errors import OptionError, StoppedError, VitvizError
from vitviz.progress import is_out_of_memory
from vitviz.ui.text import N_

State = Literal["waiting", "running", "done", "stopped", "failed"]


class Report(Protocol):
    """Called by the work with (done, total, what there is so far); False asks it to stop."""

    def __call__(self, done: int, total: int, result: Any = None, /) -> bool:  # noqa: D102 - see above
        ...


Work = Callable[[Report], Any]
Present = Callable[[], bool]
"""Says whether a reader of a job is still there."""
UNEXPECTED = N_("it ended unexpectedly; see the server's log")
OUT_OF_MEMORY = N_("This machine has too little memory for that. Choose smaller sizes.")
OWN_LIMIT = N_("{count} of your runs wait or run; wanted at most {limit}. Stop one, or wait until it is done.")
ALL_LIMIT = N_("{count} runs of all readers wait; wanted at most {limit}. Try again in a few minutes.")
_NICE = 5  # of a job's thread where the system can: what readers click comes first


class QueueFullError(OptionError):
    """Too many jobs wait; ``text`` can be translated, and ``count`` and ``limit`` fill its braces."""

    def __init__(self, text: str, count: int, limit: int) -> None:
        super().__init__(text.format(count=count, limit=limit))
        self.text, self.count, self.limit = text, count, limit


def refusal_of(error: Exception) -> VitvizError:
    """Return why there is no result; raises again what is neither a refusal nor a lack of memory."""
    if isinstance(error, VitvizError):
        return error
    if is_out_of_memory(error):
        return VitvizError(OUT_OF_MEMORY)
    raise error


@dataclass(frozen=True)
class JobView:
    """How a job stands at one moment."""

    number: int
    """Of the job, in the order in which jobs were submitted."""
    key: Hashable
    """What it computes: equal keys have equal results."""
    readers: frozenset[str]
    """Who asked for it and did not stop it: sessions."""
    state: State = "waiting"
    done: int = 0
    """Steps done."""
    total: int = 0
    """Steps in all; 0 while that is not known."""
    result: Any = None
    """What it returned; of a job that runs, was stopped or failed: what it reported last, or None."""
    error: VitvizError | None = None
    """Why it failed."""
    seconds: float = 0.0
    """How long it has been running, or ran."""

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")


@dataclass(eq=False)
class _Job:
    """A job and its moving parts; only the queue touches them, under its lock."""

    view: JobView
    work: Work
    readers: dict[str, Present]
    alone_since: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    started: float = 0.0

    def seen(self) -> JobView:
        seconds = time.monotonic() - self.started if self.view.state == "running" else self.view.seconds
        return replace(self.view, readers=frozenset(self.readers), seconds=seconds)

    def alone(self) -> bool:
        return not any(present() for present in self.readers.values())


def in_thread(run: Callable[[], None]) -> None:
    """Run a job in a thread of lower priority, on systems whose priorities are the threads' own."""

    def step_back() -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        run()

    threading.Thread(target=step_back, name="job", daemon=True).start()


class JobQueue:
    """Runs jobs, at most ``workers`` at a time; the next one is of the reader who has waited longest.

    One reader alone leaves a worker free for others, where there are several.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        waiting_limit: int = 24,
        owner_limit: int = 8,
        kept: int = 48,
        patience: float = 120,
        impatience: float = 8,
    ) -> None:
        """``patience`` is how many seconds a job goes on without a reader; Streamlit keeps a session as long.

        Where others wait for its place, it is ``impatience`` instead.
        """
        self._workers, self._kept = workers, kept
        self._waiting_limit, self._owner_limit = waiting_limit, owner_limit
        self._patience, self._impatience = patience, min(patience, impatience)
        self._jobs: dict[int, _Job] = {}
        self._served: dict[str, int] = {}
        self._numbers, self._lock = count(1), threading.Lock()
        self.start: Callable[[Callable[[], None]], None] = in_thread
        """How a job is begun: in a thread, or at once where a test wants its end."""

    def submit(self, reader: str, key: Hashable, work: Work, present: Present = lambda: True) -> int:
        """Join the job of a key that waits or runs, or queue a new one, and return its number.

        ``present`` says from any thread whether the reader is still there. Raises QueueFullError where too many jobs
        wait, of this reader or of all.
        """
        with self._lock:
            self._look_round()
            job = self._active(key)
            if job is None:
                self._refuse_too_many(reader)
                number = next(self._numbers)
                job = self._jobs[number] = _Job(JobView(number, key, frozenset()), work, {})
            job.readers[reader] = present
        self._start_waiting()
        return job.view.number

    def adopt(self, reader: str, key: Hashable, present: Present = lambda: True) -> int | None:
        """Take over a job of a key that waits or runs and whose readers have gone; return its number, or None."""
        with self._lock:
            job = self._active(key)
            if job is None or not job.alone():
                return None
            job.readers, job.alone_since = {reader: present}, None
            return job.view.number

    def view(self, number: int) -> JobView | None:
        """Return how a job stands, or None for one that is not kept any more."""
        with self._lock:
            job = self._jobs.get(number)
            return None if job is None else job.seen()

    def ahead(self, number: int) -> int:
        """Return how many jobs run or would be started before this one at the latest."""
        with self._lock:
            job = self._jobs.get(number)
            if job is None or job.view.state != "waiting":
                return 0
            return sum(other.view.number < number for other in self._in("waiting", "running"))

    def stop(self, number: int, reader: str) -> None:
        """Leave a job; the last reader who is there ends it, and what it has so far is kept."""
        with self._lock:
            job = self._jobs.get(number)
            if job is not None and job.view.active and reader in job.readers:
                del job.readers[reader]
                if job.alone():
                    job.readers.clear()
                    self._cancel(job)

    def wait(self, number: int, seconds: float) -> JobView | None:
        """Wait until a job has ended, at most so long, and return how it stands."""
        with self._lock:
            job = self._jobs.get(number)
        if job is not None:
            job.ended.wait(seconds)
        return self.view(number)

    def _active(self, key: Hashable) -> _Job | None:
        going = (job for job in self._in("waiting", "running") if not job.cancelled.is_set())
        return next((job for job in going if job.view.key == key), None)

    def _refuse_too_many(self, reader: str) -> None:
        waiting = self._in("waiting")
        own = [job for job in self._in("waiting", "running") if reader in job.readers]
        if len(own) >= self._owner_limit:
            raise QueueFullError(OWN_LIMIT, len(own), self._owner_limit)
        if len(waiting) >= self._waiting_limit:
            raise QueueFullError(ALL_LIMIT, len(waiting), self._waiting_limit)

    def _cancel(self, job: _Job) -> None:
        job.cancelled.set()
        if job.view.state == "waiting":
            self._end(job, "stopped")

    def _look_round(self) -> None:
        """Stop the jobs whose readers have been gone for longer than the patience."""
        now = time.monotonic()
        patience = self._impatience if self._in("waiting") else self._patience
        for job in self._in("waiting", "running"):
            if not job.alone():
                job.alone_since = None
            elif job.alone_since is None:
                job.alone_since = now
            if job.alone_since is not None and now - job.alone_since >= patience:
                self._cancel(job)

    def _in(self, *states: State) -> list[_Job]:
        return [job for job in self._jobs.values() if job.view.state in states]

    def _start_waiting(self) -> None:
        while (job := self._next()) is not None:
            self.start(partial(self._run, job))

    def _next(self) -> _Job | None:
        """Return the job that begins now, or None."""
        with self._lock:
            running = self._in("running")
            if len(running) >= self._workers:
                return None
            shares = [reader for job in running for reader in job.readers]
            most = max(1, self._workers - 1)
            free = [job for job in self._in("waiting") if min(map(shares.count, job.readers)) < most]
            if not free:
                return None
            turn = self._served
            job = min(free, key=lambda job: min((shares.count(reader), turn.get(reader, 0)) for reader in job.readers))
            for reader in job.readers:
                self._served[reader] = max(self._served.values(), default=0) + 1
            job.started = time.monotonic()
            job.view = replace(job.view, state="running")
            return job

    def _run(self, job: _Job) -> None:
        end: tuple[State, Any, VitvizError | None] = ("failed", None, VitvizError(UNEXPECTED))
        try:
            end = ("done", job.work(lambda done, total, result=None: self._report(job, done, total, result)), None)
        except StoppedError:
            end = ("stopped", None, None)
        except Exception as error:
            end = ("failed", None, refusal_of(error))
        finally:  # an error of ours must not leave the job running for ever
            with self._lock:
                self._end(job, *end)
            self._start_waiting()

    def _report(self, job: _Job, done: int, total: int, result: Any) -> bool:
        with self._lock:
            kept = job.view.result if result is None else result
            job.view = replace(job.view, done=done, total=total, result=kept)
            self._look_round()
        return not job.cancelled.is_set()

    def _end(self, job: _Job, state: State, result: Any = None, error: VitvizError | None = None) -> None:
        """Note the end of a job and forget the oldest ended ones."""
        job.view = replace(job.seen(), state=state, result=job.view.result if result is None else result, error=error)
        job.work = _over  # it may hold a model or a photo
        job.readers = dict.fromkeys(job.readers, lambda: True)
        job.ended.set()
        for old in self._in("done", "stopped", "failed")[: -self._kept]:
            del self._jobs[old.view.number]
        readers = {reader for job in self._jobs.values() for reader in job.readers}
        self._served = {reader: turn for reader, turn in self._served.items() if reader in readers}


def _over(report: Report) -> None:
    """Stand in for the work of a job that has ended."""
