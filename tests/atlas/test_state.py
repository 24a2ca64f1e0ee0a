"""Merging: what is kept of many photos does not depend on how they were cut up."""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from functools import reduce

import numpy as np
import pytest

from vitviz.atlas.layout import BINS, LINEAR, LOG, ROOT, Layout, Statistic
from vitviz.atlas.moments import Moments
from vitviz.atlas.state import BROKEN, EXTREMES, SAMPLE, Batch, Problem, State, state_of
from vitviz.atlas.state_file import read_state, state_bytes
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid

LAYOUT = Layout(PatchGrid(2, 3, (8, 8), ("class",)), (2, 3), has_classifier=True)
PHOTOS = 700


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Numbers of many photos, some missing, a few equal, some far from zero."""
    random = np.random.default_rng(0)
    values = random.normal(size=(PHOTOS, LAYOUT.width))
    values[:, 3] = 100 + random.normal(size=PHOTOS)
    values[random.random(values.shape) < 0.1] = np.nan
    values[::7, 5] = 2.5
    values[:, 6] = np.nan
    return values


def batch_state(values: np.ndarray, start: int, stop: int) -> State:
    """The state of some photos, every 50th broken."""
    lines = np.arange(start, stop)
    kept = lines[lines % 50 != 7]
    empty = Batch.empty(LAYOUT)
    answers = np.where(lines % 50 == 7, BROKEN, lines % 4).astype(np.int32)
    batch = Batch(
        lines=kept,
        names=[f"{line}.jpg" for line in kept],
        labels=["abc"[line % 3] if line % 5 else "" for line in kept],
        values=values[kept],
        maps=np.full(len(empty.maps), float(kept.sum())),
        answers=answers,
        digests=lines.astype(np.uint64),
        problems=tuple(Problem(int(line), f"{line}.jpg", "cut off") for line in lines if line % 50 == 7),
    )
    return state_of(LAYOUT, start, batch)


def merged(values: np.ndarray, parts: int) -> State:
    ends = [PHOTOS * part // parts for part in range(parts + 1)]
    return reduce(State.merge, (batch_state(values, a, b) for a, b in zip(ends, ends[1:], strict=False)))


def assert_same(one: State, other: State) -> None:
    """Everything is equal, but for the rounding of mean and squares."""
    for field in fields(State):
        mine, its = getattr(one, field.name), getattr(other, field.name)
        if field.name == "moments":
            assert_close(mine, its)
        elif field.name == "classes":
            assert sorted(mine) == sorted(its)
            for label in mine:
                assert_close(mine[label], its[label])
        elif field.name in ("least", "most", "sample"):
            for inner in fields(mine):
                np.testing.assert_array_equal(getattr(mine, inner.name), getattr(its, inner.name))
        else:
            np.testing.assert_array_equal(mine, its)


def assert_close(one: Moments, other: Moments) -> None:
    np.testing.assert_array_equal(one.count, other.count)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(one.squares, other.squares, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(one.half, other.half, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("parts", [4, 16, PHOTOS])
def test_any_number_of_parts_agrees(rows: np.ndarray, parts: int) -> None:
    assert_same(merged(rows, 1), merged(rows, parts))


def test_merging_is_associative(rows: np.ndarray) -> None:
    first, second, third = (batch_state(rows, *bounds) for bounds in ((0, 150), (150, 151), (151, PHOTOS)))
    assert_same(first.merge(second).merge(third), first.merge(second.merge(third)))


def test_the_order_is_kept(rows: np.ndarray) -> None:
    first, second = batch_state(rows, 0, 10), batch_state(rows, 10, 20)
    for wrong in (lambda: second.merge(first), lambda: first.merge(first)):
        with pytest.raises(OptionError, match="neighbours in order"):
            wrong()
    assert_same(State.empty(LAYOUT, 0).merge(first), first)
    assert_same(first.merge(State.empty(LAYOUT, 10)), first)


def test_the_moments_are_those_of_numpy(rows: np.ndarray) -> None:
    whole = merged(rows, 16)
    kept = rows[[line for line in range(PHOTOS) if line % 50 != 7]]
    there = ~np.isnan(kept).all(0)
    np.testing.assert_allclose(whole.moments.known[there], np.nanmean(kept[:, there], 0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        whole.moments.deviation[there], np.nanstd(kept[:, there], 0, ddof=1), rtol=1e-7, atol=1e-12
    )
    assert np.isnan(whole.moments.known[6])
    assert whole.photos == len(kept)
    assert whole.broken == PHOTOS - len(kept) == len(whole.problems)
    own = [line for line in range(PHOTOS) if line % 50 != 7 and line % 5 and line % 3 == 1]
    np.testing.assert_allclose(whole.classes["b"].mean[0], np.nanmean(rows[own, 0]), rtol=1e-12)


def test_the_extremes_are_those_of_sorting(rows: np.ndarray) -> None:
    whole = merged(rows, 16)
    kept = [line for line in range(PHOTOS) if line % 50 != 7]
    for number in (0, 3, 5):
        pairs = sorted((rows[line, number], line) for line in kept if not np.isnan(rows[line, number]))
        assert [tuple(pair) for pair in pairs[:EXTREMES]] == list(
            zip(whole.least.values[number], whole.least.photos[number], strict=True)
        )
        pairs = sorted((-rows[line, number], line) for line in kept if not np.isnan(rows[line, number]))
        assert [line for _, line in pairs[:EXTREMES]] == list(whole.most.photos[number])
    assert (whole.least.photos[6] == -1).all()


def test_the_sample_does_not_depend_on_other_photos(rows: np.ndarray) -> None:
    whole = merged(rows, 4).sample
    assert len(whole.photos) == SAMPLE
    assert (np.diff(whole.hashes.astype(float)) >= 0).all()
    np.testing.assert_array_equal(whole.values, rows[whole.photos].astype(np.float32))
    spread = np.histogram(whole.photos, 7, (0, PHOTOS))[0]
    assert spread.min() > SAMPLE / 7 / 2, "a fair draw comes from everywhere"


@pytest.mark.parametrize("scale", [LINEAR, ROOT, LOG])
def test_the_bins_are_between_the_edges(scale: str) -> None:
    statistic = Statistic("x", (), "", 1.0, 100.0, scale)
    edges = statistic.edges
    values = np.random.default_rng(0).uniform(1, 100, 1000)
    bins = statistic.bins(values)
    assert (edges[bins] <= values * (1 + 1e-12)).all()
    assert (values <= edges[bins + 1] * (1 + 1e-12)).all()
    assert list(statistic.bins(np.array([0.5, 1.0, 100.0, 1e9]))) == [0, 0, BINS - 1, BINS - 1]


def test_the_histogram_counts_every_number_once(rows: np.ndarray) -> None:
    whole = merged(rows, 4)
    np.testing.assert_array_equal(whole.histogram.sum(1), whole.moments.count)


def test_a_file_gives_the_state_back(rows: np.ndarray) -> None:
    state = merged(rows, 4)
    data = state_bytes(state)
    assert data == state_bytes(merged(rows, 4))
    again = read_state(data)
    assert_same(state, again)
    assert state_bytes(again) == data
    assert state_bytes(State.empty(LAYOUT, 3)) == state_bytes(read_state(state_bytes(State.empty(LAYOUT, 3))))


def test_a_damaged_file_and_another_format_are_told(rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    data = state_bytes(batch_state(rows, 0, 10))
    with pytest.raises(OptionError, match=r"The file of numbers is damaged .*wanted one that vitviz wrote"):
        read_state(data[: len(data) // 2])
    monkeypatch.setattr(sys.modules["vitviz.atlas.state_file"], "FORMAT", 2)
    with pytest.raises(OptionError, match=r"format 1; wanted 2"):
        read_state(data)


def test_a_name_that_is_no_text_can_be_kept(rows: np.ndarray) -> None:
    state = replace(batch_state(rows, 0, 10), problems=(Problem(1, "\udcff.jpg", "x"),))
    assert read_state(state_bytes(state)).problems[0].name == "\\udcff.jpg"
