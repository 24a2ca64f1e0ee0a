"""Work in a process of its own, with one thread of torch, so that it neither slows the pages nor is slowed by them.

Small networks are trained fastest with one thread: with two on two busy cores, the threads of one product wait for each
other (measured: 15 steps of 12 blocks took 14.7 to 29.8 s against 1.0 to 1.6 s). The number of threads belongs to
a process; set in the server it would hold for every page. And a process can be ended at any moment.
"""

from __future__ import annotations

import pickle
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from vitviz.errors import StoppedError, VitvizError
from vitviz.ui.kept.jobs import Report, Work
from vitviz.ui.text import N_
from vitviz.ui.work import spare

ENDED = N_("The process that computed it was ended from outside; perhaps memory ran out. Try again.")
PULSE_SECONDS = 0.05
"""How often it is asked whether the work is still wanted."""
GRACE_SECONDS = 0.15
"""How long a step may still take when it is not."""
Frame = tuple[Any, ...]
"""("report", done, total, result), ("done", result), ("stopped",) or ("failed", error)."""


def apart(function: Callable[..., Any], **settings: Any) -> Work:
    """Return work that calls ``function(**settings, progress=…)`` in a process of its own.

    Function, settings and result are pickled; a function whose module draws nothing starts soonest.
    """
    return partial(_done_apart, partial(function, **settings))


def _done_apart(call: Callable[..., Any], report: Report) -> Any:
    frames: queue.Queue[Frame | None] = queue.Queue()
    with spare.take() as child:
        reader = threading.Thread(target=_read, args=(child.stdout, frames), name="frames", daemon=True)
        reader.start()
        try:
            pickle.dump(call, child.stdin)  # type: ignore[arg-type] # it is a pipe
            child.stdin.flush()  # type: ignore[union-attr]
            return _follow(child, frames, report)
        except BrokenPipeError:
            raise VitvizError(ENDED) from None
        finally:
            child.kill()
            reader.join()  # the end of the process is the end of its output


def _follow(child: subprocess.Popen[bytes], frames: queue.Queue[Frame | None], report: Report) -> Any:
    """Hand on what the process reports until it ends, or until it is not wanted any more."""
    now: Frame = (0, 0, None)
    while True:
        frame = _next(frames, PULSE_SECONDS)
        if frame is not None and frame[0] != "report":
            return _end(frame)
        now = now if frame is None else frame[1:]
        if not report(*now):
            return _stop(child, frames, report)


def _stop(child: subprocess.Popen[bytes], frames: queue.Queue[Frame | None], report: Report) -> Any:
    """Let the process hand over what it has, for a moment."""
    child.stdin.close()  # type: ignore[union-attr] # it is a pipe, and its end is the word to stop
    until = time.monotonic() + GRACE_SECONDS
    while (left := until - time.monotonic()) > 0:
        frame = _next(frames, left)
        if frame is not None and frame[0] != "report":
            return _end(frame)
        if frame is not None:
            report(*frame[1:])
    raise StoppedError("Stopped, as asked. What was computed until then was handed on.")


def _next(frames: queue.Queue[Frame | None], seconds: float) -> Frame | None:
    """Return the next frame, or None where there is none for so long; raises VitvizError where there will be none."""
    try:
        frame = frames.get(timeout=seconds)
    except queue.Empty:
        return None
    if frame is None:
        raise VitvizError(ENDED)
    return frame


def _end(frame: Frame) -> Any:
    if frame[0] == "done":
        return frame[1]
    if frame[0] == "failed":
        raise frame[1]
    raise StoppedError("Stopped, as asked. What was computed until then was handed on.")


def _read(pipe: IO[bytes], frames: queue.Queue[Frame | None]) -> None:
    """Put what comes out of a pipe into a queue, and None at its end."""
    try:
        while True:
            frames.put(pickle.load(pipe))
    except (EOFError, OSError, pickle.UnpicklingError, ValueError):
        frames.put(None)
