"""The reference: every public name is in it once, and its page on trust has the numbers of our tables."""

from __future__ import annotations

import csv
import pkgutil
import re
from typing import Any

import yaml

import vitviz
from tests.promises.texts import ROOT

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


def test_the_page_on_trust_has_the_numbers_of_the_tables() -> None:
    """Each number of a row is in that method's own line of the table, as a share or in per cent."""
    with (ROOT / "benchmarks/results/faithfulness.csv").open(encoding="utf-8") as file:
        table = {row["method"]: row for row in csv.DictReader(file)}
    report = (ROOT / "benchmarks/results/faithfulness.md").read_text(encoding="utf-8")
    random = re.search(r"^\| Random maps \| (.*)$", report, re.MULTILINE)
    assert random is not None
    assert set(re.findall(r"`([a-z_]+)`", TRUST)) & set(table) >= {"gradient_rollout", "class_attention", "rollout"}
    known = {float(number) for number in re.findall(r"\d\.\d{3}", random[1])}
    for method, row in table.items():
        if f"`{method}`" in TRUST:
            known |= {round(float(row[name]), 3) for name in ("difference", "insertion", "deletion", "pointing")}
    known |= {
        float(number) for number in re.findall(r"\d\.\d{3}", (ROOT / "benchmarks/results/none_of_them.md").read_text())
    }
    told = {float(number) for number in re.findall(r"\b0\.\d{3}\b", TRUST)}
    told |= {round(float(number) / 100, 3) for number in re.findall(r"(\d\d\.\d)%", TRUST)}
    assert len(told) > 10
    assert told - known == set()


def test_the_order_that_the_page_on_trust_gives_is_that_of_the_table() -> None:
    with (ROOT / "benchmarks/results/faithfulness.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    best = sorted(rows, key=lambda row: -float(row["difference"]))[:3]
    first = re.search(r"Which patches carry.*?\n", TRUST)
    assert first is not None
    assert re.findall(r"`([a-z_]+)`", first[0]) == [row["method"] for row in best]
    beat = {
        row["method"]
        for row in rows
        if float(row["insertion_minus_random"]) > 2 * float(row["insertion_minus_random_interval"])
    }
    assert beat == {row["method"] for row in best}
    pointing = sorted(rows, key=lambda row: -float(row["pointing"]))[:3]
    second = re.search(r"Where is \*\*the object.*?\n", TRUST)
    assert second is not None
    assert re.findall(r"`([a-z_]+)`", second[0]) == [row["method"] for row in pointing]
