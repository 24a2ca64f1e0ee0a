"""TurnLock: one pass through a model at a time, in the order of asking, with long work after everything else.

A plain lock serves nobody in particular: a thread that lets go of it and takes it again in a loop keeps all others out
for as long as the loop lasts. Here letting go hands the lock to whoever is next.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from vitviz.out_of_memory import raise_if_short

Pulse = Callable[[], object]
"""Called now and then while long work waits for its turn; what it raises ends the waiting."""
PULSE_SECONDS = 0.25
AT_MOST_BEFORE = 8
"""So many turns may others take before long work that waits: it gives way, but never for good."""


class _Ticket:
    """A thread's place in the queue."""

    def __init__(self, thread: int) -> None:
        self.thread, self.called = thread, threading.Event()


class _LongWork:
    """What is known of the long work of a thread."""

    def __init__(self) -> None:
        self.turns = 0
        self.pulses: list[Pulse | None] = []


class TurnLock:
    """A reentrant lock that is handed over: first come, first served, and long work after everything else."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._owner: int | None = None
        self._depth = 0
        self._queue: deque[_Ticket] = deque()
        self._later: deque[_Ticket] = deque()
        self._before = 0  # turns taken while long work waited
        self._long: dict[int, _LongWork] = {}

    @property
    def waiting(self) -> int:
        """Number of threads that wait for their turn."""
        with self._mutex:
            return len(self._queue) + len(self._later)

    @contextmanager
    def long_work(self, pulse: Pulse | None = None) -> Iterator[None]:
        """Let others go first: inside, this thread's first turn comes in order, the later ones after all others'.

        Let go of the lock between the batches of the work, so that there is a turn to give. ``pulse`` is called about
        every quarter of a second while a later turn is waited for, and stops the work by raising an error.
        """
        me = threading.get_ident()
        work = self._long.setdefault(me, _LongWork())
        work.pulses.append(pulse)
        try:
            yield
        finally:
            work.pulses.pop()
            if not work.pulses:
                del self._long[me]

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock when it is this thread's turn; without ``blocking``, return False where it is another's."""
        me = threading.get_ident()
        work = self._long.get(me)
        with self._mutex:
            if self._owner in (None, me):
                self._take(me)
                return True
            if not blocking:
                return False
            ticket = _Ticket(me)
            (self._later if work is not None and work.turns else self._queue).append(ticket)
        try:
            self._wait(ticket, work)
        except BaseException:
            self._withdraw(ticket)
            raise
        return True

    def release(self) -> None:
        """Let go, and hand the lock to whoever is next; raises RuntimeError in a thread that does not hold it."""
        with self._mutex:
            if self._owner != threading.get_ident():
                raise RuntimeError("This thread lets go of a lock that it does not hold.")
            self._depth -= 1
            if not self._depth:
                self._hand_over()

    def __enter__(self) -> TurnLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go; a lack of memory inside is told as ShortMemoryError, wherever the pass was begun."""
        self.release()
        raise_if_short(error)

    def _take(self, thread: int) -> None:
        if self._owner is None and thread in self._long:
            self._long[thread].turns += 1
        self._owner = thread
        self._depth += 1

    def _wait(self, ticket: _Ticket, work: _LongWork | None) -> None:
        pulse = work.pulses[-1] if work is not None and work.turns else None
        while not ticket.called.wait(None if pulse is None else PULSE_SECONDS):
            if pulse is not None:
                pulse()

    def _withdraw(self, ticket: _Ticket) -> None:
        with self._mutex:
            if ticket.called.is_set():  # handed over while the error was under way
                self._depth -= 1
                self._hand_over()
            else:
                (self._queue if ticket in self._queue else self._later).remove(ticket)

    def _hand_over(self) -> None:
        self._owner = None
        ticket = self._next()
        if ticket is not None:
            self._take(ticket.thread)
            ticket.called.set()

    def _next(self) -> _Ticket | None:
        """Take the ticket whose turn it is out of its queue."""
        if self._queue and (not self._later or self._before < AT_MOST_BEFORE):
            self._before += bool(self._later)
            return self._queue.popleft()
        self._before = 0
        return self._later.popleft() if self._later else None
