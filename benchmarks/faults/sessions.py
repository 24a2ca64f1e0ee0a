"""Twenty readers at once, two models, a photo of their own each: nothing mixed up, and how long an answer takes.

    python benchmarks/faults/sessions.py [--quick] [--sessions 20] [--minutes 10] [--seed 0]

Half of the time the readers walk through pages. In the other half each of them asks for slow explanations, watches
them for a while, opens a page whose trace is in the cache while they go on, and comes back for the next. What a page
sends to its viewer is compared, number by number, with what the library says of that reader's own photo and model.

The readers speak Streamlit's protocol without a browser: twenty browsers would need these cores for themselves.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from PIL import Image

import vitviz
from benchmarks.faults.harness import SMALL, Server, arguments, late, serving, tell
from benchmarks.faults.reader import Drawn, Reader
from vitviz.images import open_photo

MODELS = ({"model": "default", "weights": "pretrained"}, SMALL)
SLOW = ("occlusion", "rise", "kernel_shap", "integrated_gradients", "smooth_grad")
PAGES = ("", "attention", "heads", "rollout", "evidence", "tokens", "positions", "patches")
FIRST_ANSWER = 10.0
"""Seconds that nobody may wait for a first answer from a cached trace while others compute."""
TOLERANCE = 1e-4


@dataclass
class Book:
    """What the readers note: seconds by kind of answer, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    checked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float) -> None:
        """Note how long an answer of a kind took."""
        with self.lock:
            self.seconds.setdefault(kind, []).append(seconds)

    def complain(self, text: str) -> None:
        """Note what went wrong."""
        with self.lock:
            self.wrong.append(text)


@dataclass(frozen=True, eq=False)
class Own:
    """A reader's photo and model, and the numbers that are theirs alone."""

    number: int
    link: dict[str, str]
    file: bytes
    queries: np.ndarray[Any, Any]
    """Of the last layer, (head, query, channel)."""
    rollout: np.ndarray[Any, Any]
    """(query, key)."""


def main() -> None:
    options = arguments(__doc__, sessions=(20, "readers at once"), minutes=(10, "of both halves together"))
    count, seconds = options.sessions, 30.0 * options.minutes
    if options.quick:
        count, seconds = min(count, 6), 20.0
    owns = prepared(count, options.seed)
    book = Book()
    with serving() as server:
        memory = [server.memory]
        readers = [threading.Thread(target=reader, args=(server, own, book, options.seed, seconds)) for own in owns]
        for thread in readers:
            thread.start()
        while any(thread.is_alive() for thread in readers):
            time.sleep(2)
            memory.append(server.memory)
        report(options, book, memory, server, count)


def report(options: argparse.Namespace, book: Book, memory: list[float], server: Server, count: int) -> None:
    rows = [("answer", "times", "median", "95th percentile", "longest")]
    for kind, seconds in sorted(book.seconds.items()):
        median, slow, worst = late(seconds)
        rows.append((kind, f"{len(seconds):,}", f"{median:.2f} s", f"{slow:.2f} s", f"{worst:.2f} s"))
    waits = book.seconds.get(CACHED, [0.0])
    others = sum("map" in mistake for mistake in book.wrong)
    text = (
        f"{count} readers at once, two models (the shipped ViT-S/14 and a ViT-Ti/16 of random weights), an uploaded "
        f"photo of their own each, {options.minutes} minutes in all. "
        f"Of {book.checked:,} maps that were compared with the library's own numbers, **{others} were another's**; "
        f"{len(book.wrong)} answers were wrong in any way; "
        f"{server.tracebacks} tracebacks in the server's log. Memory of the server: {memory[0]:.0f} MB at the start, "
        f"{max(memory):.0f} MB at most, {memory[-1]:.0f} MB at the end. The longest wait for a first answer from a "
        f"cached trace while all others compute was **{max(waits):.1f} s** (at most {FIRST_ANSWER:.0f} s are wanted). "
        "The readers speak Streamlit's protocol without a browser and share the cores with the server."
    )
    print(text)
    data = {"seconds": book.seconds, "wrong": book.wrong[:50], "memory": memory, "checked": book.checked}
    tell(options, "sessions", "Twenty readers at once", text, rows, data)


CACHED = "computing: first answer from a cached trace"


def prepared(count: int, seed: int) -> list[Own]:
    """Return every reader's photo and model, with the library's own numbers."""
    draw = np.random.default_rng(seed)
    models = [vitviz.load_vit(link["model"], weights=link["weights"]) for link in MODELS]
    owns = []
    for number in range(count):
        small = Image.fromarray(draw.integers(0, 256, (7, 9, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        small.resize((400, 320), Image.Resampling.BICUBIC).save(buffer, "PNG")
        vit = models[number % 2]
        trace = vitviz.trace(vit, open_photo(buffer.getvalue()).image)
        queries = trace.queries(vit.layers - 1).float() * trace.scale(vit.layers - 1)
        rollout = vitviz.rollout(trace)
        owns.append(Own(number, MODELS[number % 2], buffer.getvalue(), queries.numpy(), rollout.numpy()))
    return owns


def reader(server: Server, own: Own, book: Book, seed: int, seconds: float) -> None:
    """Be one reader, for both halves."""
    draw = random.Random(seed * 1000 + own.number)
    try:
        with Reader(server.url) as session:
            session.open("", **own.link)
            session.upload(f"photo{own.number}.png", own.file)
            halves: tuple[Callable[..., None], ...] = (walk, compute)
            for half in halves:
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    half(session, own, book, draw)
    except Exception as error:  # a reader that breaks off is a result, and the others go on
        book.complain(f"reader {own.number} broke off: {type(error).__name__}: {error}")


def walk(session: Reader, own: Own, book: Book, draw: random.Random) -> None:
    """Open a page and look at it for a moment."""
    page = draw.choice(PAGES)
    drawn = session.open(page, example="upload", **own.link)
    book.note(f"walking: {page or 'start'} page, whole", drawn.seconds)
    sound(drawn, own, book, page)
    time.sleep(draw.uniform(0.5, 3))


def compute(session: Reader, own: Own, book: Book, draw: random.Random) -> None:
    """Ask for a slow explanation, watch it for a while, then open the attention page and wait for its first answer."""
    method = draw.choice(SLOW)
    start, patience = time.perf_counter(), draw.uniform(4, 20)
    drawn = session.open("evidence", example="upload", methods=method, **own.link)
    sound(drawn, own, book, "evidence")
    book.note("computing: Evidence page", drawn.seconds)
    if drawn.widget("button", f"ask_{method}"):
        drawn = session.click("button", f"ask_{method}")
        while drawn.widget("button", f"stop_{method}") and time.perf_counter() - start < patience:
            time.sleep(1)
            drawn = session.run()
            sound(drawn, own, book, "evidence")
        if not drawn.widget("button", f"stop_{method}"):
            book.note("computing: a slow explanation, from the click", time.perf_counter() - start)
    session.page, session.query = "attention", f"example=upload&model={own.link['model']}&weights={own.link['weights']}"
    session.send()
    taken = session.until_drawn("viewer")
    if taken is None:
        book.complain(f"reader {own.number}: no first answer")
        return
    book.note(CACHED, taken)
    sound(session.drawn, own, book, "attention", whole=False)
    session.wait()


def sound(drawn: Drawn, own: Own, book: Book, page: str, *, whole: bool = True) -> None:
    """Complain of an exception, a page that stopped, and a map that is not this reader's."""
    if drawn.exceptions or (whole and not drawn.finished):
        book.complain(f"reader {own.number}, {page}: {drawn.exceptions or 'not finished'} {drawn.alerts}")
    for key, part, wanted in (("viewer", "queries", own.queries), ("rollout_viewer", "maps", own.rollout)):
        sent = drawn.component(key)
        if sent is None or part not in sent[1]:
            continue
        values = np.frombuffer(sent[1][part], dtype="<f4")
        shown = values[-wanted.size :].reshape(wanted.shape)
        with book.lock:
            book.checked += 1
        if not np.allclose(shown, wanted, rtol=TOLERANCE, atol=TOLERANCE * float(np.abs(wanted).max())):
            book.complain(f"reader {own.number}, {page}: a map of another ({key})")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
