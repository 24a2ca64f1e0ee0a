"""Chromium and Streamlit servers for the browser tests.

Without Chromium the tests are skipped with a reason, unless VITVIZ_REQUIRE_BROWSER=1 makes that an error.
CHROMIUM names another browser than the one found on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from tests.browser.visit import Visit

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
QUIET = """(still) => {
  const now = performance.now(), app = document.querySelector('[data-testid="stApp"]');
  const watch = window.testWatch ??= { changed: now, idle: null, height: null };
  if (!watch.observer) {
    watch.observer = new MutationObserver(() => { watch.changed = performance.now(); });
    watch.observer.observe(document.documentElement, { subtree: true, childList: true, characterData: true });
  }
  const idle = app && app.dataset.testConnectionState === 'CONNECTED'
    && app.dataset.testScriptState === 'notRunning' && !document.querySelector('[data-stale="true"]')
    && app.querySelector('[data-testid="stElementContainer"]'); // else the first run has not begun
  if (!idle) { watch.idle = null; return false; }
  watch.idle ??= now;
  const height = document.querySelector('[data-testid="stMain"]')?.scrollHeight;
  const loading = document.querySelector('[data-testid="stSkeleton"]')
    || [...document.images].some((image) => !image.complete);
  if (loading || height !== watch.height) Object.assign(watch, { height, changed: now });
  return now - Math.max(watch.idle, watch.changed) > still || now - watch.idle > 100 * still;
}"""
"""Whether Streamlit has been idle and nothing has moved for ``still`` milliseconds. Idle is not enough: the
code of an element that is new to the page is fetched after the script's end, and what a click aims at may yet move.
A page that never rests is let through."""
STILL = 150


def chromium_path() -> str | None:
    """Return where Chromium is, or None."""
    wanted = os.environ.get("CHROMIUM")
    return next((path for name in ([wanted] if wanted else NAMES) if (path := shutil.which(name))), None)


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the browser is required."""
    if os.environ.get("VITVIZ_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason} VITVIZ_REQUIRE_BROWSER=1 does not allow skipping.", pytrace=False)
    pytest.skip(reason)


def wait_until_idle(page: Any, timeout: float = 60_000) -> None:
    """Wait until Streamlit has run its script, and all is drawn, and assert that it shows no exception."""
    page.wait_for_function(QUIET, arg=STILL, polling=50, timeout=timeout)
    exception = page.locator('[data-testid="stException"]')
    assert exception.count() == 0, exception.first.inner_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def settle() -> Callable[..., None]:
    """The function that waits until Streamlit is idle: ``settle(page)``."""
    return wait_until_idle


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One headless Chromium for the whole run.

    It has a profile on the disk: unlike a private window, it keeps Streamlit's compiled code from page to page.
    """
    path = chromium_path()
    if path is None:
        missing("Chromium is not installed: apt install chromium, or set CHROMIUM to its path.")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed: pip install playwright.")
    with sync_playwright() as playwright:
        profile = tmp_path_factory.mktemp("profile")
        context = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=FLAGS)
        yield context
        context.close()


class Reader(NamedTuple):
    """Who sits before a tab: the window, the device and the wishes that a page can ask for."""

    width: int = 1280
    height: int = 900
    colours: str = "light"
    motion: str = "reduce"
    language: str = "en-US"
    touch: bool = False
    offline: bool = False

    def take(self, page: Any) -> Any:
        """Sit down before a tab; return the session of Chromium that holds all this until it is detached.

        One tab is for all readers, one after the other: a browser of their own would compile all code anew.
        """
        page.bring_to_front()  # behind another tab nothing is drawn
        page.set_viewport_size({"width": self.width, "height": self.height})
        page.emulate_media(color_scheme=self.colours, reduced_motion=self.motion)
        device = page.context.new_cdp_session(page)
        device.send("Emulation.setLocaleOverride", {"locale": self.language})
        agent = {"userAgent": page.evaluate("navigator.userAgent"), "acceptLanguage": self.language}
        device.send("Emulation.setUserAgentOverride", agent)
        if self.touch:
            window = {"width": self.width, "height": self.height, "deviceScaleFactor": 1, "mobile": True}
            device.send("Emulation.setDeviceMetricsOverride", window)
            device.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        if self.offline:
            device.send("Network.enable")
            speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
            device.send("Network.emulateNetworkConditions", {"offline": True, **speed})
        return device


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url + "/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"The server did not answer at {url}; it said:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Return a function that starts a Streamlit app and gives its address; one server an app for the whole run.

    ``serve(path, **environment)``; it reads the settings in ``folder``. ``serve(script, script=True)`` starts what an
    installed vitviz serves.
    """
    servers: dict[Path, str] = {}
    running: list[subprocess.Popen[bytes]] = []

    def start(app: Path | str, *, folder: Path = ROOT, script: bool = False, **environment: str) -> str:
        path = (ROOT / app).resolve()
        if path in servers:
            return servers[path]
        port = _free_port()
        options = {"port": str(port), "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
        command = [sys.executable, "-m", "streamlit", "run", str(path), "--browser.gatherUsageStats", "false"]
        for name, value in options.items():
            command += [f"--server.{name}", value]
        if script:
            command = [str(path), "serve", "--port", str(port)]
        log = tmp_path_factory.mktemp("server") / "log.txt"
        with log.open("wb") as output:
            variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
            server = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT)
        running.append(server)
        url = f"http://127.0.0.1:{port}"
        _wait_for(server, url, log)
        servers[path] = url
        return url

    yield start
    for server in running:
        server.terminate()
    for server in running:
        server.wait(20)


@pytest.fixture(scope="session")
def errors() -> list[str]:
    """Errors of all pages of the whole run."""
    return []


@pytest.fixture(scope="session")
def open_page(chromium: Any, errors: list[str]) -> Callable[[], Any]:
    """Return a function that opens an empty page; who opens one closes it."""

    def start() -> Any:
        page = chromium.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    return start


@pytest.fixture(scope="session")
def left() -> Iterator[list[Any]]:
    """Empty tabs that tests have left: their process has Streamlit's code, which is a third of what a page costs."""
    pages: list[Any] = []
    yield pages
    for page in pages:
        page.close()


@pytest.fixture(autouse=True)
def _no_page_has_an_error(errors: list[str]) -> Iterator[None]:
    yield
    told = errors.copy()
    errors.clear()
    assert not told, told


@pytest.fixture
def new_page(
    open_page: Callable[[], Any],
    left: list[Any],
    request: pytest.FixtureRequest,
    _no_page_has_an_error: None,
) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a page for one test.

    ``new_page(url, width=…, language=…)`` for a Reader with these wishes; without a url the page is empty.
    """
    pages: list[tuple[Any, Reader, Any]] = []

    def start(url: str | None = None, **wishes: Any) -> Any:
        page, reader = left.pop() if left else open_page(), Reader(**wishes)
        pages.append((page, reader, reader.take(page)))
        if url is not None:
            page.goto(url)
            wait_until_idle(page)
        return page

    failed = request.session.testsfailed
    yield start
    for page, reader, device in pages:
        if reader.touch or request.session.testsfailed > failed:
            page.close()
            continue
        device.detach()
        if page.url.startswith("http"):
            page.evaluate("sessionStorage.clear()")
        page.goto("about:blank")
        page.set_default_timeout(30_000)
        left.append(page)


@pytest.fixture(scope="session")
def tabs() -> Iterator[dict[str, Any]]:
    """Tabs that stay open, by the server that they show, with how many tests had failed when each was used last."""
    kept: dict[str, Any] = {}
    yield kept
    for page, _failed in kept.values():
        page.close()


@pytest.fixture
def tab(open_page: Callable[[], Any], tabs: dict[str, Any], request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Return a function that shows an address in the tab that is open on its server: ``tab(server, query)``.

    To open the app anew costs one to two seconds of processor time a test. The tab asks for the address as the
    Back button does, which runs the script again in the same session: an app for this begins anew where its query
    names another ``visit``. After a failed test the tab is a new one.
    """

    def show(server: str, query: str) -> Any:
        failed = request.session.testsfailed
        if server in tabs and tabs[server][1] != failed:
            tabs.pop(server)[0].close()
        if server not in tabs:
            page = open_page()
            Reader().take(page)
            page.frames_sent = []
            page.on("websocket", lambda socket: socket.on("framesent", lambda frame: page.frames_sent.append(frame)))
            page.goto(f"{server}/?{query}")
        else:
            page = tabs[server][0]
            page.bring_to_front()
            page.mouse.move(5, 5)
            page.evaluate(
                "(query) => { history.pushState(null, '', query); dispatchEvent(new PopStateEvent('popstate')); }",
                f"/?{query}",
            )
        tabs[server] = (page, failed)
        return page

    return show


@pytest.fixture
def visit(new_page: Any, serve: Any, settle: Any) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens the dashboard; at the end nobody but its own server may have been asked.

    ``visit(path, reader={"width": 400}, **link)``, where ``reader`` has the wishes of a Reader.
    """
    visits: list[Visit] = []

    def start(path: str = "", *, reader: dict[str, Any] | None = None, **link: Any) -> Visit:
        server = serve("app.py", HF_HUB_OFFLINE="1")
        visits.append(Visit(new_page(**(reader or {})), server, settle))
        return visits[-1].open(path, **link)

    yield start
    for each in visits:
        each.leave()
        outside = [url for url in each.requests if not url.startswith((each.server, "data:", "blob:"))]
        assert outside == []
        # on a deep link Streamlit first looks for its server below the page's path
        expected = r"404.*/_stcore/|page that you have requested does not seem to exist"
        assert [text for text in each.complaints if not re.search(expected, text)] == []
