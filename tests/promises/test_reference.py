"""The reference: every public name is in it once, and its page on trust has the numbers of our tables."""

from __future__ import annotations

import csv
import pkgutil
import re
from statistics import fmean, stdev
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
    assert photos == {1000}
    for text in (REPORT, TRUST):
        assert "1,000" in text


with (ROOT / "benchmarks/results/faithfulness_photos.csv").open(encoding="utf-8") as lines:
    PHOTOS: dict[str, dict[str, dict[str, float]]] = {}
    for line in csv.DictReader(lines):
        numbers = {name: float(line[name]) for name in ("difference", "insertion")}
        PHOTOS.setdefault(line["method"], {})[line["photo"]] = numbers
"""What was measured by method, photo and number, in the order in which it was measured."""


def lead(first: str, second: str, number: str = "difference") -> tuple[float, float]:
    """Return by how much one method is above another, photo by photo, and half the 95% interval of that."""
    leads = [values[number] - PHOTOS[second][photo][number] for photo, values in PHOTOS[first].items()]
    return fmean(leads), 1.96 * stdev(leads) / len(leads) ** 0.5


def test_the_table_is_the_mean_of_the_photos_that_lie_beside_it() -> None:
    assert PHOTOS.keys() == TABLE.keys()
    for method, photos in PHOTOS.items():
        assert len(photos) == 1000
        for number in ("difference", "insertion"):
            mean = fmean(values[number] for values in photos.values())
            assert mean == pytest.approx(float(TABLE[method][number]), abs=1e-5)


def test_what_the_report_says_of_pairs_is_so() -> None:
    """Ahead: by more than the interval. Level: not."""
    for ahead, behind in (("gradient_rollout", "rise"), ("gradient_rollout", "occlusion")):
        by, interval = lead(ahead, behind)
        assert by > interval
    for one, other in (("rise", "occlusion"), ("occlusion", "kernel_shap")):
        by, interval = lead(one, other)
        assert abs(by) < interval
    for ahead in ("kernel_shap", "occlusion", "rise"):
        by, interval = lead(ahead, "gradient_rollout", "insertion")
        assert by > interval
    photos = list(PHOTOS["random"])
    best = []
    for chosen in (photos[:100], photos[::10], photos):
        means = {method: fmean(PHOTOS[method][photo]["difference"] for photo in chosen) for method in PHOTOS}
        best.append(max(means, key=means.__getitem__))
    assert best == ["occlusion", "rise", "gradient_rollout"]


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
