"""The process of ``apart``: takes one call from its input, reports on its output, and ends when its input does."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
import traceback
from importlib import import_module
from typing import IO, Any

from vitviz.errors import StoppedError, VitvizError
from vitviz.progress import is_out_of_memory

IDLE_SECONDS = 300
"""How long a process waits for its call: it holds memory."""
_EVERY_SECONDS = 0.1  # between two reports: more would only be carried, not seen


class Reporter:
    """Writes frames, and knows whether the work is still wanted."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe = pipe
        self.unwanted = threading.Event()
        self.last = 0.0

    def __call__(self, done: int, total: int, result: Any = None, /) -> bool:
        """Report a step and return whether to go on."""
        unwanted = self.unwanted.is_set()
        if unwanted or done >= total or time.monotonic() - self.last >= _EVERY_SECONDS:
            self.send("report", done, total, result)
            self.last = time.monotonic()
        return not unwanted

    def send(self, *frame: Any) -> None:
        """Write a frame."""
        self.pipe.write(pickle.dumps(frame))
        self.pipe.flush()


def main() -> None:
    """Import the modules that are named, and do the work that comes in, with one thread."""
    reporter = Reporter(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what a library prints must not come between the frames
    for module in sys.argv[1:]:
        import_module(module)
    idle = threading.Timer(IDLE_SECONDS, os._exit, (0,))
    idle.daemon = True
    idle.start()
    try:
        call = pickle.load(sys.stdin.buffer)
    except EOFError:
        return  # nobody needs it
    finally:
        idle.cancel()
    if torch := sys.modules.get("torch"):  # brought by the call; one that comes later reads OMP_NUM_THREADS
        torch.set_num_threads(1)
    threading.Thread(target=_watch, args=(reporter,), daemon=True).start()
    try:
        reporter.send("done", call(progress=reporter))
    except StoppedError:
        reporter.send("stopped")
    except Exception as error:
        reporter.send("failed", _told(error))


def _watch(reporter: Reporter) -> None:
    """Wait for the end of the input: the work is not wanted any more, or nobody is left to want it."""
    sys.stdin.buffer.read()
    reporter.unwanted.set()
    time.sleep(5)
    os._exit(1)


def _told(error: Exception) -> Exception:
    """Return the error as one that another process can read."""
    if isinstance(error, VitvizError):
        return error
    if is_out_of_memory(error):
        return MemoryError()
    traceback.print_exc()  # into the server's log
    return RuntimeError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
