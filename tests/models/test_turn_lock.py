"""The lock of a model: served in order, long work after everything else; no test looks at a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
from torch import nn

from vitviz.analysis.scoring import scores
from vitviz.attribution import METHODS, attribute
from vitviz.errors import StoppedError
from vitviz.models.turn_lock import AT_MOST_BEFORE, TurnLock
from vitviz.models.vit import ViT
from vitviz.trace import trace
from vitviz.trace.target import Target

PATIENCE = 60.0
LONG = ("occlusion", "rise", "kernel_shap", "smooth_grad", "integrated_gradients", "gradient_shap")


class Readers:
    """Threads that ask for the lock one after the other; ``served`` lists them as they get it.

    Each turn lasts until every other thread that wants one more stands in the queue, so that the order is certain.
    """

    def __init__(self, lock: TurnLock) -> None:
        self.lock, self.served = lock, list[str]()
        self.threads: list[threading.Thread] = []
        self.left: dict[str, int] = {}

    def ask(self, name: str, *, turns: int = 1, long: bool = False) -> None:
        """Start a thread and return when it stands in the queue."""
        ready = threading.Event()
        before = self.lock.waiting
        self.left[name] = turns

        def read() -> None:
            with self.lock.long_work() if long else nullcontext():
                for _ in range(turns):
                    ready.set()
                    with self.lock:
                        self._serve(name)

        self.threads.append(threading.Thread(target=read, daemon=True))
        self.threads[-1].start()
        assert ready.wait(PATIENCE)
        until(lambda: self.lock.waiting > before)

    def _serve(self, name: str) -> None:
        self.served.append(name)
        self.left[name] -= 1
        others = sum(left > 0 for other, left in self.left.items() if other != name)
        until(lambda: self.lock.waiting == others)

    def end(self) -> list[str]:
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.served


def until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.002)):
        if true():
            return
        pause.wait(0.002)
    raise AssertionError("it never came to be")


@contextmanager
def held(lock: TurnLock) -> Iterator[Readers]:
    """Hold the lock while readers come, and let go at the end."""
    with lock:
        readers = Readers(lock)
        yield readers
    readers.end()


def test_who_asks_first_is_served_first() -> None:
    with held(TurnLock()) as readers:
        for name in "abcdef":
            readers.ask(name)
    assert "".join(readers.served) == "abcdef"


def test_a_thread_that_takes_it_again_at_once_goes_to_the_end() -> None:
    with held(TurnLock()) as readers:
        readers.ask("a", turns=3)
        readers.ask("b", turns=3)
    assert "".join(readers.served) == "ababab"


def test_long_work_lets_what_came_after_it_go_first() -> None:
    with held(TurnLock()) as readers:
        readers.ask("L", turns=3, long=True)
        for name in "abc":
            readers.ask(name)
    # the first turn comes in order; later ones after all others
    assert "".join(readers.served) == "LabcLL"


def test_long_works_take_turns_with_each_other() -> None:
    with held(TurnLock()) as readers:
        readers.ask("L", turns=3, long=True)
        readers.ask("M", turns=3, long=True)
    assert "".join(readers.served) == "LMLMLM"


def test_long_work_waits_but_never_for_good() -> None:
    with held(TurnLock()) as readers:
        readers.ask("L", turns=2, long=True)
        readers.ask("a", turns=3 * AT_MOST_BEFORE)
        readers.ask("b", turns=3 * AT_MOST_BEFORE)
    served = readers.served
    first, second = (place for place, name in enumerate(served) if name == "L")
    assert first == 0
    assert second == 2 + AT_MOST_BEFORE  # one was called before L stood in the queue again


def test_it_is_reentrant_and_counts_a_turn_once() -> None:
    lock = TurnLock()
    with lock.long_work(), lock, lock:
        assert lock._long[threading.get_ident()].turns == 1
    assert lock.acquire(blocking=False)
    lock.release()
    assert not lock._long


def test_without_blocking_it_says_no() -> None:
    lock, answer = TurnLock(), list[bool]()
    with lock:
        thread = threading.Thread(target=lambda: answer.append(lock.acquire(blocking=False)))
        thread.start()
        thread.join(PATIENCE)
    assert answer == [False]
    with pytest.raises(RuntimeError, match="does not hold"):
        lock.release()


def test_long_work_that_is_stopped_while_it_waits_leaves_the_queue() -> None:
    lock, stopped = TurnLock(), threading.Event()

    def pulse() -> None:
        raise StoppedError("stop")

    taken, go = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with lock.long_work(pulse):
                with lock:
                    pass
                taken.set()
                assert go.wait(PATIENCE)
                with lock:
                    raise AssertionError("it got a turn that it did not want any more")
        except StoppedError:
            stopped.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert taken.wait(PATIENCE)
    with lock:
        go.set()
        assert stopped.wait(PATIENCE)
        assert lock.waiting == 0
    thread.join(PATIENCE)
    assert lock.acquire(blocking=False)
    lock.release()


@pytest.fixture
def vit(tiny_vit: nn.Module) -> ViT:
    return ViT.from_module(tiny_vit)


def test_every_batch_of_many_scores_is_a_turn_of_its_own(vit: ViT) -> None:
    """In the middle of each batch another thread asks; it is served before the next batch begins."""
    pictures = torch.randn(12, 3, *vit.image_size, generator=torch.Generator().manual_seed(0))
    alone = scores(vit, list(pictures), Target(1, "one"), batch_size=4)
    served = _watch(vit, lambda: scores(vit, list(pictures), Target(1, "one"), batch_size=4), alone)
    assert served == ["batch", "reader"] * 3


@pytest.mark.parametrize("name", [method.name for method in METHODS])
def test_a_reader_is_served_within_one_pass_of_any_method(name: str, vit: ViT) -> None:
    pixels = torch.randn(3, *vit.image_size, generator=torch.Generator().manual_seed(0))
    knobs = {"n_steps": 8} if name == "integrated_gradients" else {}
    alone = torch.from_numpy(attribute(name, vit, pixels, batch_size=4, **knobs).values)
    served = _watch(vit, lambda: torch.from_numpy(attribute(name, vit, pixels, batch_size=4, **knobs).values), alone)
    assert "batch" in served
    passes = "".join(event[0] for event in served)
    assert "bb" not in passes, "two passes of the long work without the reader in between"
    if name in LONG:
        assert passes.count("b") >= 3


def _watch(vit: ViT, work: Callable[[], torch.Tensor], alone: torch.Tensor) -> list[str]:
    """Run ``work`` beside readers that ask in the middle of its turns, and return who was served in which order."""
    served: list[str] = []
    lock = vit.lock
    me = threading.get_ident()
    readers: list[threading.Thread] = []

    def read() -> None:
        with lock:
            served.append("reader")

    hand_over = lock._hand_over

    def before_letting_go() -> None:
        if lock._owner == me:
            served.append("batch")
            readers.append(threading.Thread(target=read, daemon=True))
            lock._mutex.release()  # the reader must come into the queue before the lock is handed on
            try:
                readers[-1].start()
                until(lambda: lock.waiting > 0)
            finally:
                lock._mutex.acquire()
        hand_over()

    lock._hand_over = before_letting_go  # type: ignore[method-assign]
    try:
        result = work()
    finally:
        del lock._hand_over  # type: ignore[attr-defined]
    for reader in readers:
        reader.join(PATIENCE)
    assert torch.equal(result, alone), "others in between change nothing"
    assert not lock._long
    assert lock.waiting == 0
    return served


def test_the_gradients_of_a_batch_belong_to_its_turn(vit: ViT, monkeypatch: pytest.MonkeyPatch) -> None:
    """One graph at a time is in memory: the backward pass too runs with the lock held."""
    held_by: list[bool] = []
    real = torch.autograd.grad

    def grad(*args: object, **options: object) -> object:
        held_by.append(vit.lock._owner == threading.get_ident())
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.autograd, "grad", grad)
    pixels = trace(vit, torch.zeros(3, *vit.image_size)).pixels
    for name in ("saliency", "smooth_grad", "integrated_gradients", "gradient_shap", "input_x_gradient", "legrad"):
        held_by.clear()
        attribute(name, vit, pixels, batch_size=4)
        assert set(held_by) == {True}, name
