"""Jobs: long computations beside the dashboard, a few at a time, each with an owner, its progress and its end.

A job runs in a thread of its own, without Streamlit: it only reports, and the pages look. What it had when it was
stopped or failed is kept. Nothing grows without bound: waiting jobs, jobs of one owner and finished jobs have limits.
A job whose owner has gone can be taken over by who asks for the same, and is stopped when nobody does for a while:
nobody else could see or stop it, and it would keep the others waiting.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

from vitviz.errors import OptionError, StoppedError, VitvizError
from vitviz.ui.text import N_

State = Literal["waiting", "running", "done", "stopped", "failed"]
Report = Callable[[int, int, Any], bool]
"""Called by the work with (done, total, what there is so far); False asks it to stop."""
Work = Callable[[Report], Any]
Present = Callable[[], bool]
"""Says whether the owner of a job is still there."""
UNEXPECTED = N_("it ended unexpectedly; see the server's log")
OWN_LIMIT = N_("{count} of your runs wait or run; wanted at most {limit}. Stop one, or wait until it is done.")
ALL_LIMIT = N_("{count} runs of all readers wait; wanted at most {limit}. Try again in a few minutes.")
_NICE = 5  # of a job's thread where the system can: what readers click comes first


class QueueFullError(OptionError):
    """Too many jobs wait; ``text`` can be translated, and ``count`` and ``limit`` fill its braces."""

    def __init__(self, text: str, count: int, limit: int) -> None:
        super().__init__(text.format(count=count, limit=limit))
        self.text, self.count, self.limit = text, count, limit


@dataclass(frozen=True)
class JobView:
    """How a job stands at one moment."""

    number: int
    """Of the job, in the order in which jobs were submitted."""
    owner: str
    """Who asked for it: the session."""
    key: Hashable
    """What it computes: equal keys have equal results."""
    state: State = "waiting"
    done: int = 0
    """Steps done."""
    total: int = 0
    """Steps in all; 0 while that is not known."""
    result: Any = None
    """What it returned; of a job that runs, was stopped or failed: what it reported last, or None."""
    error: str = ""
    """Why it failed."""
    seconds: float = 0.0
    """How long it has been running, or ran."""

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")


class _Job:
    """A job and its moving parts; only the queue touches them, under its lock."""

    def __init__(self, view: JobView, work: Work, present: Present) -> None:
        self.view, self.work, self.present = view, work, present
        self.alone_since: float | None = None
        self.cancelled, self.ended = threading.Event(), threading.Event()
        self.started = 0.0


class JobQueue:
    """Runs jobs, at most ``workers`` at a time; the next one is of the owner who has waited longest."""

    def __init__(
        self, *, workers: int = 1, waiting_limit: int = 24, owner_limit: int = 4, kept: int = 48, patience: float = 120
    ) -> None:
        """``patience`` is how many seconds a job goes on without its owner; Streamlit keeps a session as long."""
        self._workers, self._kept = workers, kept
        self._waiting_limit, self._owner_limit = waiting_limit, owner_limit
        self._patience = patience
        self._jobs: dict[int, _Job] = {}
        self._served: dict[str, int] = {}
        self._numbers, self._lock = count(1), threading.Lock()

    def submit(self, owner: str, key: Hashable, work: Work, present: Present = lambda: True) -> int:
        """Queue a job and return its number; ``present`` says from any thread whether its owner is still there.

        Raises QueueFullError where too many jobs wait, of this owner or of all.
        """
        with self._lock:
            self._look_round()
            waiting = self._in("waiting")
            mine = [job for job in self._in("waiting", "running") if job.view.owner == owner]
            if len(mine) >= self._owner_limit:
                raise QueueFullError(OWN_LIMIT, len(mine), self._owner_limit)
            if len(waiting) >= self._waiting_limit:
                raise QueueFullError(ALL_LIMIT, len(waiting), self._waiting_limit)
            number = next(self._numbers)
            self._jobs[number] = _Job(JobView(number, owner, key), work, present)
            self._start_next()
        return number

    def adopt(self, owner: str, key: Hashable, present: Present = lambda: True) -> int | None:
        """Take over a job of a key that waits or runs and whose owner has gone; return its number, None without one."""
        with self._lock:
            for job in self._in("waiting", "running"):
                if job.view.key == key and not job.cancelled.is_set() and not job.present():
                    job.view, job.present = replace(job.view, owner=owner), present
                    job.alone_since = None
                    return job.view.number
        return None

    def view(self, number: int) -> JobView | None:
        """Return how a job stands, or None for one that is not kept any more."""
        with self._lock:
            job = self._jobs.get(number)
            return None if job is None else _timed(job)

    def finished(self, key: Hashable) -> JobView | None:
        """Return the newest finished job of a key, whoever asked for it."""
        with self._lock:
            found = [job.view for job in self._in("done") if job.view.key == key]
        return found[-1] if found else None

    def ahead(self, number: int) -> int:
        """Return how many jobs run or would be started before this one at the latest."""
        with self._lock:
            job = self._jobs.get(number)
            if job is None or job.view.state != "waiting":
                return 0
            return sum(other.view.number < number for other in self._in("waiting", "running"))

    def stop(self, number: int) -> None:
        """Ask a job to stop; what it has so far is kept. A job that has ended stays as it is."""
        with self._lock:
            job = self._jobs.get(number)
            if job is not None:
                self._cancel(job)

    def wait(self, number: int, seconds: float) -> JobView | None:
        """Wait until a job has ended, at most so long, and return how it stands."""
        with self._lock:
            job = self._jobs.get(number)
        if job is not None:
            job.ended.wait(seconds)
        return self.view(number)

    def _cancel(self, job: _Job) -> None:
        job.cancelled.set()
        if job.view.state == "waiting":
            self._end(job, "stopped")

    def _look_round(self) -> None:
        """Stop the jobs whose owners have been gone for longer than the patience."""
        now = time.monotonic()
        for job in self._in("waiting", "running"):
            if job.present():
                job.alone_since = None
            elif job.alone_since is None:
                job.alone_since = now
            if job.alone_since is not None and now - job.alone_since >= self._patience:
                self._cancel(job)

    def _in(self, *states: State) -> list[_Job]:
        return [job for job in self._jobs.values() if job.view.state in states]

    def _start_next(self) -> None:
        while len(self._in("running")) < self._workers and (waiting := self._in("waiting")):
            running = [job.view.owner for job in self._in("running")]
            chosen = min(
                waiting,
                key=lambda job: (running.count(job.view.owner), self._served.get(job.view.owner, 0), job.view.number),
            )
            self._served[chosen.view.owner] = max(self._served.values(), default=0) + 1
            chosen.started = time.monotonic()
            chosen.view = replace(chosen.view, state="running")
            threading.Thread(target=self._run, args=(chosen,), name=f"job {chosen.view.number}", daemon=True).start()

    def _run(self, job: _Job) -> None:
        _step_back()
        end: tuple[State, Any, str] = ("failed", None, UNEXPECTED)
        try:
            end = ("done", job.work(lambda *told: self._report(job, *told)), "")
        except StoppedError:
            end = ("stopped", None, "")
        except VitvizError as error:
            end = ("failed", None, str(error))
        finally:  # an error of ours must not leave the job running for ever
            with self._lock:
                self._end(job, *end)
                self._start_next()

    def _report(self, job: _Job, done: int, total: int, result: Any) -> bool:
        with self._lock:
            job.view = replace(job.view, done=done, total=total, result=result)
            self._look_round()
        return not job.cancelled.is_set()

    def _end(self, job: _Job, state: State, result: Any = None, error: str = "") -> None:
        """Note the end of a job and forget the oldest finished ones."""
        kept = job.view.result if result is None else result
        job.view = replace(_timed(job), state=state, result=kept, error=error)
        job.work = _over  # it may hold a model or a photo
        job.present = lambda: True
        job.ended.set()
        for old in self._in("done", "stopped", "failed")[: -self._kept]:
            del self._jobs[old.view.number]
        owners = {each.view.owner for each in self._jobs.values()}
        self._served = {owner: turn for owner, turn in self._served.items() if owner in owners}


def _over(report: Report) -> None:
    """Stand in for the work of a job that has ended."""


def _timed(job: _Job) -> JobView:
    if job.view.state != "running":
        return job.view
    return replace(job.view, seconds=time.monotonic() - job.started)


def _step_back() -> None:
    """Lower the priority of this thread alone, on systems whose priorities are the threads' own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
