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

FUNCTIONS = [name for name in vitviz.__all__ if inspect.isfunction(getattr(vitviz, name))]


def examples() -> Iterator[doctest.DocTest]:
    """Yield the examples of every docstring of the package."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for path in sorted((ROOT / "vitviz").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):  # so that no page is imported, which would draw it
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield from (found for found in finder.find(importlib.import_module(name), globs={}) if found.examples)


EXAMPLES = list(examples())


def test_every_public_function_has_an_example() -> None:
    shown = {found.name.rpartition(".")[2] for found in EXAMPLES}
    assert [name for name in FUNCTIONS if name not in shown] == []


@pytest.fixture
def shown(place: Path, load_once: Callable[..., vitviz.ViT]) -> dict[str, object]:
    """The names after the first two lines of the package's docstring."""
    names: dict[str, object] = {"vitviz": vitviz}
    exec("\n".join((vitviz.__doc__ or "").split("\n")[2:4]), names)
    assert names["vit"] is load_once("default")
    assert isinstance(names["trace"], vitviz.Trace)
    return names


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_gives_what_it_says(shown: dict[str, object], example: doctest.DocTest) -> None:
    example.globs = dict(shown)
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=told.append)
    assert result.failed == 0, "".join(told)
