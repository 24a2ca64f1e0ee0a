"""The direction of the code: what may import what. A file in a new place must be given one here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = (  # each may import its own layer and those above it in this list
    {"errors", "assets", "files", "html_page", "progress", "record"},
    {"grid"},
    {"images", "examples", "text_file"},
    {"capture"},
    {"models"},
    {"trace"},
    {"attention", "analysis"},
    {"attribution"},
    {"labs"},
    {"export"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ON_TOP = {"__init__", "__main__", "cli"}  # may import all of the core
LIBRARY = sorted((ROOT / "vitviz").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
SOURCES = [*LIBRARY, *PAGES, *ROOT.glob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    """Return "models" for vitviz/models/vit.py and "grid" for vitviz/grid.py."""
    return path.relative_to(ROOT / "vitviz").parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield every imported name in full, wherever in the file: "torch", "vitviz.grid.PatchGrid"."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively; write the name in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def allowed_parts(part: str) -> set[str]:
    """Return the parts of vitviz that a part may import."""
    if part == "figures":
        return {"errors", "assets", "html_page", "record", "grid", "figures"}
    if part in LEVEL:
        return {name for name, level in LEVEL.items() if level <= LEVEL[part]}
    assert part in ON_TOP, f"say in LAYERS where vitviz/{part} lies"
    return {*LEVEL, *ON_TOP, "figures"}  # the command line prints pictures


@pytest.mark.parametrize("path", [path for path in LIBRARY if part_of(path) != "ui"], ids=name_of)
def test_a_part_imports_only_what_lies_below_it(path: Path) -> None:
    allowed = allowed_parts(part_of(path))
    own = [name.split(".") for name in imports(path) if name.split(".")[0] == "vitviz"]
    wrong = {".".join(names) for names in own if len(names) < 2 or names[1] not in allowed}
    assert not wrong, f"{name_of(path)} must not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("path", [*LIBRARY, *PAGES], ids=name_of)
def test_each_library_has_its_door(path: Path) -> None:
    if path in PAGES:
        banned = {"torch", "torchvision", "timm", "captum", "plotly"}
    elif part_of(path) == "ui":
        banned = {"timm", "captum"}
    elif part_of(path) == "figures":
        banned = {"torch", "torchvision", "timm", "captum", "streamlit"}
    else:
        banned = {"streamlit", "plotly"}
    found = banned & {name.split(".")[0] for name in imports(path)}
    assert not found, f"{name_of(path)} must not import {', '.join(sorted(found))}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_short_enough_to_read(path: Path) -> None:
    limit = 90 if path in PAGES else 350
    assert len(path.read_text(encoding="utf-8").splitlines()) < limit
