"""Every example in a docstring gives what it says, and every public function has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import vitviz
from tests.promises.texts import ROOT

NAMES = [
    name
    for name in vitviz.__all__
    if inspect.isroutine(getattr(vitviz, name)) or inspect.isclass(getattr(vitviz, name))
]
USED = set(vitviz.__all__) - set(NAMES)
"""Data and modules: they have no docstring of their own, so the example of another name uses them."""


def examples() -> Iterator[doctest.DocTest]:
    """Yield the examples of every docstring of the package."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for path in sorted((ROOT / "vitviz").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):  # so that no page is imported, which would draw it
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield from (shown for shown in finder.find(importlib.import_module(name), globs={}) if shown.examples)


EXAMPLES = list(examples())


def test_every_public_name_has_an_example() -> None:
    shown = {example.name.rpartition(".")[2] for example in EXAMPLES}
    assert [name for name in NAMES if name not in shown] == []
    lines = [line.source for example in EXAMPLES for line in example.examples]
    assert [name for name in USED if not any(f"vitviz.{name}" in line for line in lines)] == []


@pytest.fixture(scope="module")
def first_names() -> dict[str, object]:
    """The names that the first two lines of the package's docstring leave, filled by the first test."""
    return {}


@pytest.fixture
def shown(place: Path, load_once: Callable[..., vitviz.ViT], first_names: dict[str, object]) -> dict[str, object]:
    """The names after the first two lines of the package's docstring: run once, as nobody changes a trace."""
    if not first_names:
        names: dict[str, object] = {"vitviz": vitviz}
        exec("\n".join((vitviz.__doc__ or "").split("\n")[2:4]), names)
        assert names["vit"] is load_once("default")
        assert isinstance(names["trace"], vitviz.Trace)
        first_names.update(names)
    return first_names


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_gives_what_it_says(shown: dict[str, object], example: doctest.DocTest) -> None:
    example.globs = dict(shown)
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=told.append)
    assert result.failed == 0, "".join(told)
