"""The command doctor: what is here, and what would not work, with the reason and the remedy.

It works where torch or timm is missing or broken too: what needs them is imported where it is used, and then not asked.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from vitviz.assets import HOME, LABS, WEIGHTS
from vitviz.cli.answer import Answer, add_json
from vitviz.cli.exit_codes import DONE, REFUSED
from vitviz.errors import VitvizError

OLDEST_PYTHON = (3, 11)
PACKAGES = ("torch", "torchvision", "timm", "streamlit", "plotly", "captum", "pillow", "numpy", "safetensors")
OTHERS = ("transformers", "playwright")
"""Told where they are there; nothing but a test needs them."""
DOORS = {"torch": "torch", "timm": "vitviz.models.timm_door"}
"""What everything is computed with, and the module that imports it: timm brings torchvision, mended."""
AGAIN = "Install it again: pip install --force-reinstall -r requirements.txt"
_WORDS = {True: "fine", False: "cannot be written to"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LITTLE = 1024**3
"""Bytes of memory or disk below which the usual work may fail."""


@dataclass(frozen=True)
class Problem:
    """Something that would not work."""

    what: str
    why: str
    remedy: str
    needed: bool
    """Whether the shipped model, the dashboard or the terminal need it: then the exit code is 2."""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="say what works here, and what does not",
        description="Look at packages, devices, weights, caches, memory and disk, and say what would not work and why. "
        "Exit code 0 if all that the shipped model, the terminal and the dashboard need works, else 2.",
        allow_abbrev=False,
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Return what is here and what would not work; the exit code says whether that is enough."""
    told = facts()
    problems = list(look_for_problems(told))
    ill = any(problem.needed for problem in problems)
    values = {"works": not ill, **told, "problems": [asdict(problem) for problem in problems]}
    return Answer(_as_text(told, problems), values, REFUSED if ill else DONE)


def facts() -> dict[str, Any]:
    """Return what is here, as plain values; None for what is not."""
    computes = not unusable()
    return {
        "versions": {"python": platform.python_version(), "vitviz": sys.modules["vitviz"].__version__}
        | {name: version_of(name) for name in (*PACKAGES, *OTHERS)},
        "devices": _devices() if computes else None,
        "weights": _weights() if computes else None,
        "cached_models": _cached_models() if computes else None,
        "browser": next(filter(None, map(shutil.which, filter(None, (os.environ.get("CHROMIUM"), *BROWSERS)))), None),
        "memory_free": free_memory(),
        "disk_free": shutil.disk_usage(tempfile.gettempdir()).free,
        "caches": {str(folder): can_write(folder) for folder in _caches(computes)},
        "port": _port(),
    }


def unusable() -> dict[str, str]:
    """Return the package that cannot be imported with the reason, or nothing; without torch there is no timm either."""
    for package, module in DOORS.items():
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever a broken package raises
            missing = error.name.partition(".")[0] if isinstance(error, ImportError) and error.name else package
            if missing == "vitviz":
                raise
            return {missing: " ".join(str(error).split()) or type(error).__name__}
    return {}


def version_of(package: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def free_memory() -> int | None:
    """Return the bytes of memory that programs can still get, a container's limit counted; None where unknown."""
    free = None
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
        limit, used = (Path(f"/sys/fs/cgroup/memory.{name}").read_text("ascii").strip() for name in ("max", "current"))
    except (OSError, ValueError, StopIteration):
        return free
    return free if limit == "max" else min(free, int(limit) - int(used))


def can_write(folder: Path) -> bool:
    """Return whether files can be made in a folder or, if it is not there yet, in the one that would hold it."""
    place = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def is_free(port: int) -> bool:
    """Return whether nothing listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def look_for_problems(told: dict[str, Any]) -> Iterator[Problem]:
    """Yield what would not work, given the facts."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield Problem(
            "vitviz", f"Python {told['versions']['python']} is too old", "Install Python 3.11 or newer.", True
        )
    for name in PACKAGES:
        if told["versions"][name] is None:
            remedy = "Run: pip install -r requirements.txt"
            yield Problem(_uses(name), f"the package {name} is not installed", remedy, True)
    for name, reason in unusable().items():
        if told["versions"].get(name, "") is not None:
            yield Problem(_uses(name), f"the package {name} cannot be imported: {reason}", AGAIN, True)
    if not (HOME / "app.py").is_file():
        yield Problem("the dashboard", "there is no app.py beside the package", "Clone vitviz again, whole.", True)
    for file, damage in (told["weights"] or {}).items():
        if damage is not None:
            yield Problem(f"what reads {file}", damage, "Clone or download vitviz again, large files included.", True)
    yield from _small_problems(told)


def _small_problems(told: dict[str, Any]) -> Iterator[Problem]:
    for subject, name in (("large models", "memory"), ("downloads and large files", "disk")):
        free = told[f"{name}_free"]
        if free is not None and free < LITTLE:
            yield Problem(subject, f"{_gigabytes(free)} of {name} are free", "Close programs or delete files.", False)
    for folder, writable in told["caches"].items():
        if not writable:
            remedy = "Change its permissions, or set HF_HOME or TORCH_HOME to a folder of yours."
            yield Problem("downloads of weights", f"{folder} cannot be written to", remedy, False)
    if not told["port"]["free"]:
        number = told["port"]["number"]
        remedy = "Open that one, stop it, or choose a port: python -m vitviz serve --port 8600"
        yield Problem(f"the dashboard on port {number}", "something listens there already", remedy, False)
    if told["browser"] is None:
        remedy = "apt install chromium, or set CHROMIUM to its path."
        yield Problem("browser tests", "there is no Chromium; nothing else needs it", remedy, False)


def _uses(package: str) -> str:
    return {"streamlit": "the dashboard", "plotly": "the dashboard", "captum": "explanations"}.get(package, "vitviz")


def _devices() -> dict[str, Any]:
    """Return the processors, and the name of each device that ``load_vit`` takes with what it is."""
    import torch

    from vitviz.models.devices import devices

    names = {name: torch.cuda.get_device_name(name) for name in devices() if name.startswith("cuda")}
    return {
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "names": {name: names.get(name, "Apple" if name == "mps" else "processor") for name in devices()},
    }


def _weights() -> dict[str, str | None]:
    """Return the shipped files with None, or with what is wrong with them."""
    from vitviz.labs.long_range import shipped as long_range
    from vitviz.models import shipped

    files = {WEIGHTS / model.file: model.sha256 for model in (shipped.MODELS | shipped.CONVNETS).values()}
    files |= {LABS / weights.file: weights.sha256 for weights in long_range.FILES.values()}
    return {path.name: _wrong(path, sha256) for path, sha256 in files.items()}


def _wrong(path: Path, sha256: str) -> str | None:
    from vitviz.models import shipped

    try:
        shipped.checked(path, sha256)
    except (VitvizError, OSError) as error:
        return str(error)
    return None


def _cached_models() -> list[str]:
    from vitviz.models import hub

    return [*hub.cached_models(), *hub.cached_hugging_face()]


def _caches(computes: bool) -> list[Path]:
    folders = [Path(constants.HF_HUB_CACHE), Path(tempfile.gettempdir())]
    if computes:
        import torch

        folders.insert(1, Path(torch.hub.get_dir()))
    return folders


def _port() -> dict[str, Any]:
    asked = os.environ.get("STREAMLIT_SERVER_PORT", "")
    number = int(asked) if asked.isdecimal() and 1 <= int(asked) <= 65535 else 8501
    return {"number": number, "free": is_free(number)}


def _gigabytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e9:.1f} GB"


def _as_text(told: dict[str, Any], problems: list[Problem]) -> str:
    lines = {
        "Versions": ", ".join(f"{name} {version}" for name, version in told["versions"].items() if version),
        **(_computing(told) if told["devices"] else {}),
        "Browser (for tests)": told["browser"] or "none",
        "Free": f"{_gigabytes(told['memory_free'])} of memory, {_gigabytes(told['disk_free'])} of disk",
        "Caches": ", ".join(f"{path} {_WORDS[fine]}" for path, fine in told["caches"].items()),
        "Port": f"{told['port']['number']} {'free' if told['port']['free'] else 'taken'}",
    }  # fmt: skip
    shown = [f"{name}: {text}" for name, text in lines.items()]
    return "\n".join([*shown, "", *_what_fails(problems)])


def _computing(told: dict[str, Any]) -> dict[str, str]:
    here = told["devices"]
    names = [name if name in ("cpu", "mps") else f"{name} ({card})" for name, card in here["names"].items()]
    return {
        "Devices": f"{here['processors']} processors, {here['threads']} threads; --device {', '.join(names)}",
        "Shipped weights": "; ".join(f"{name} {reason or 'fine'}" for name, reason in told["weights"].items()),
        "Cached models": ", ".join(told["cached_models"]) or "none",
    }


def _what_fails(problems: list[Problem]) -> list[str]:
    if not problems:
        return ["Everything works."]
    shown = ["What would not work:"]
    for problem in sorted(problems, key=lambda failure: not failure.needed):
        weight = "" if problem.needed else " (not needed)"
        shown.append(f"  {problem.what}{weight}: {problem.why.rstrip('.')}. {problem.remedy}")
    return shown
