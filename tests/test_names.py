"""Names say what a value is: no variable, parameter, attribute, function or class is called by an empty word."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("vitviz", "pages", "benchmarks")
EMPTY = {"found", "each", "one", "what", "thing", "things", "stuff", "foo", "tmp"}
ANSWERS = {("vitviz/cli/doctor.py", "what")}
"""Words that are keys of what the command answers with --json, and stay for those who read it: (file, name)."""


def bound(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that is bound: assigned, taken as parameter, defined, imported or matched."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield line, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield line, name
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield line, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield line, name


def empty_words(source: str) -> list[tuple[int, str]]:
    """Return line and name of what is called by an empty word, whatever its case and underscores around it."""
    return [(line, name) for line, name in bound(ast.parse(source)) if name.strip("_").lower() in EMPTY]


def test_no_name_is_an_empty_word() -> None:
    files = [path for place in PLACES for path in sorted((ROOT / place).rglob("*.py"))]
    assert len(files) > 300
    wrong = [
        f"{file}:{line} {name}"
        for path in files
        for line, name in empty_words(path.read_text("utf-8"))
        if ((file := path.relative_to(ROOT).as_posix()), name) not in ANSWERS
    ]
    assert not wrong, (
        f"{', '.join(wrong)}: {', '.join(sorted(EMPTY))} fit every value, so a reader has to look up where each came "
        "from. Use the field's noun for it: traced, attribution, layer, patch, similarity, measurement …"
    )


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "found: int = 1",
        "a, *one = 1, 2",
        "[each for each in ()]",
        "[b for a in () if (found := a)]",
        "for _what in (): pass",
        "def read(what): pass",
        "def read(*, one=1): pass",
        "lambda *each: 0",
        "class Found: pass",
        "def thing(): pass",
        "import math as stuff",
        "with open('a') as found: pass",
        "try: pass\nexcept ValueError as what: pass",
        "self.found = 1",
        "match 1:\n    case found: pass",
        "match 1:\n    case [*each]: pass",
        "match 1:\n    case {**one}: pass",
    ],
)
def test_an_empty_word_is_seen(source: str) -> None:
    assert len(empty_words(source)) == 1


@pytest.mark.parametrize("source", ["matches = 1", "print(found)", "call(one=1)", "'each'", "foundation = 1"])
def test_a_noun_or_the_word_of_another_is_not_refused(source: str) -> None:
    assert not empty_words(source)
