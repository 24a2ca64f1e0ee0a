"""What the fault benchmarks share: a server of our own on this machine, its memory, and the tables of results.

Everything stays on 127.0.0.1. Every loop has a count or an end in time, and a server ends with the script.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
START_SECONDS = 120
SMALL = {"model": "timm:vit_tiny_patch16_224", "weights": "random"}
"""A model that needs no download."""


@dataclass(frozen=True)
class Server:
    """A running dashboard: its address, its process and what it wrote."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def memory(self) -> float:
        """Resident memory now, in MB."""
        return memory_of(self.process.pid)

    @property
    def peak(self) -> float:
        """Most resident memory so far, in MB."""
        return memory_of(self.process.pid, "VmHWM")

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    @property
    def tracebacks(self) -> int:
        """Number of tracebacks in what the server wrote to its terminal."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """Start the real app.py on a free port of 127.0.0.1 and end it with the block."""
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder) / "log.txt", **environment)
        try:
            yield server
        finally:
            stop(server)


def start(log: Path, **environment: str) -> Server:
    """Start the dashboard and return it once it answers; raises SystemExit with its last words if it does not."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("wb") as output:
        variables = {**os.environ, "HF_HUB_OFFLINE": "1", **environment}
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", port, process, log)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.alive:
        try:
            urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=1).close()
            return server
        except OSError:
            time.sleep(0.1)
    stop(server)
    raise SystemExit(f"The server did not answer; it said:\n{log.read_text(errors='replace')[-2000:]}")


def stop(server: Server) -> None:
    """End a server, by force if it does not end in 20 seconds."""
    if server.alive:
        server.process.terminate()
    try:
        server.process.wait(20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait(20)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as a power cut does: no handler, no clean-up."""
    process.send_signal(signal.SIGKILL)
    process.wait(20)


def memory_of(pid: int, field: str = "VmRSS") -> float:
    """Return a memory figure of a process in MB, as Linux tells it; NaN where it does not."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return float("nan")
    for line in status.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def slope(values: Sequence[float]) -> float:
    """Return the slope of a least-squares line through values taken at equal steps, per step."""
    return float(np.polyfit(np.arange(len(values)), values, 1)[0])


def late(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Return median, 95th percentile and largest of some times."""
    return float(np.median(seconds)), float(np.percentile(seconds, 95)), float(np.max(seconds))


_LOADS: list[int] = []
_LOAD_SECONDS = 2.0


def watch_load() -> None:
    """Begin to look every other second at how many threads of the machine run or could run."""
    place = Path("/proc/loadavg")

    def look() -> None:
        while True:
            running = place.read_text().split()[3].partition("/")[0]
            _LOADS.append(int(running) - 1)  # without the one that looks
            time.sleep(_LOAD_SECONDS)

    if place.is_file():
        threading.Thread(target=look, name="load", daemon=True).start()


def mean_load() -> float:
    """Return the mean load since ``watch_load``: the kernel's own averages tell of what ran before it too."""
    return float(np.mean(_LOADS)) if _LOADS else float("nan")


def arguments(text: str | None, **numbers: tuple[int, str]) -> argparse.Namespace:
    """Return the options of a script: ``--quick`` and ``--seed``, and a number for each name with its help."""
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a short run, which writes no results")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    for name, (default, help_) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help_} (default: {default})")
    watch_load()
    return parser.parse_args()


def tell(options: argparse.Namespace, name: str, title: str, text: str, rows: list[tuple[str, ...]], data: Any) -> None:
    """Print a table whose first row is its header and, for a whole run, write it and its data into the results."""
    printed = table(rows[0], rows[1:])
    print(f"\n{title}\n\n{printed}\n", flush=True)
    if options.quick:
        return
    command = f"python benchmarks/faults/{name}.py"
    busy = f", load {mean_load():.1f} while it ran (its own included)" if _LOADS else ""
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{busy}"
    head = f"# {title}\n\nOutput of `{command}` (`make faults` runs all of them) on a machine of {machine}.\n\n"
    (RESULTS / f"faults_{name}.md").write_text(f"{head}{text.strip()}\n\n{printed}\n", encoding="utf-8")
    content = json.dumps(data, indent=1, ensure_ascii=False, default=str)
    (RESULTS / f"faults_{name}.json").write_text(content + "\n", encoding="utf-8")
