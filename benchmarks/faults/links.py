"""2,000 links with every parameter fuzzed: no exception, no traceback; what cannot be used is told in words.

    python benchmarks/faults/links.py [--quick] [--links 2000] [--pages 200] [--browser 10] [--seed 0]

Every value goes through the reader of its parameter; a sample of whole links opens real pages, some in Chromium.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.faults import chromium
from benchmarks.faults.harness import arguments, late, serving, tell
from benchmarks.faults.reader import Reader
from vitviz.ui.choices import CHOICES
from vitviz.ui.navigation import START, entries

MODEL = {"model": "timm:test_vit", "weights": "random"}
HEAVY = ("size", "pasted", "repatched", "heat_sweep", "cost_seconds", "cost_block", "cost_passes", "depths", "spread")
"""Parameters that ask for work of many seconds: left out of the sample of pages, where only words are tested."""
ODD = (
    "", " ", "0", "-1", "1", "007", "1e3", "nan", "inf", "-0.0", "0x10", "1_000", "٣", "²", "999999", "1000000",
    "9" * 30, "9" * 5000, "a" * 121, "None", "True", "[]", "{}", "{0}", "%s", "%00", "\x00", "\n", "\t\r", "🙂", "é",
    "ｍｅａｎ", "../../etc/passwd", "file:///etc/passwd", "<script>alert(1)</script>", "![x](http://127.0.0.1:9/x)",
    "'; DROP TABLE", "$x^2$", ":material/home:", ":red[x]", "a.b-c_d", "0.0", "0.0-0.0", "3.1-99.99", "1_2_3", "~",
    "~~", "-", "--", "mean", "max", "class", "timm:", "timm:vit", "timm:resnet50", "timm:test_vit", "upload", "camera",
    "random", "saliency", "saliency-rise", "rise:n_masks:5", "occlusion:window:99", "a:b:c~d:e:f", "0,0,1,1", "0_0_1_1",
    "1-2-3",
)  # fmt: skip


def main() -> None:
    options = arguments(
        __doc__, links=(2000, "links"), pages=(200, "of them on real pages"), browser=(10, "in Chromium")
    )
    count, pages, browser = (options.links, options.pages, options.browser)
    if options.quick:
        count, pages, browser = 200, 20, 3
    draw = random.Random(options.seed)
    links = list(fuzzed(count, draw))
    read = [outcome for _page, link in links for outcome in parsed(link)]
    sample = [(page, light(link, draw)) for page, link in links[:: max(1, count // pages)][:pages]]
    shown, seconds = opened(sample)
    seen = chromium.links([f"{page}?{urlencode(link)}" for page, link in sample[:: max(1, pages // browser)][:browser]])
    rows = [("through", "links", "values", "taken", "refused in words", "raw errors", "tracebacks or blank pages")]
    rows.append(row("the readers of the parameters", count, Counter(outcome["what"] for outcome in read)))
    rows.append(row("real pages", len(sample), Counter(outcome["what"] for outcome in shown)))
    if seen:
        rows.append(row("Chromium", len(seen), Counter(outcome["what"] for outcome in seen)))
    median, slow, worst = late(seconds)
    text = (
        f"Each link has every parameter of its page and of all pages ({len(CHOICES)} in all), each with a value from "
        "odd texts, from others' values, or from a valid value with letters changed. On real pages the model is one of "
        "random weights except in every fourth link, and switches for work of many seconds are left out; a page is "
        f"right when its heading stands. A page took {median:.2f} s (median), {slow:.2f} s (95th percentile), "
        f"{worst:.2f} s at most."
    )
    bad = [outcome for outcome in (*read, *shown, *seen) if outcome["what"] in BAD]
    tell(options, "links", "Links with every parameter fuzzed", text, rows, {"not as they should be": bad[:100]})


BAD = ("raw error", "traceback", "blank")


def row(name: str, links: int, count: Counter[str]) -> tuple[str, ...]:
    """Return a row of the table."""
    values = sum(count.values())
    bad = count["traceback"] + count["blank"]
    taken = count["taken"] + count["shown"]
    return (name, f"{links:,}", f"{values:,}", *map(str, (taken, count["refused"], count["raw error"], bad)))


def fuzzed(count: int, draw: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (page, link): each page's turn comes, with all parameters that its links can have."""
    names = [entry.name for entry in entries()]
    valid = [str(choice.default) for choice in CHOICES.values() if choice.default != ""]
    for number in range(count):
        page = names[number % len(names)]
        yield (
            "" if page == START else page,
            {
                choice.name: value(choice.default, valid, draw)
                for choice in CHOICES.values()
                if not choice.pages or page in choice.pages
            },
        )


def value(default: Any, valid: list[str], draw: random.Random) -> str:
    """Return an odd value: an odd text, the value of another parameter, or the default with a letter changed."""
    kind = draw.random()
    if kind < 0.5:
        return draw.choice(ODD)
    if kind < 0.75:
        return draw.choice(valid)
    text = str(int(default) if isinstance(default, bool) else default)
    place = draw.randrange(len(text) + 1)
    return text[:place] + draw.choice("0159-._~:% ÿa\x7f") + text[place + draw.randrange(2) :]


def parsed(link: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield what became of each value at the reader of its parameter: only ValueError, with a reason, is allowed."""
    for name, text in link.items():
        told = {"link": f"{name}={text[:80]!r}"}
        try:
            CHOICES[name].read(text)
        except ValueError as error:
            yield {**told, "what": "refused" if str(error) else "raw error", "says": str(error)}
        except Exception as error:
            yield {**told, "what": "raw error", "says": f"{type(error).__name__}: {error}"}
        else:
            yield {**told, "what": "taken", "says": ""}


def light(link: dict[str, str], draw: random.Random) -> dict[str, str]:
    """Return a link without the switches for long work, mostly with a model of random weights."""
    kept = {name: text for name, text in link.items() if name not in HEAVY}
    return kept if draw.random() < 0.25 else {**kept, **MODEL}


def opened(sample: list[tuple[str, dict[str, str]]]) -> tuple[list[dict[str, str]], list[float]]:
    """Return what a running dashboard shows for each link, each in a session of its own, and the seconds."""
    outcomes, seconds = [], []
    with serving() as server:
        for page, link in sample:
            with Reader(server.url) as reader:
                drawn = reader.open(page, **link)
            seconds.append(drawn.seconds)
            outcome, says = "shown", ""
            if drawn.exceptions or "Traceback (most recent" in drawn.texts:
                outcome, says = "traceback", "; ".join(drawn.exceptions)
            elif not drawn.headings or not drawn.finished:
                outcome, says = "blank", "; ".join(drawn.alerts)[:300]
            outcomes.append({"link": f"{page}?{urlencode(link)}"[:2000], "what": outcome, "says": says})
        if server.tracebacks:
            log = server.log.read_text(errors="replace")
            print(f"the server wrote {server.tracebacks} tracebacks:\n{log[-4000:]}", flush=True)
            outcomes.append({"link": "the server's log", "what": "traceback", "says": log[-4000:]})
    return outcomes, seconds


if __name__ == "__main__":
    main()
