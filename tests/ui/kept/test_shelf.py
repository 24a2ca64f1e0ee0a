"""The shelf of long work: bounded, and each result made once however many threads ask for it at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vitviz.errors import OptionError, StoppedError
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
