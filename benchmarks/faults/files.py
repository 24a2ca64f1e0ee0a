"""1,000 broken and odd files through the three doors: library, terminal, upload. Nothing may crash or show its code.

    python benchmarks/faults/files.py [--quick] [--files 1000] [--seed 0]

Library and terminal run in a process of their own, so that a crash is counted and memory is measured. The upload is
the real one: a running dashboard, its upload address, its page. A sample goes through Chromium's upload box too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.faults import chromium
from benchmarks.faults.harness import ROOT, arguments, memory_of, serving, tell
from benchmarks.faults.odd_files import odd_files
from benchmarks.faults.reader import Reader

DOORS = ("library", "terminal")
MODEL = ("--model", "timm:test_vit", "--weights", "random")
PAGE = {"model": "timm:test_vit", "weights": "random"}
LIST = "files.json"
SECONDS_A_FILE = 60
TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
Outcome = dict[str, Any]


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "--door":
        work(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
        return
    options = arguments(__doc__, files=(1000, "files a door"), browser=(20, "files through Chromium's upload box"))
    count = 60 if options.quick else options.files
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = written(folder, count, options.seed)
        by_door = {door: through(door, folder, count) for door in DOORS}
        by_door["terminal, a process a file"] = processes(folder, listed[:: max(1, count // 20)])
        by_door["upload"] = uploads(folder, listed)
        sample = listed[:: max(1, count // options.browser)][: options.browser]
        by_door["upload box of Chromium"] = chromium.uploads(folder, sample, PAGE)
    rows = [("door", "files", "opened", "refused in words", "raw errors", "crashes", "tracebacks shown", "peak memory")]
    rows += [summary(door, outcomes) for door, outcomes in by_door.items() if outcomes]
    data = {door: [outcome for outcome in outcomes if outcome["what"] in BAD] for door, outcomes in by_door.items()}
    counts = {
        door: Counter(f"{outcome['kind']}: {outcome['what']}" for outcome in outcomes)
        for door, outcomes in by_door.items()
    }
    text = (
        "Every file is made by seed: whole pictures of ten kinds of file and eight modes, each with one change (cut "
        "off, bits flipped, parts swapped, huge claims …), and special ones such as bombs of pixels and text. Refused "
        "in words: an `ImageError`, exit code 2 or a notice on the page. The upload refuses files above 20 MB and of "
        "other suffixes before the page sees them; that counts as refused in words."
    )
    tell(options, "files", "Broken and odd files", text, rows, {"not as they should be": data, "counts": counts})


BAD = ("raw error", "crash", "traceback", "slow")


def summary(door: str, outcomes: list[Outcome]) -> tuple[str, ...]:
    """Return the row of a door."""
    count = Counter(outcome["what"] for outcome in outcomes)
    peak = max(outcome.get("peak", 0.0) for outcome in outcomes)
    return (
        door,
        f"{len(outcomes):,}",
        str(count["opened"]),
        str(count["refused"]),
        str(count["raw error"]),
        str(count["crash"] + count["slow"]),
        str(count["traceback"]),
        f"{peak:.0f} MB",
    )


def written(folder: Path, count: int, seed: int) -> list[tuple[str, str]]:
    """Write the files into a folder and return (name, kind) of each."""
    listed: list[tuple[str, str]] = []
    for odd in odd_files(count, seed):
        (folder / odd.name).write_bytes(odd.data)
        listed.append((odd.name, odd.kind))
    (folder / LIST).write_text(json.dumps(listed), encoding="utf-8")
    return listed


def through(door: str, folder: Path, count: int) -> list[Outcome]:
    """Return what became of every file at a door; a process that dies is a crash, and the next file goes on."""
    outcomes: list[Outcome] = []
    while len(outcomes) < count:
        command = [sys.executable, __file__, "--door", door, str(folder), str(len(outcomes))]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if line.startswith(b"{"):
                    outcomes.append(json.loads(line))
        if child.returncode != 0 and len(outcomes) < count:
            outcomes.append({"file": len(outcomes), "kind": "?", "what": "crash", "says": f"exit {child.returncode}"})
    return outcomes


def work(door: str, folder: Path, first: int) -> None:
    """Put the files from ``first`` on through a door and print what became of each; runs in a child."""
    warnings.simplefilter("ignore")
    enter: Callable[[Path], tuple[str, str]] = {"library": library, "terminal": terminal}[door]
    listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
    for number, (name, kind) in enumerate(listed[first:], start=first):
        start = time.monotonic()
        outcome, says = enter(folder / name)
        if time.monotonic() - start > SECONDS_A_FILE:
            outcome = "slow"
        peak = memory_of(os.getpid(), "VmHWM")
        print(json.dumps({"file": number, "kind": kind, "what": outcome, "says": says[:300], "peak": peak}), flush=True)


def library(path: Path) -> tuple[str, str]:
    """Return what ``open_photo`` does with a file."""
    from vitviz.errors import ImageError
    from vitviz.images import open_photo

    try:
        open_photo(path)
    except ImageError as error:
        return "refused", str(error)
    except Exception as error:
        return "raw error", f"{type(error).__name__}: {error}"
    return "opened", ""


def terminal(path: Path) -> tuple[str, str]:
    """Return what ``vitviz explain`` does with a file, in this process."""
    from vitviz.cli import main as command

    out = path.with_name(f"out of {path.name}.npz")
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = command(["explain", str(path), "--out", str(out), *MODEL])
    except Exception as error:
        return "raw error", f"{type(error).__name__}: {error}"
    finally:
        out.unlink(missing_ok=True)
    return _judged(code, printed.getvalue())


def _judged(code: int, said: str) -> tuple[str, str]:
    if TRACEBACK.search(said):
        return "traceback", said[-300:]
    if code not in (0, 2):
        return "crash", f"exit {code}: {said[-300:]}"
    return ("opened" if code == 0 else "refused"), said[-300:]


def processes(folder: Path, listed: list[tuple[str, str]]) -> list[Outcome]:
    """Return what the command does with some files, a process each."""
    outcomes: list[Outcome] = []
    for name, kind in listed:
        out = folder / f"alone {name}.npz"
        command = [sys.executable, "-m", "vitviz", "explain", str(folder / name), "--out", str(out), *MODEL]
        peak = 0.0
        with tempfile.TemporaryFile() as said, subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said) as child:
            while child.poll() is None:
                peak = max(peak, memory_of(child.pid, "VmHWM"))  # the system's own count begins with the parent's
                time.sleep(0.02)
            said.seek(0)
            outcome, says = _judged(child.returncode, said.read().decode(errors="replace"))
        outcomes.append({"kind": kind, "what": outcome, "says": says, "peak": peak})
    return outcomes


def uploads(folder: Path, listed: list[tuple[str, str]]) -> list[Outcome]:
    """Return what a running dashboard does with every file, sent to its upload address as the upload box does."""
    outcomes: list[Outcome] = []
    with serving() as server, Reader(server.url) as reader:
        reader.open("", **PAGE)
        before = server.peak
        print(f"the server takes {before:.0f} MB before the first file", flush=True)
        for number, (name, kind) in enumerate(listed):
            status, drawn = reader.upload(name, (folder / name).read_bytes())
            outcome, says = "opened", ""
            if not server.alive:
                outcome, says = "crash", f"exit {server.process.returncode}"
            elif status >= 400:
                outcome, says = ("refused" if status in (400, 413, 415) else "crash"), f"status {status}"
            elif drawn.exceptions or TRACEBACK.search(drawn.texts):
                outcome, says = "traceback", "; ".join(drawn.exceptions)
            elif not drawn.finished or not drawn.headings:
                outcome, says = "crash", "the page stopped"
            elif any("icture" in alert and "Your photo" not in alert for alert in drawn.alerts):
                outcome, says = "refused", drawn.alerts[0]
            outcomes.append({"file": number, "kind": kind, "what": outcome, "says": says, "peak": server.peak})
            if not server.alive:
                break
        if server.tracebacks:
            print(f"the server wrote {server.tracebacks} tracebacks to its terminal", flush=True)
    return outcomes


if __name__ == "__main__":
    main()
