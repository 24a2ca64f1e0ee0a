"""The process of the next work, started before anybody asks for it: Python and torch take seconds to be imported."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

from streamlit import runtime

from vitviz.assets import PACKAGE
from vitviz.ui.work.child import IDLE_SECONDS

_NICE = 5  # what readers click comes first
_MARGIN_SECONDS = 20
"""A process that will end itself so soon is not taken any more."""
_lock = threading.Lock()
_waiting: list[tuple[subprocess.Popen[bytes], float]] = []
"""At most one process that waits for its work, and when it was started."""


def prepare(module: str) -> None:
    """Start a process that imports a module and waits for work; one waits for all readers of a server.

    It ends by itself when no work comes. Where there is no server nothing is started.
    """
    if not runtime.exists():
        return
    with _lock:
        if not _ready():
            _waiting[:] = [(_start(module), time.monotonic())]


def take() -> subprocess.Popen[bytes]:
    """Return a process that takes one work: the one that waits, or one that is started now."""
    with _lock:
        return _waiting.pop()[0] if _ready() else _start()


def _ready() -> bool:
    """Return whether the process that waits can still be taken; one that cannot is ended."""
    for child, start in list(_waiting):
        if child.poll() is None and time.monotonic() - start < IDLE_SECONDS - _MARGIN_SECONDS:
            return True
        with child:
            child.kill()
        _waiting.clear()
    return False


def _start(*modules: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    child = subprocess.Popen(
        [sys.executable, "-m", "vitviz.ui.work.child", *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    if sys.platform != "win32":
        os.setpriority(os.PRIO_PROCESS, child.pid, max(_NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    return child
