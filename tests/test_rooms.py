"""The plan of vitviz/ui: a room for every file, floors that import downwards, and no page that leans on another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UI = ROOT / "vitviz/ui"
FLOORS = (  # each room may import rooms of lower floors alone: not its neighbours
    {"text"},
    {"choices", "words", "components", "kept", "navigation"},
    {"reader"},
    {"work", "furniture"},
    {"explore", "main"},
    {"learn"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
WINGS = ("explore", "learn")
"""Rooms of rooms: one folder a page."""
ARROWS = {
    ("explore.compare", "explore.evidence"),
    ("explore.patches", "explore.evidence"),
    ("learn.scratch", "explore.positions"),
}
"""What one page may take from another: (page, page)."""


def module_of(path: Path) -> str:
    names = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


FILES = {module_of(path): path for path in sorted((ROOT / "vitviz").rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """Yield every module of vitviz that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            yield from [known for known in (name, name.rpartition(".")[0]) if known in FILES][:1]


@cache
def imports() -> dict[str, set[str]]:
    return {module: {name for name in imported(path) if name != module} for module, path in FILES.items()}


def arrows_of_ui() -> list[tuple[str, str]]:
    arrows = [(module, name) for module, names in imports().items() for name in names]
    return [arrow for arrow in arrows if all(end.startswith("vitviz.ui.") for end in arrow)]


def room(module: str) -> str:
    """Return "reader" for vitviz.ui.reader.link."""
    return module.split(".")[2]


def page(module: str) -> str:
    """Return "learn.cost" for vitviz.ui.learn.cost.clock; nothing for what belongs to no page."""
    names = module.split(".")[2:]
    return ".".join(names[:2]) if names[0] in WINGS and len(names) > 1 else ""


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_file_has_a_room() -> None:
    homeless = [path.name for path in UI.glob("*.py") if path.stem not in {"__init__", *FLOOR}]
    homeless += [
        f"{wing}/{path.name}" for wing in WINGS for path in (UI / wing).glob("*.py") if path.stem != "__init__"
    ]
    assert not homeless, "a file of one page lies in that page's folder, another in the room of its kind"
    assert {room(module) for module in FILES if module.startswith("vitviz.ui.")} == set(FLOOR)


def test_rooms_import_downwards() -> None:
    wrong = [arrow for arrow in arrows_of_ui() if room(arrow[0]) != room(arrow[1])]
    wrong = [f"{here} imports {there}" for here, there in wrong if FLOOR[room(here)] <= FLOOR[room(there)]]
    assert not wrong, "see FLOORS"


def test_a_page_takes_nothing_from_another_page() -> None:
    """But for the arrows that are drawn, each of which is needed."""
    arrows = {(page(here), page(there)) for here, there in arrows_of_ui() if page(there)}
    assert {(here, there) for here, there in arrows if here != there} == ARROWS


def test_no_file_imports_itself_through_others() -> None:
    assert circle(imports()) == []


@pytest.mark.parametrize(
    ("graph", "length"), [({"a": {"b"}, "b": set()}, 0), ({"a": {"b"}, "b": {"a"}}, 3), ({"a": {"a"}}, 2)]
)
def test_a_circle_is_seen(graph: dict[str, set[str]], length: int) -> None:
    assert len(circle(graph)) == length
