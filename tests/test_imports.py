"""The direction of the code: what may import what. A file in a new place must be given one here."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Each may import its own layer and those above it in this list.
LAYERS = (
    {"clause"},
    {"errors", "argument", "argument_kinds"},
    {"assets", "files", "html_page", "notebook", "numbers", "progress", "record"},
    {"out_of_memory"},
    {"batches"},
    {"grid"},
    {"images", "examples", "text_file"},
    {"folder_walk"},
    {"capture"},
    {"models"},
    {"trace"},
    {"attention", "analysis"},
    {"attribution"},
    {"labs"},
    {"export"},
    {"atlas"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ON_TOP = {"__init__", "__main__", "library", "cli"}  # may import all of the core
LIBRARY = sorted((ROOT / "vitviz").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
SOURCES = [*LIBRARY, *PAGES, *ROOT.glob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    """Return "models" for vitviz/models/vit.py and "grid" for vitviz/grid.py."""
    return path.relative_to(ROOT / "vitviz").parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Return every imported name in full, wherever in the file: "torch", "vitviz.grid.PatchGrid"."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively; write the name in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def listed(wrong: dict[str, set[str]]) -> dict[str, list[str]]:
    """Return the files for which something is wrong, with what it is."""
    return {name: sorted(names) for name, names in wrong.items() if names}


def allowed_parts(part: str) -> set[str]:
    """Return the parts of vitviz that a part may import."""
    if part == "figures":
        return {"errors", "assets", "html_page", "numbers", "record", "grid", "figures"}
    if part == "pictures":  # above all that measures; its viewer is the dashboard's own component
        return {*LEVEL, "figures", "pictures", "ui"}
    if part in LEVEL:
        return {name for name, level in LEVEL.items() if level <= LEVEL[part]}
    assert part in ON_TOP, f"say in LAYERS where vitviz/{part} lies"
    return {*LEVEL, *ON_TOP, "figures"}  # the command line prints pictures


def banned_libraries(path: Path) -> set[str]:
    """Return the libraries that a file leaves to others."""
    if path in PAGES:
        return {"torch", "torchvision", "timm", "captum", "plotly"}
    if part_of(path) == "ui":
        return {"timm", "captum"}
    if part_of(path) == "figures":
        return {"torch", "torchvision", "timm", "captum", "streamlit"}
    if part_of(path) == "pictures":
        return {"timm", "captum", "streamlit"}
    return {"streamlit", "plotly"}


def test_a_part_imports_only_what_lies_below_it() -> None:
    wrong = {}
    for path in LIBRARY:
        if part_of(path) != "ui":
            own = [name.split(".") for name in imports(path) if name.split(".")[0] == "vitviz"]
            allowed = allowed_parts(part_of(path))
            wrong[name_of(path)] = {".".join(names) for names in own if len(names) < 2 or names[1] not in allowed}
    assert listed(wrong) == {}


def test_pictures_take_the_viewer_alone_from_the_dashboard() -> None:
    """In a function, so that no other picture brings it."""
    taken = {}
    for path in LIBRARY:
        if part_of(path) == "pictures":
            taken[path.name] = {name for name in imports(path) if name.startswith("vitviz.ui")}
    components = {"attention_view.AttentionView", "standalone.standalone_html"}
    assert listed(taken) == {"viewer.py": sorted(f"vitviz.ui.components.{name}" for name in components)}


def test_each_library_has_its_door() -> None:
    wrong = {}
    for path in (*LIBRARY, *PAGES):
        wrong[name_of(path)] = banned_libraries(path) & {name.split(".")[0] for name in imports(path)}
    assert listed(wrong) == {}


def test_a_file_is_short_enough_to_read() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name_of(path): count for path, count in lines.items() if count >= (90 if path in PAGES else 350)} == {}


def test_nine_functions_of_ten_have_at_most_25_lines() -> None:
    """Signature and docstring count too."""
    lengths = [
        node.end_lineno - node.lineno + 1
        for path in LIBRARY
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    ]
    short = sum(length <= 25 for length in lengths) / len(lengths)
    assert len(lengths) > 2000
    assert short >= 0.9, f"{short:.1%} of {len(lengths)} functions have at most 25 lines; wanted 90%. Split long ones."


def test_the_sources_are_found() -> None:
    """Else the tests above could not fail."""
    assert len(LIBRARY) > 200
    assert len(PAGES) >= 17
    assert any("benchmarks" in path.parts for path in SOURCES)
