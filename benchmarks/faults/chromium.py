"""A sample of the faults through a real browser: Chromium's upload box and its address bar."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.faults.harness import serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
PATIENCE = 60_000
IDLE = """() => { const app = document.querySelector('[data-testid="stApp"]');
  return app && app.dataset.testConnectionState === 'CONNECTED' && app.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale="true"]') && app.querySelector('[data-testid="stElementContainer"]'); }"""
Outcome = dict[str, Any]


@contextmanager
def browsing() -> Iterator[Any | None]:
    """Yield a page of a headless Chromium, or None, with a word on it, where there is no browser."""
    path = next(
        (executable for name in (os.environ.get("CHROMIUM"), *NAMES) if name and (executable := shutil.which(name))),
        None,
    )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        print("Chromium or Playwright is not installed: the sample through the browser is left out.", flush=True)
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def settled(page: Any) -> None:
    """Wait until the page's script has run."""
    page.wait_for_function(IDLE, polling=50, timeout=PATIENCE)
    page.wait_for_timeout(200)


def wrong(page: Any) -> str:
    """Return what a page shows that it must not: an exception, a traceback; empty if nothing."""
    shown = page.locator('[data-testid="stException"]')
    if shown.count():
        return str(shown.first.inner_text())[:300]
    return "traceback" if "Traceback (most recent" in page.inner_text("body") else ""


def uploads(folder: Path, listed: list[tuple[str, str]], link: dict[str, str]) -> list[Outcome]:
    """Return what became of each file in the upload box of a fresh page."""
    outcomes: list[Outcome] = []
    with browsing() as page:
        if page is None:
            return []
        with serving() as server:
            page.goto(f"{server.url}/?{urlencode(link)}")
            settled(page)
            for name, kind in listed:
                page.locator('[data-testid="stFileUploader"] input[type="file"]').set_input_files(folder / name)
                page.wait_for_timeout(500)
                settled(page)
                bad = wrong(page)
                refused = page.locator('[data-testid="stAlert"], [data-testid="stFileUploaderFileError"]').count()
                outcome = "traceback" if bad else "refused" if refused else "opened"
                outcomes.append({"kind": kind, "what": outcome, "says": bad, "peak": server.peak})
                page.goto(f"{server.url}/?{urlencode(link)}")
                settled(page)
    return outcomes


def _has_heading(page: Any) -> bool:
    """Return whether the page's heading comes: what was idle may be a run that begins anew."""
    from playwright.sync_api import TimeoutError

    try:
        page.locator("h1, h2").first.wait_for(timeout=PATIENCE / 4)
    except TimeoutError:
        return False
    return True


def links(paths: list[str]) -> list[Outcome]:
    """Return what each path with its parameters shows."""
    outcomes: list[Outcome] = []
    with browsing() as page:
        if page is None:
            return []
        with serving() as server:
            for path in paths:
                page.goto(f"{server.url}/{path}")
                settled(page)
                bad = wrong(page)
                blank = not _has_heading(page)
                outcomes.append(
                    {"link": path, "what": "traceback" if bad else "blank" if blank else "shown", "says": bad}
                )
    return outcomes
