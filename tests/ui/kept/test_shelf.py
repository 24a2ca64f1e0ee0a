"""What is kept for all readers is bounded, by number or by size, and each result is made once for those who ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

import vitviz
from vitviz.capture.edit import NO_EDIT
from vitviz.errors import OptionError, StoppedError
from vitviz.images import Photo, photo_of
from vitviz.models.vit import ViT
from vitviz.ui.kept import cache, own_models
from vitviz.ui.kept.shelf import Shelf

SOON = 20


def test_of_threads_that_ask_at_once_one_makes_it():
    shelf, gate, made = Shelf(4), threading.Event(), []

    def make():
        made.append(threading.get_ident())
        assert gate.wait(SOON)
        return "map"

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(shelf.once, "a", make) for _ in range(3)]
        gate.set()
        assert [each.result(SOON) for each in asked] == ["map"] * 3
    assert len(made) == 1
    assert shelf.once("a", lambda: pytest.fail("it is there")) == "map"


def test_another_key_does_not_wait():
    shelf = Shelf(4)
    assert shelf.once("a", lambda: shelf.once("b", lambda: 2) + 1) == 3


def test_who_waits_makes_it_where_it_could_not_be_made():
    shelf, gate, begun = Shelf(4), threading.Event(), threading.Event()

    def refuse():
        begun.set()
        assert gate.wait(SOON)
        raise OptionError("not now")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shelf.once, "a", refuse)
        assert begun.wait(SOON)
        second = pool.submit(shelf.once, "a", lambda: "map", gate.set)
        assert second.result(SOON) == "map"
        with pytest.raises(OptionError, match="not now"):
            first.result(SOON)


def test_waiting_can_be_ended():
    shelf, gate, begun = Shelf(4), threading.Event(), threading.Event()

    def make():
        begun.set()
        return gate.wait(SOON)

    def stop():
        raise StoppedError("stopped")

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shelf.once, "a", make)
        assert begun.wait(SOON)
        with pytest.raises(StoppedError, match="stopped"):
            shelf.once("a", lambda: pytest.fail("another makes it"), stop)
        gate.set()
        assert first.result(SOON) is True


def test_what_was_not_asked_for_longest_goes_first() -> None:
    shelf = Shelf(2)
    for name in "ab":
        shelf.put(name, name)
    assert shelf.get("a") == "a"
    shelf.put("c", "c")
    assert [shelf.get(name) for name in "abc"] == ["a", None, "c"]


def test_large_results_take_more_of_the_limit_and_the_newest_stays() -> None:
    shelf = Shelf(10, size=len)
    shelf.put("a", "x" * 4)
    shelf.put("b", "x" * 6)
    assert shelf.get("a") is not None
    shelf.put("c", "x" * 1)
    assert [shelf.get(name) is not None for name in "abc"] == [True, False, True]
    shelf.put("huge", "x" * 99)
    assert [shelf.get(name) is not None for name in ("a", "c", "huge")] == [False, False, True]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    cache.traces.clear()
    yield
    cache.traces.clear()


def photo(shade: int) -> Photo:
    return photo_of(Image.new("RGB", (40, 40), (shade, 0, 0)))


def test_a_class_that_asks_for_one_photo_at_once_computes_it_once(
    tiny_vit: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    vit, made = ViT.from_module(tiny_vit), list[Any]()
    real = vitviz.trace

    def trace(*given: Any, **options: Any) -> Any:
        made.append(real(*given, **options))
        return made[-1]

    monkeypatch.setattr(vitviz, "trace", trace)
    shown, found = photo(200), list[Any]()
    readers = [
        threading.Thread(target=lambda: found.append(cache.traced("m", shown.digest, NO_EDIT, vit, shown)))
        for _ in range(5)
    ]
    with vit.lock:  # the first waits for its turn, the others for the first
        for reader in readers:
            reader.start()
        while vit.lock.waiting < 1:
            threading.Event().wait(0.002)
    for reader in readers:
        reader.join(60)
    assert len(made) == 1
    assert [each is made[0] for each in found] == [True] * 5


def test_traces_of_twenty_readers_stay_and_their_memory_is_bounded(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    first = cache.traced("m", photo(0).digest, NO_EDIT, vit, photo(0))
    for shade in range(1, 20):
        cache.traced("m", photo(shade).digest, NO_EDIT, vit, photo(shade))
    assert cache.traced("m", photo(0).digest, NO_EDIT, vit, photo(0)) is first
    assert cache.traces()._size(first) == first.nbytes
    assert cache.traces()._limit == cache.TRACE_BYTES
    assert torch.equal(first.pixels, vit.preprocess(photo(0).image))


def test_the_own_models_of_a_class_stay_and_their_memory_is_bounded(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    weights = 4 * sum(parameter.numel() for parameter in tiny_vit.parameters())
    assert own_models.nbytes(vit) == weights
    shelf = own_models.models()
    assert shelf._size(vit) == weights
    assert shelf._limit == own_models.MODEL_BYTES
