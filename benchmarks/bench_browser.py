"""How fast the dashboard feels in Chromium: hover, click, layer, page, and from nothing to the first picture.

    python benchmarks/bench_browser.py [--rounds 15] [--model default]

Starts the real app.py on a free port. All but the last row are measured on a warm cache. Needs Chromium and
Playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120_000
IDLE = """() => { const app = document.querySelector('[data-testid="stApp"]');
  return app && app.dataset.testConnectionState === 'CONNECTED' && app.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale="true"]'); }"""
VIEWER = '.st-key-viewer .viewer:not([data-ready=""])'
TAKEN = """() => Promise.race([window.seconds,
  new Promise((_, reject) => setTimeout(() => reject(new Error("nothing changed in a minute")), 60000))])"""
# Milliseconds in the browser from an action to a change of the page, without the way to the driver and back.
WATCH = """([selector, attribute]) => { const node = document.querySelector('.st-key-viewer') ;
  const find = (root) => root.querySelector(selector)
    ?? [...root.querySelectorAll('*')].map((each) => each.shadowRoot && find(each.shadowRoot)).find(Boolean);
  const target = find(node ?? document);
  window.seconds = new Promise((resolve) => { const before = target.getAttribute(attribute);
    const start = performance.now();
    new MutationObserver((_, observer) => { if (target.getAttribute(attribute) !== before) {
      observer.disconnect(); requestAnimationFrame(() => resolve(performance.now() - start)); } })
      .observe(target, { attributes: true }); }); }"""


def start(environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    """Start the app and return it with its address, once its server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
            return server, url
        except OSError:
            time.sleep(0.1)
    server.terminate()
    raise SystemExit("The server did not answer in two minutes.")


class Bench:
    """A page of the running app, and what is measured on it."""

    def __init__(self, page: Any, url: str, model: dict[str, str], rounds: int) -> None:
        self.page, self.url, self.model, self.rounds = page, url, model, rounds
        page.set_default_timeout(PATIENCE)

    def open(self, path: str) -> None:
        """Open a page of the app and wait until it is drawn."""
        self.page.goto(f"{self.url}/{path}?{urlencode(self.model)}")
        self.page.wait_for_function(IDLE, timeout=PATIENCE)

    def idle(self) -> None:
        """Wait until the script has run and the page is still."""
        self.page.wait_for_function(IDLE, timeout=PATIENCE)
        self.page.wait_for_timeout(150)

    def watched(self, attribute: str, action: Any) -> float:
        """Return the milliseconds from just before an action until the viewer's attribute changes and is painted."""
        self.page.evaluate(WATCH, [".viewer", attribute])
        action()
        seconds = float(self.page.evaluate(TAKEN))
        self.idle()
        return seconds

    def hover(self) -> list[float]:
        """Milliseconds that each repaint takes, as the component records them."""
        photo = self.page.locator(f"{VIEWER} .photo")
        box = photo.bounding_box()
        for x, y in np.random.default_rng(0).uniform(0.05, 0.95, (100, 2)):
            photo.hover(position={"x": x * box["width"], "y": y * box["height"]})
        times: list[float] = self.page.locator(VIEWER).evaluate("app => app.paintTimes().slice(-100)")
        return times

    def click(self) -> list[float]:
        """From a pin to the strip's new thumbnail: the click, Python, and the changed page."""
        photo, times = self.page.locator(f"{VIEWER} .photo"), []
        box = photo.bounding_box()
        for round_ in range(self.rounds):
            place = ((5 * round_) % 14 + 0.5) / 14  # another patch each time
            photo.hover(position={"x": place * box["width"], "y": box["height"] / 3})
            self.page.evaluate(
                """() => { const strip = document.querySelector('.st-key-strip img'); const start = performance.now();
                window.seconds = new Promise((resolve) => new MutationObserver((_, observer) => { observer.disconnect();
                  requestAnimationFrame(() => resolve(performance.now() - start)); })
                  .observe(strip, { attributes: true, attributeFilter: ['src'] })); }"""
            )
            self.page.mouse.down()
            self.page.mouse.up()
            times.append(float(self.page.evaluate(TAKEN)))
            self.idle()
        return times

    def layer(self) -> list[float]:
        """From the layer button to the new layer's data, painted."""
        times = []
        for round_ in range(self.rounds + 2):
            button = self.page.locator(f"{VIEWER} .{'previous' if round_ % 2 == 0 else 'next'}")
            taken = self.watched("data-layer", lambda button=button: button.evaluate("node => node.click()"))
            times.append(taken)
        return times[2:]  # both layers are cached by then

    def pages(self) -> list[float]:
        """From the navigation to the other page's heading."""
        times = []
        titles = {"Heads": "Which head does what?", "Attention": "Where does each patch look?"}
        for round_ in range(self.rounds + 2):
            title = list(titles)[round_ % 2]
            link = self.page.locator('[data-testid="stSidebarNav"]').get_by_role("link", name=title)
            self.page.evaluate(
                """(text) => { const start = performance.now(); window.seconds = new Promise((resolve) => {
                const look = () => [...document.querySelectorAll('h2')].some((node) => node.innerText === text)
                  ? resolve(performance.now() - start) : requestAnimationFrame(look); look(); }); }""",
                titles[title],
            )
            link.evaluate("node => node.click()")
            times.append(float(self.page.evaluate(TAKEN)))
            self.idle()
        return times[2:]


def row(name: str, times: list[float], target: float) -> None:
    median, late = np.median(times), np.percentile(times, 95)
    verdict = "yes" if median <= target else "NO"
    print(f"{name:44} {median:10.1f} {late:10.1f} {target:10.0f}   {verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--model", default="default", help="a model name of the dashboard")
    parser.add_argument("--weights", default="pretrained", choices=["pretrained", "random"])
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "chrome")
    browser_path = next((path for name in names if name and (path := shutil.which(name))), None)
    if browser_path is None:
        raise SystemExit("Chromium is not installed: apt install chromium, or set CHROMIUM to its path.")
    model = {"model": options.model, "weights": options.weights}
    if options.weights == "pretrained":
        del model["weights"]
    began = time.perf_counter()
    server, url = start({**os.environ, "HF_HUB_OFFLINE": "1"})
    try:
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            bench = Bench(page, url, model, options.rounds)
            bench.open("attention")
            page.locator(VIEWER).wait_for()
            first = 1000 * (time.perf_counter() - began)
            print(f"{'milliseconds':44} {'median':>10} {'p95':>10} {'target':>10}   met")
            row("hover: repaint of every map", bench.hover(), 16)
            row("click: pin to changed page", bench.click(), 250)
            row("layer button to new layer painted", bench.layer(), 250)
            row("page switch to the other page's heading", bench.pages(), 250)
            row("cold start to first attention picture", [first], 15_000)
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
