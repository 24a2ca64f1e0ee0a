"""Jobs beside the dashboard: several at once, fair, stoppable, bounded, and nothing that they had is lost."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
import torch

from vitviz.errors import OptionError, StoppedError, TrainingError
from vitviz.ui.kept.jobs import OWN_LIMIT, JobQueue, QueueFullError

SOON = 20
"""Seconds after which a job of these tests must have ended."""


def stepping(gate: threading.Event, steps: int = 3):
    """Return work that reports each step, waits for the gate after the first, and stops when told to."""

    def work(report):
        for step in range(1, steps + 1):
            if report(step, steps, f"{step} of {steps}") is False:
                raise StoppedError("stopped")
            if step == 1:
                assert gate.wait(SOON)
        return "all"

    return work


def opened() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


def until_running(queue, number):
    for _ in range(2000):
        if queue.view(number).done:
            return
        threading.Event().wait(0.005)
    raise AssertionError(queue.view(number))


def test_a_job_reports_its_steps_and_ends_with_its_result():
    queue, gate = JobQueue(), threading.Event()
    number = queue.submit("ann", "a", stepping(gate))
    until_running(queue, number)
    seen = queue.view(number)
    assert (seen.state, seen.done, seen.total, seen.result) == ("running", 1, 3, "1 of 3")
    assert seen.active
    gate.set()
    ended = queue.wait(number, SOON)
    assert (ended.state, ended.done, ended.result, ended.error) == ("done", 3, "all", None)
    assert not ended.active
    assert ended.seconds > 0


def test_two_jobs_run_at_once_and_do_not_mix():
    queue, gates = JobQueue(workers=2), [threading.Event(), threading.Event()]
    numbers = [
        queue.submit(owner, owner, stepping(gate, steps))
        for owner, gate, steps in zip(("ann", "bob"), gates, (3, 5), strict=True)
    ]
    for number in numbers:
        until_running(queue, number)
    assert [queue.view(number).result for number in numbers] == ["1 of 3", "1 of 5"]
    queue.stop(numbers[0], "ann")
    gates[0].set()
    assert queue.wait(numbers[0], SOON).state == "stopped"
    assert queue.view(numbers[1]).state == "running"
    gates[1].set()
    assert queue.wait(numbers[1], SOON).result == "all"


def test_one_worker_takes_turns_between_owners():
    queue, gate, order = JobQueue(workers=1), threading.Event(), []

    def noting(name):
        def work(report):
            order.append(name)
            report(1, 1, None)
            assert gate.wait(SOON)

        return work

    names = ("ann 1", "ann 2", "ann 3", "bob 1", "bob 2")
    numbers = [queue.submit(name[:3], name, noting(name)) for name in names]
    until_running(queue, numbers[0])
    assert [queue.view(number).state for number in numbers[1:]] == ["waiting"] * 4
    assert queue.ahead(numbers[0]) == 0
    assert queue.ahead(numbers[3]) == 3
    gate.set()
    for number in numbers:
        assert queue.wait(number, SOON).state == "done"
    assert order == ["ann 1", "bob 1", "ann 2", "bob 2", "ann 3"]


def test_a_stopped_job_keeps_what_it_had():
    queue, gate = JobQueue(), threading.Event()
    number = queue.submit("ann", "a", stepping(gate))
    until_running(queue, number)
    queue.stop(number, "ann")
    gate.set()
    ended = queue.wait(number, SOON)
    assert (ended.state, ended.result, ended.done) == ("stopped", "2 of 3", 2)
    queue.stop(number, "ann")
    assert queue.view(number) == ended


def test_a_waiting_job_is_stopped_without_having_begun():
    queue, gate = JobQueue(workers=1), threading.Event()
    first = queue.submit("ann", "a", stepping(gate))
    second = queue.submit("bob", "b", lambda report: pytest.fail("it ran"))
    queue.stop(second, "bob")
    assert queue.wait(second, SOON).state == "stopped"
    gate.set()
    assert queue.wait(first, SOON).state == "done"


def test_a_failed_job_keeps_what_it_had_and_says_why():
    queue = JobQueue()

    def work(report):
        report(1, 2, "half")
        raise TrainingError("The loss became nan.")

    ended = queue.wait(queue.submit("ann", "a", work), SOON)
    assert (ended.state, ended.result, str(ended.error)) == ("failed", "half", "The loss became nan.")


def test_an_error_of_ours_ends_the_job_and_not_the_queue(monkeypatch):
    queue, logged = JobQueue(workers=1), []
    monkeypatch.setattr(threading, "excepthook", lambda told: logged.append(told.exc_type))

    def work(report):
        raise ZeroDivisionError("ours")

    broken = queue.submit("ann", "a", work)
    after = queue.submit("ann", "b", stepping(opened()))
    assert "unexpectedly" in str(queue.wait(broken, SOON).error)
    assert queue.wait(after, SOON).state == "done"
    assert logged == [ZeroDivisionError]


def test_the_limits_say_what_to_do():
    queue, gate = JobQueue(waiting_limit=2, owner_limit=2), threading.Event()
    for name in ("a", "b"):
        queue.submit("ann", name, stepping(gate))
    with pytest.raises(QueueFullError, match="2 of your runs wait or run; wanted at most 2") as refused:
        queue.submit("ann", "c", stepping(gate))
    assert isinstance(refused.value, OptionError)
    assert (refused.value.text, refused.value.count, refused.value.limit) == (OWN_LIMIT, 2, 2)
    last = queue.submit("bob", "d", stepping(gate))
    with pytest.raises(OptionError, match="2 runs of all readers wait; wanted at most 2"):
        queue.submit("eve", "e", stepping(gate))
    gate.set()
    assert queue.wait(last, SOON).state == "done"


def test_a_job_whose_owner_has_gone_stops_after_a_while_and_lets_the_next_one_begin():
    queue, here, gate = JobQueue(workers=1, patience=0), threading.Event(), threading.Event()
    here.set()
    ann = queue.submit("ann", "a", stepping(gate, steps=9), here.is_set)
    until_running(queue, ann)
    waiting = queue.submit("ann", "b", lambda report: pytest.fail("it ran"), here.is_set)
    bob = queue.submit("bob", "c", stepping(opened()))
    here.clear()
    gate.set()
    ended = queue.wait(ann, SOON)
    assert (ended.state, ended.result) == ("stopped", "2 of 9")
    assert queue.wait(waiting, SOON).state == "stopped"
    assert queue.wait(bob, SOON).state == "done"


def test_a_job_goes_on_while_its_owner_is_away_for_less_than_the_patience():
    queue, gate = JobQueue(patience=SOON), opened()
    number = queue.submit("ann", "a", stepping(gate), lambda: False)
    assert queue.wait(number, SOON).state == "done"


def test_only_a_job_whose_owner_has_gone_is_taken_over_and_it_goes_on():
    queue, here, gate = JobQueue(patience=0), threading.Event(), threading.Event()
    here.set()
    number = queue.submit("ann", "a", stepping(gate), here.is_set)
    until_running(queue, number)
    assert queue.adopt("bob", "a") is None
    here.clear()
    assert queue.adopt("bob", "b") is None
    assert queue.adopt("bob", "a") == number
    assert queue.view(number).readers == {"bob"}
    gate.set()
    assert queue.wait(number, SOON).state == "done"
    assert queue.adopt("eve", "a") is None


def test_the_last_reader_who_is_there_stops_a_job_whatever_windows_are_gone():
    queue, here, gate = JobQueue(), threading.Event(), threading.Event()
    here.set()
    number = queue.submit("ann", "a", stepping(gate), here.is_set)
    until_running(queue, number)
    queue.submit("ann again", "a", stepping(gate))
    queue.submit("bob", "a", stepping(gate))
    here.clear()
    queue.stop(number, "bob")
    assert queue.view(number).readers == {"ann", "ann again"}
    queue.stop(number, "ann again")
    assert not queue.view(number).readers
    gate.set()
    assert queue.wait(number, SOON).state == "stopped"


def test_finished_jobs_and_their_work_are_forgotten():
    queue = JobQueue(kept=2)

    class Heavy:
        pass

    heavy = Heavy()
    work = stepping(opened())
    work.holds = heavy
    kept = weakref.ref(heavy)
    numbers = [queue.submit("ann", "a", work)]
    queue.wait(numbers[0], SOON)
    del heavy, work
    gc.collect()
    assert kept() is None
    for key in "bcd":
        numbers.append(queue.submit("ann", key, stepping(opened())))
        queue.wait(numbers[-1], SOON)
    assert [queue.view(number) is None for number in numbers] == [True, True, False, False]
    assert queue.view(999) is None
    assert queue.wait(999, SOON) is None
    queue.stop(999, "ann")
    assert queue.ahead(999) == 0


def test_who_asks_for_what_is_computed_already_joins_and_the_last_one_to_go_stops_it():
    queue, gate = JobQueue(workers=2), threading.Event()
    number = queue.submit("ann", "a", stepping(gate, steps=9))
    until_running(queue, number)
    assert queue.submit("bob", "a", lambda report: pytest.fail("computed twice")) == number
    assert queue.view(number).readers == {"ann", "bob"}
    queue.stop(number, "ann")
    queue.stop(number, "ann")
    queue.stop(number, "eve")  # who never asked
    assert queue.view(number).state == "running"
    assert queue.view(number).readers == {"bob"}
    queue.stop(number, "bob")
    again = queue.submit("bob", "a", stepping(opened()))  # not what is being stopped
    assert again != number
    gate.set()
    assert queue.wait(number, SOON).state == "stopped"
    assert queue.wait(again, SOON).state == "done"


def test_a_job_goes_on_while_one_of_its_readers_is_there():
    queue, here, gate = JobQueue(patience=0), threading.Event(), threading.Event()
    here.set()
    number = queue.submit("ann", "a", stepping(gate), here.is_set)
    assert queue.submit("bob", "a", stepping(gate)) == number
    here.clear()
    gate.set()
    assert queue.wait(number, SOON).state == "done"


def test_one_reader_leaves_a_worker_free_for_others():
    queue, gate = JobQueue(workers=2), threading.Event()
    first, second = (queue.submit("ann", name, stepping(gate)) for name in "ab")
    until_running(queue, first)
    assert queue.view(second).state == "waiting"
    other = queue.submit("bob", "c", stepping(opened()))
    assert queue.wait(other, SOON).state == "done"
    shared = queue.submit("bob", "b", stepping(gate))  # what ann waits for, bob's worker may do
    assert shared == second
    until_running(queue, second)
    gate.set()
    assert {queue.wait(number, SOON).state for number in (first, second)} == {"done"}


@pytest.mark.parametrize("error", [
    MemoryError("Unable to allocate 9 TiB"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"),
    torch.OutOfMemoryError("CUDA out of memory"),
])  # fmt: skip
def test_a_lack_of_memory_is_a_refusal(error):
    queue = JobQueue()

    def work(report):
        raise error

    ended = queue.wait(queue.submit("ann", "a", work), SOON)
    assert ended.state == "failed"
    assert "too little memory" in str(ended.error)
