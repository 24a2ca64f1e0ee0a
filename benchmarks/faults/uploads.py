"""Twenty readers upload a model of their own at once, all under the same name: nobody sees another's.

    python benchmarks/faults/uploads.py [--quick] [--sessions 20] [--rounds 3] [--seed 0]

Each model is a ViT-Ti/16 whose weights are drawn anew, 23 MB. What Attention and Rollout send to their viewers is
compared, number by number, with what the library says of that reader's own model. Then the readers leave, and one more
looks at how much memory is left with the server.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from safetensors.torch import save
from streamlit.proto.WidgetStates_pb2 import WidgetState

import vitviz
from benchmarks.faults.harness import SMALL, Server, arguments, late, serving, tell
from benchmarks.faults.reader import Reader
from benchmarks.faults.sessions import Book, Own, sound
from vitviz.examples import examples
from vitviz.images import open_photo

NAME = "model.safetensors"
PAGES = ("attention", "rollout", "heads")
LINK = {"model": f"upload:{NAME}"}


@dataclass(frozen=True)
class Uploading:
    """What all readers of a run have in common."""

    server: Server
    photo: str
    rounds: int
    together: threading.Barrier
    """They upload at the same moment."""


def main() -> None:
    options = arguments(__doc__, sessions=(20, "readers at once"), rounds=(3, "through the pages"))
    count, rounds = (4, 1) if options.quick else (options.sessions, options.rounds)
    photo = examples()[0].id
    book = Book()
    with serving() as server:
        run = Uploading(server, photo, rounds, threading.Barrier(count))
        owns = prepared(count, options.seed, photo)
        readers = [threading.Thread(target=reader, args=(run, own, book)) for own in owns]
        memory = [server.memory]
        for thread in readers:
            thread.start()
        while any(thread.is_alive() for thread in readers):
            time.sleep(1)
            memory.append(server.memory)
        with Reader(server.url) as last:
            last.open("attention", example=photo, **SMALL)
        memory.append(server.memory)
        report(options, book, memory, server, count)


def prepared(count: int, seed: int, photo: str) -> list[Own]:
    """Return every reader's model as a file, with the library's own numbers."""
    image = next(example for example in examples() if example.id == photo).path
    owns = []
    for number in range(count):
        torch.manual_seed(seed * 1000 + number)
        vit = vitviz.load_vit(SMALL["model"], weights="random")
        with torch.no_grad():
            for parameter in vit.module.parameters():
                parameter.add_(0.02 * torch.randn_like(parameter))
        trace = vitviz.trace(vit, open_photo(image).image)
        queries = trace.queries(vit.layers - 1).float() * trace.scale(vit.layers - 1)
        file = save({name: value.contiguous() for name, value in vit.module.state_dict().items()})
        owns.append(Own(number, LINK, file, queries.numpy(), vitviz.rollout(trace).numpy()))
    return owns


def reader(run: Uploading, own: Own, book: Book) -> None:
    """Be one reader: upload, and look at the pages."""
    try:
        with Reader(run.server.url) as session:
            session.open("attention", example=run.photo, **SMALL)
            box = session.drawn.widget("checkbox", "own_model_open")
            session.states[box] = WidgetState(id=box, bool_value=True)
            session.run()
            run.together.wait()
            start = time.perf_counter()
            status, drawn = session.upload(NAME, own.file, key="upload_weights_0")
            book.note("upload, recognised, loaded and shown", time.perf_counter() - start)
            if status >= 400:
                book.complain(f"reader {own.number}: the upload was refused with {status}")
            session.states = {box: session.states[box]}  # the page has a new uploader after each upload
            sound(drawn, own, book, "attention")
            for page in PAGES * run.rounds:
                look(session, run.photo, own, book, page)
    except Exception as error:  # a reader that breaks off is a result, and the others go on
        book.complain(f"reader {own.number} broke off: {type(error).__name__}: {error}")


def look(session: Reader, photo: str, own: Own, book: Book, page: str) -> None:
    """Open a page with the own model."""
    drawn = session.open(page, example=photo, **LINK)
    book.note(f"{page} page, whole", drawn.seconds)
    sound(drawn, own, book, page)
    if drawn.alerts:
        book.complain(f"reader {own.number}, {page}: {drawn.alerts}")


def report(options: argparse.Namespace, book: Book, memory: list[float], server: Server, count: int) -> None:
    rows = [("answer", "times", "median", "95th percentile", "longest")]
    for kind, seconds in sorted(book.seconds.items()):
        median, slow, worst = late(seconds)
        rows.append((kind, f"{len(seconds):,}", f"{median:.2f} s", f"{slow:.2f} s", f"{worst:.2f} s"))
    text = (
        f"{count} readers upload a ViT-Ti/16 of their own at the same moment, all as {NAME}. Of {book.checked:,} maps "
        f"that were compared with the library's own numbers, **{sum('map' in wrong for wrong in book.wrong)} were "
        f"another's**; {len(book.wrong)} answers were wrong in any way; {server.tracebacks} tracebacks in the log. "
        f"Memory of the server: {memory[0]:.0f} MB at the start, {max(memory):.0f} MB at most, "
        f"{memory[-1]:.0f} MB when all had left. The server keeps the weights of 1,000 MB of models "
        "loaded: each of these is loaded once."
    )
    print(text, *book.wrong[:10], sep="\n")
    data = {"seconds": book.seconds, "wrong": book.wrong[:50], "memory": memory, "checked": book.checked}
    tell(options, "uploads", "Twenty readers upload their models", text, rows, data)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
