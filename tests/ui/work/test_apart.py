"""Work in a process of its own: what it hands over, how it is stopped, and how it ends when it is killed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from streamlit import runtime

from tests.ui.work.works import SOON, add_up, deaf, falls, is_killed, polite, refuses, runs_out
from vitviz.errors import StoppedError, VitvizError
from vitviz.ui.kept.jobs import JobQueue
from vitviz.ui.work import spare
from vitviz.ui.work.apart import apart


def test_the_result_comes_from_another_process_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(runtime, "exists", lambda: True)
    spare.prepare("vitviz.labs.layer_norm.pair")
    ahead = spare._waiting[0][0].pid
    result = apart(add_up, numbers=(1, 2, 3))(lambda *step: told.append(step) is None)  # type: ignore[func-returns-value]
    assert result["total"] == 6
    assert result["threads"] == 1
    assert result["process"] == ahead != os.getpid()  # the one that was started before the work was there
    assert not spare._waiting
    assert torch.get_num_threads() == threads  # this process keeps its own
    assert (3, 3, 6) in told


def test_one_process_waits_at_most_and_an_old_or_dead_one_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*_modules: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr(spare, "_start", start)
    spare.prepare("torch")
    assert not started  # there is no server
    monkeypatch.setattr(runtime, "exists", lambda: True)
    spare.prepare("torch")
    spare.prepare("torch")
    assert len(started) == 1
    started[0].kill()
    started[0].wait()
    spare.prepare("torch")
    monkeypatch.setattr(spare, "IDLE_SECONDS", 0)
    fresh = spare.take()
    assert started == [started[0], started[1], fresh]
    assert started[1].poll() is not None  # it would have ended itself
    with fresh:
        fresh.kill()


def test_a_process_without_work_ends_when_nobody_needs_it() -> None:
    with spare._start() as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(SOON) == 0


@pytest.mark.parametrize(("work", "result"), [(deaf, "half"), (polite, None)])
def test_it_stops_within_a_second_and_what_it_had_is_kept(work: Callable[..., Any], result: str | None) -> None:
    queue = JobQueue()
    number = queue.submit("ann", "a", apart(work))
    until = time.monotonic() + SOON
    while queue.view(number).result is None and time.monotonic() < until:  # type: ignore[union-attr]
        time.sleep(0.02)
    start = time.monotonic()
    queue.stop(number, "ann")
    view = queue.wait(number, SOON)
    assert view is not None
    assert time.monotonic() - start < 5  # one second, and what a busy machine adds
    assert view.state in ("stopped", "done")
    assert view.result == result or (result is None and str(view.result).startswith("stopped at"))


@pytest.mark.parametrize(("work", "kind", "message"), [
    (refuses, VitvizError, "Seeds are 0; wanted 1 or more"),
    (falls, RuntimeError, "ZeroDivisionError: of ours"),
    (runs_out, MemoryError, "^$"),
    (is_killed, VitvizError, "was ended from outside; perhaps memory ran out"),
])  # fmt: skip
def test_what_went_wrong_there_is_told_here(work: Callable[..., Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        apart(work)(lambda *step: True)


def test_a_work_that_is_not_wanted_any_more_is_stopped_before_it_reports() -> None:
    with pytest.raises(StoppedError, match="Stopped, as asked"):
        apart(deaf)(lambda *step: False)
