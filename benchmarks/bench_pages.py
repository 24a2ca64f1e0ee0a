"""What pages cost in Chromium: a change of page, a deep link, the first visit with a photo, and the server's memory.

    python benchmarks/bench_pages.py [--quick] [--tours 3]

One reader and the shipped model. A page is there when its heading stands and the script behind it has ended. The first
tour opens every page once, which fills the caches; those after it are warm. Writes benchmarks/results/pages.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.faults.chromium import browsing, settled, wrong
from benchmarks.faults.harness import RESULTS, late, mean_load, memory_of, serving, watch_load
from benchmarks.timing import table
from vitviz.examples import examples
from vitviz.ui.navigation import START, entries

MOST_SLOW = ("rollout", "receptive_field", "compare")
"""Pages whose first visit with a photo takes longest."""
WATCH = """() => { const app = document.querySelector('[data-testid="stApp"]');
  const title = () => document.querySelector('[data-testid="stHeading"]')?.innerText ?? '';
  const before = title(), start = performance.now(); let heading = null;
  window.times = new Promise((resolve) => { const look = () => {
    const now = title();
    if (heading === null && now && now !== before) heading = performance.now() - start;
    const still = app.dataset.testScriptState === 'notRunning' && !document.querySelector('[data-stale="true"]');
    if (heading !== null && still) resolve([heading, performance.now() - start]);
    else if (performance.now() - start > 60000) resolve([60000, 60000]);
    else requestAnimationFrame(look); }; look(); }); }"""
Seconds = dict[str, list[float]]


def change(page: Any, place: int) -> tuple[float, float]:
    """Return the seconds from a click on the navigation to the other page's heading, and until all of it stands."""
    link = page.locator('[data-testid="stSidebarNavLink"]').nth(place)
    page.evaluate(WATCH)
    link.evaluate("node => node.click()")
    heading, whole = page.evaluate("() => window.times")
    settled(page)
    return heading / 1000, whole / 1000


def deep_link(page: Any, address: str) -> float:
    """Return the seconds from an address to the page that stands whole, as the browser counts them."""
    page.goto(address)
    settled(page)
    return float(page.evaluate("() => performance.now()")) / 1000 - 0.2  # what ``settled`` waits at its end


def touring(page: Any, tours: int) -> tuple[Seconds, Seconds]:
    """Return the seconds to the heading and to the whole page, by page; the first of each is of the first visit."""
    headings: Seconds = {}
    wholes: Seconds = {}
    for _tour in range(tours + 1):
        for place, entry in enumerate(entries()):
            if place == 0 and not headings:
                continue  # the page that is open
            heading, whole = change(page, place)
            headings.setdefault(entry.name, []).append(heading)
            wholes.setdefault(entry.name, []).append(whole)
            if bad := wrong(page):
                raise SystemExit(f"{entry.name}: {bad}")
    return headings, wholes


def measured(tours: int) -> tuple[list[tuple[str, ...]], Seconds, dict[str, float]]:
    """Return the rows of the table, and by page the seconds of warm changes and of the first visit."""
    with browsing() as page, serving() as server:
        if page is None:
            raise SystemExit("Chromium and Playwright are wanted; nothing is measured.")
        page.goto(server.url)
        settled(page)
        page.wait_for_timeout(5000)  # the server imports torch in the background
        start = server.memory
        headings, wholes = touring(page, tours)
        after, peak = server.memory, server.peak
        names = [entry.name for entry in entries()]
        links = [deep_link(page, f"{server.url}/{'' if name == START else name}") for name in names]
        photo = examples()[-1].id
        news = {name: deep_link(page, f"{server.url}/{name}?example={photo}") for name in MOST_SLOW}
        end, children = server.memory, _children(server.process.pid)
    warm = {name: times[1:] for name, times in wholes.items()}
    rows = [
        _row("page change, warm: to the heading", [t for times in headings.values() for t in times[1:]], "≤ 0.6, ≤ 1"),
        _row("page change, warm: the whole page", [t for times in warm.values() for t in times], "≤ 0.6, ≤ 1"),
        _row("first visit of a page, its model and photo known", [times[0] for times in wholes.values()], "–"),
        _row("deep link, warm", links, "–"),
    ]
    rows += [
        (f"first visit with a new photo: {name}", f"{seconds:.2f} s", "", "", "–") for name, seconds in news.items()
    ]
    memory = f"{after:.0f} MB (peak {peak:.0f}; {start:.0f} after the start page; {end:.0f} at the end of all)"
    rows.append(("memory of the server after every page, all tours", memory, "", "", "≤ 1,200 MB"))
    rows.append(("memory of its child processes", f"{children:.0f} MB", "", "", "–"))
    return rows, warm, {name: times[0] for name, times in wholes.items()}


def _children(pid: int) -> float:
    """Return the resident memory of all children of a process, in MB."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return sum(memory_of(int(child)) for child in listed.read_text().split()) if listed.is_file() else float("nan")


def _row(name: str, seconds: list[float], goal: str) -> tuple[str, ...]:
    median, slow, worst = late(seconds)
    return name, f"{median:.2f} s", f"{slow:.2f} s", f"{worst:.2f} s", goal


def main() -> None:
    """Measure, print, and write the results of a whole run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one warm tour, and no results written")
    parser.add_argument("--tours", type=int, default=3, help="of all pages, from warm caches (default: 3)")
    options = parser.parse_args()
    watch_load()
    rows, warm, first = measured(1 if options.quick else options.tours)
    printed = table(("what", "median", "95th percentile", "longest", "goal"), rows)
    pages = [(*_row(name, times, "")[:4], f"{first[name]:.2f} s") for name, times in warm.items()]
    printed += "\n\n" + table(("page, warm, whole", "median", "95th percentile", "longest", "first visit"), pages)
    print(printed)
    if options.quick:
        return
    head = (
        "# What pages cost\n\nOutput of `python benchmarks/bench_pages.py`: headless Chromium and the server on the "
        f"same {os.cpu_count()} cores, the shipped model, one reader; load "
        f"{mean_load():.1f} while it ran (its own included).\n\n"
    )
    (RESULTS / "pages.md").write_text(f"{head}{printed}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
