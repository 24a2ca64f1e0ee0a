"""What `make faults` measures at length, in short: fuzzed links, odd files, and the reader without a browser."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from benchmarks.faults.harness import late, slope
from benchmarks.faults.links import fuzzed, parsed
from benchmarks.faults.odd_files import CHANGES, OddFile, odd_files, other_kinds, pictures, png_bomb
from vitviz.errors import ImageError
from vitviz.images import open_photo
from vitviz.ui.choices import CHOICES
from vitviz.ui.navigation import START, entries


def test_no_value_of_2000_fuzzed_links_breaks_the_reader_of_its_parameter() -> None:
    links = list(fuzzed(2000, random.Random(1)))
    outcomes = [outcome for _page, link in links for outcome in parsed(link)]
    wrong = [outcome for outcome in outcomes if outcome["what"] == "raw error"]
    assert not wrong, wrong[:5]
    count = Counter(outcome["what"] for outcome in outcomes)
    assert count["taken"] > 1000, "values that fit are among them"
    assert count["refused"] > 1000


def test_a_reader_that_raises_something_else_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = CHOICES["layer"].__class__("layer", -1, lambda text: {}[text])
    monkeypatch.setitem(CHOICES, "layer", broken)
    (outcome,) = parsed({"layer": "3"})
    assert outcome["what"] == "raw error"
    assert "KeyError" in outcome["says"]


def test_the_links_go_through_all_pages_and_parameters() -> None:
    links = list(fuzzed(len(entries()), random.Random(0)))
    assert {page or START for page, _link in links} == {entry.name for entry in entries()}
    assert set().union(*(link for _page, link in links)) == set(CHOICES)


def changed_files(count: int) -> list[OddFile]:
    """Return files that are whole pictures with one change, without the special ones, some of which are large."""
    whole = [*pictures(), *other_kinds()]
    draw = random.Random(0)
    found = []
    for number, (suffix, data) in enumerate(itertools.islice(itertools.cycle(whole), count)):
        kind, change = CHANGES[number % len(CHANGES)]
        found.append(OddFile(f"{number}.{suffix}", kind, change(data, draw)))
    return found


def test_odd_files_are_opened_or_refused_in_words() -> None:
    refused, opened = [], 0
    for odd in changed_files(300):
        try:
            open_photo(odd.data)
        except ImageError as error:
            refused.append(str(error))
        else:
            opened += 1
    assert [text for text in refused if "anted" not in text] == []
    assert len(refused) > 50
    assert opened > 50


@pytest.mark.parametrize(
    ("data", "says"),
    [(png_bomb(30_000, 30_000, rows=4), "900 million pixels"), (png_bomb(8_001, 8_000, rows=4), "8001 × 8000 pixels")],
)
def test_bombs_of_pixels_are_refused_by_what_they_claim(data: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        open_photo(data)


def test_files_depend_on_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.faults.odd_files._special_files", lambda: ())  # the same for each seed, and large
    first, again, other = (list(odd_files(29, seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_figures_of_the_tables() -> None:
    assert slope([1.0, 3.0, 5.0, 7.0]) == pytest.approx(2)
    assert late([1.0, 2.0, 3.0, 4.0, 100.0]) == pytest.approx((3, 80.8, 100))
