"""The reference: every public name is in it once, and its page on trust has the numbers of our tables."""

from __future__ import annotations

import csv
import pkgutil
import re
from typing import Any

import pytest
import yaml

import vitviz
from tests.promises.texts import ROOT
from vitviz.attribution.attribute import METHODS

PAGES = ROOT / "docs" / "pages"
LISTED = re.findall(
    r"^::: (\S+)$", "\n".join(page.read_text(encoding="utf-8") for page in sorted(PAGES.rglob("*.md"))), re.MULTILINE
)


def test_every_public_name_is_listed_once_and_every_listed_name_is_there() -> None:
    own = [name.removeprefix("vitviz.") for name in LISTED if name.count(".") == 1]
    assert sorted(own) == sorted(vitviz.__all__)
    assert len(set(LISTED)) == len(LISTED)
    for name in LISTED:
        assert pkgutil.resolve_name(name) is not None


def test_every_page_is_in_the_navigation() -> None:
    def paths(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [path for part in (entry.values() if isinstance(entry, dict) else entry) for path in paths(part)]

    settings = yaml.safe_load((ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(paths(settings["nav"])) == sorted(str(page.relative_to(PAGES)) for page in PAGES.rglob("*.md"))


TRUST = (PAGES / "trust.md").read_text(encoding="utf-8")


with (ROOT / "benchmarks/results/faithfulness.csv").open(encoding="utf-8") as file:
    TABLE = {row["method"]: row for row in csv.DictReader(file)}
"""Every method's line of the table, the largest insertion minus deletion first."""
REPORT = (ROOT / "benchmarks/results/faithfulness.md").read_text(encoding="utf-8")


def methods_in(text: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", text)


def test_the_table_is_of_every_method() -> None:
    assert set(TABLE) == {method.name for method in METHODS} | {"random"}
    photos = {int(row["difference_photos"]) for row in TABLE.values()}
    assert photos == {100, 1000}
    for text in (REPORT, TRUST):
        assert "1,000" in text
        assert re.search(r"\b100\b", text)


def test_the_table_is_the_mean_of_the_photos_that_lie_beside_it() -> None:
    photos: dict[str, list[float]] = {}
    with (ROOT / "benchmarks/results/faithfulness_photos.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            photos.setdefault(row["method"], []).append(float(row["difference"]))
    whole = {method: values for method, values in photos.items() if len(values) == 1000}
    assert whole.keys() == {method for method, row in TABLE.items() if row["difference_photos"] == "1000"}
    for method, values in whole.items():
        assert sum(values) / len(values) == pytest.approx(float(TABLE[method]["difference"]), abs=1e-5)


def test_the_page_on_trust_has_the_numbers_of_the_tables() -> None:
    """Each number of a row is in that method's own line of the table, as a share or in per cent."""
    assert set(methods_in(TRUST)) & set(TABLE) >= {"gradient_rollout", "class_attention", "rollout"}
    known = {
        round(float(row[name]), 3)
        for method, row in TABLE.items()
        for name in ("difference", "insertion", "deletion", "pointing")
        if f"`{method}`" in TRUST or method == "random"
    }
    known |= {
        float(number) for number in re.findall(r"\d\.\d{3}", (ROOT / "benchmarks/results/none_of_them.md").read_text())
    }
    told = {float(number) for number in re.findall(r"\b0\.\d{3}\b", TRUST)}
    told |= {round(float(number) / 100, 3) for number in re.findall(r"(\d\d\.\d)%", TRUST)}
    assert len(told) > 10
    assert told - known == set()


def test_the_report_has_the_numbers_of_the_table() -> None:
    """The table keeps five figures, so a half may be rounded either way."""
    known = [float(value) for row in TABLE.values() for name, value in row.items() if value and name != "method"]
    told = {float(number) for number in re.findall(r"\b0\.\d{3}\b", REPORT)}
    assert len(told) > 60
    assert [number for number in told if min(abs(number - value) for value in known) > 6e-4] == []


def test_the_order_that_the_page_on_trust_gives_is_that_of_the_table() -> None:
    first = re.search(r"Which patches carry.*?\n", TRUST)
    assert first is not None
    best = sorted(TABLE, key=lambda method: -float(TABLE[method]["difference"]))
    assert methods_in(first[0]) == best[:3]
    second = re.search(r"Where is \*\*the object.*?\n", TRUST)
    assert second is not None
    assert methods_in(second[0]) == sorted(TABLE, key=lambda method: -float(TABLE[method]["pointing"]))[:3]
    third = re.search(r"At least 0\.05 more insertion.*?\n\n", TRUST, re.DOTALL)
    assert third is not None
    assert methods_in(third[0]) == [name for name in best if float(TABLE[name]["insertion_minus_random"]) >= 0.05]
