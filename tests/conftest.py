"""Tiny vision transformers that every test may read: random weights, built once, nothing downloaded.

All see 8-pixel patches, have 2 blocks of 2 heads and 32 channels, answer 10 classes and are in eval mode. Nobody
changes them. Their weights are drawn large enough for attention far from uniform: a test that mixes up heads, rows
or tokens must see the difference.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from torch import nn

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of the processes that tests start compiles vitviz anew
sys.dont_write_bytecode = False
BuildVit = Callable[..., nn.Module]
ROOT = Path(__file__).parents[1]
BUILT_FROM = (
    "vitviz",
    "pages",
    "assets",
    ".streamlit",
    "app.py",
    "pyproject.toml",
    "hatch_build.py",
    "README.md",
    "LICENSE",
)
LONGEST = ("browser", "pages", "promises")
"""Folders whose files take longest: spread over the workers, they come first, so that none is left for the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first where several workers share the tests; alone, the order stays."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    if hasattr(config, "workerinput"):  # a worker of pytest-xdist
        items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give one of two workers all files of the browser: each other would start a server and a Chromium of its own."""
    if config.getoption("dist") != "loadfile" or len(config.getoption("tx")) > 2:
        return None  # where there are more workers, the browser's would be the last to end
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/browser" if nodeid.startswith("tests/browser/") else str(super()._split_scope(nodeid))

    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    """Have garbage looked for less often: at every 700 new objects it takes a twentieth of all the tests' time."""
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="module", autouse=True)
def _packages_are_no_garbage() -> Iterator[None]:
    """Leave what was imported, and the tests themselves, out of the collections of garbage, as the dashboard does."""
    from vitviz.ui.kept.garbage import leave_out_packages

    leave_out_packages()
    yield
    leave_out_packages()


@pytest.fixture(autouse=True)
def _main_module_stays() -> Iterator[None]:
    """AppTest leaves its app as the main module: processes that a later test starts would each run the dashboard."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


def _draw_weights(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 25
            parameter.add_(torch.randn_like(parameter) * 1.5 / fan_in**0.5)


@pytest.fixture(scope="session")
def build_vit() -> BuildVit:
    """Return the function that builds a tiny timm VisionTransformer from a seed and timm's own arguments."""
    from vitviz.models.timm_door import VisionTransformer

    def build(seed: int = 0, **arguments: Any) -> nn.Module:
        settings = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 10}
        with torch.random.fork_rng(devices=[]):  # timm draws from the global generator; put it back afterwards
            torch.manual_seed(seed)
            module = VisionTransformer(**(settings | arguments))
            _draw_weights(module)
        return module.eval()

    return build


@pytest.fixture(scope="session")
def tiny_vit(build_vit: BuildVit) -> nn.Module:
    """32 × 32 pixels: a grid of 4 × 4 patches after the class token, 17 tokens."""
    return build_vit()


@pytest.fixture(scope="session")
def wide_vit(build_vit: BuildVit) -> nn.Module:
    """24 × 40 pixels, height first: a grid of 3 × 5 patches after the class token, 16 tokens."""
    return build_vit(img_size=(24, 40))


@pytest.fixture(scope="session")
def register_vit(build_vit: BuildVit) -> nn.Module:
    """32 × 32 pixels with a class token and 4 registers before the 4 × 4 patches, 21 tokens."""
    return build_vit(reg_tokens=4)


def once_a_run(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that the first worker to ask for it has filled, and that all workers of a run share."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, made = base / name, base / f"{name}.made"
    with FileLock(base / f"{name}.lock"):
        if not made.exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the clone stays as it is."""

    def build(folder: Path) -> None:
        source = tmp_path_factory.mktemp("source")
        ignore = shutil.ignore_patterns("__pycache__")
        for name in BUILT_FROM:
            path = ROOT / name
            shutil.copytree(path, source / name, ignore=ignore) if path.is_dir() else shutil.copy(path, source)
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
        subprocess.run(command, cwd=source, check=True, capture_output=True)

    (file,) = once_a_run(tmp_path_factory, "wheel", build).glob("*.whl")
    return file


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel in it, and its console script in bin; what it needs is this environment's."""

    def install(folder: Path) -> None:
        options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--target", str(folder)]
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *options, str(wheel)], check=True)

    return once_a_run(tmp_path_factory, "installed", install)
