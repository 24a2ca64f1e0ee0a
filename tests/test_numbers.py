"""Numbers as text: one rule for shares in Python, in Plotly's forms, in the browser's script and in every text."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from vitviz.figures.head_scatter import distance_scatter
from vitviz.numbers import Signed, amount, in_unit, number, percent
from vitviz.ui.furniture import tables

ROOT = Path(__file__).parents[1]
SOURCES = [*sorted((ROOT / "vitviz").rglob("*.py")), *sorted((ROOT / "pages").glob("*.py"))]
TEXTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "assets").rglob("*.md")),
    *sorted((ROOT / "vitviz/ui/components").glob("*.js")),
    *sorted((ROOT / "vitviz/ui/components").glob("*.html")),
    *sorted((ROOT / "vitviz/ui/locale").rglob("*.po")),
]
SPACED = re.compile(r"[0-9}] %(?![\w({])")
"""A space before the sign; what follows tells it from Python's remainder and from Plotly's "%{y}"."""
OTHER = re.compile(r"\.\d%\}|\{\d*:?,?\.\d%|:\.[1-9]%|%{\w+:\.\d%}|toFixed\(\d\)}? ?%")
"""A share with a fixed number of places."""
TABLE = "vitviz/models/evaluate.py"
"""Prints a table in the terminal whose columns want one width."""


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1, "100%"),
        (0.99961, "100%"),
        (0.9731, "97.3%"),
        (0.5, "50%"),
        (0.0332, "3.32%"),
        (1 / 257, "0.389%"),
        (0.0004, "0.04%"),
        (1e-7, "<0.001%"),
        (0, "0%"),
        (-0.25, "−25%"),
        (12.5, "1250%"),
    ],
)
def test_a_share_has_three_figures(share: float, text: str) -> None:
    assert percent(share) == text
    assert percent(share, signed=True) == (f"+{text}" if share > 0 and "<" not in text else text)


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.03123, "0.0312"), (5.5e-6, "5.5e−6"), (123456, "1.23e5")])
def test_a_number_has_three_figures(value: float, text: str) -> None:
    assert number(value) == text


def test_one_sign_stands_before_negative_numbers() -> None:
    """That of charts, in sentences, at colour bars and in cells of tables; a hyphen stays one."""
    assert (number(-0.898), amount(-3.6, "patches"), percent(-0.0229)) == ("−0.898", "−3.6 patches", "−2.29%")
    assert f"{Signed(-0.5):+.2f} {Signed(2):+.0f}" == "−0.50 +2"
    cells = [tables.cell(value) for value in (-1, -0.5, "-0.5 to -0.2", "(-1)", "± -3", "one-2", "2026-11-29", "a - b")]
    assert [re.sub(r"\\(.)", r"\1", cell) for cell in cells] == [
        "−1", "−0.5", "−0.5 to −0.2", "(−1)", "± −3", "one-2", "2026-11-29", "a - b",
    ]  # fmt: skip


def test_an_amount_of_shares_is_told_in_per_cent_and_drawn_so() -> None:
    assert amount(0.0332, "%") == "3.32%"
    assert (amount(3.6204, "patches"), amount(3.6204, "")) == ("3.62 patches", "3.62")
    assert in_unit([0.5, 0.031], "%").tolist() == [50, 3.1]
    assert in_unit(6.25, "nats") == 6.25
    dots = distance_scatter([[0.02, 0.5]], unit="%", y_title="On itself")
    assert (list(dots.data[0].y), dots.layout.yaxis.title.text) == ([2, 50], "On itself (%)")
    assert "%{y:.3~g}%" in dots.data[0].hovertemplate


@cache
def strings(path: Path) -> list[str]:
    """Return all texts of a file, those with values in them as they stand."""
    source = path.read_text(encoding="utf-8")
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]


def test_no_text_has_a_space_before_the_sign() -> None:
    wrong = {path.name: SPACED.findall(path.read_text(encoding="utf-8")) for path in TEXTS}
    wrong |= {path.name: [text for text in strings(path) if SPACED.search(text)] for path in SOURCES}
    assert not {name: texts for name, texts in wrong.items() if texts}, "write 95%, as vitviz.numbers.percent does"


def test_no_share_has_a_rule_of_its_own() -> None:
    paths = [path for path in SOURCES if path != ROOT / TABLE]
    wrong = {path.name: [text for text in strings(path) if OTHER.search(text)] for path in paths}
    wrong |= {path.name: OTHER.findall(path.read_text(encoding="utf-8")) for path in TEXTS if path.suffix != ".md"}
    assert not {name: texts for name, texts in wrong.items() if texts}, "use percent(share), in Plotly %{y:.3~p}"
