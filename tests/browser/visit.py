"""One reader's visit to the dashboard in Chromium, for the flows: what they do there, see and wait for."""

import base64
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from vitviz.ui.navigation import START, entries

SHOTS = Path(__file__).parents[2] / "screenshots"
QUICK = {"model": "timm:vit_tiny_patch16_224", "weights": "random"}
PAGES = {entry.name if entry.name != START else "": entry.title for entry in entries()}
PATIENCE = 120_000
"""Milliseconds that a busy machine may take for what takes a quarter of a second."""
FOCUSED = """() => {
  let node = document.activeElement;
  while (node && node.shadowRoot && node.shadowRoot.activeElement) node = node.shadowRoot.activeElement;
  return node ? `${node.className} ${node.getAttribute("role")}` : "";
}"""

CLIPBOARD = """async () => {
  const [item] = await navigator.clipboard.read(), reader = new FileReader();
  reader.readAsDataURL(await item.getType("image/png"));
  await new Promise((done) => { reader.onload = done; });
  return reader.result.split(",")[1];
}"""
"""The picture on the clipboard in base 64: as a list of numbers, its bytes take ten seconds to come here."""


class Visit:
    """One reader's browser tab, and what it asked and said."""

    def __init__(self, page, server, settle):
        self.page, self.server, self._settle = page, server, settle
        self.requests, self.complaints, self.frames = [], [], []
        page.set_default_timeout(PATIENCE)
        self._listeners = {"request": self._asked, "console": self._said, "websocket": self._connected}
        for event, listener in self._listeners.items():
            page.on(event, listener)

    def _asked(self, request):
        self.requests.append(request.url)

    def _said(self, message):
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _connected(self, socket):
        socket.on("framesent", self.keep_frame)

    def keep_frame(self, frame):
        self.frames.append(frame)

    def leave(self):
        """Listen no more: the tab goes to the next reader."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def open(self, path="", **link):
        self.page.goto(f"{self.server}/{path}" + (f"?{urlencode(link)}" if link else ""))
        return self.settle()

    def settle(self):
        self._settle(self.page, PATIENCE)
        return self

    @property
    def link(self):
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def wait_for_link(self, **wanted):
        """Wait until the address bar says this; None for a parameter that is left out."""

        def says(url):
            link = parse_qs(urlsplit(url).query)
            return all(
                link.get(name, [None])[0] == (None if value is None else str(value)) for name, value in wanted.items()
            )

        self.page.wait_for_url(says, timeout=PATIENCE)
        return self.settle()

    def find(self, selector):
        return self.page.locator(selector)

    @property
    def pages(self):
        """The titles in the navigation, without their icons."""
        texts = self.find('[data-testid="stSidebarNav"] a').all_inner_texts()
        return [text.split("\n")[-1] for text in texts]

    def viewer(self, key="viewer"):
        viewer = self.find(f'.st-key-{key} .viewer:not([data-ready=""])')
        viewer.wait_for()
        return viewer

    def shows(self, key="viewer", **data):
        self.viewer(key)
        for name, value in data.items():
            self.find(f'.st-key-{key} .viewer[data-{name}="{value}"]').wait_for()
        return self

    def point(self, patch, key="viewer", click=False, columns=14):
        photo = self.viewer(key).locator(".photo")
        box = photo.bounding_box()
        side = box["width"] / columns
        position = {"x": (patch % columns + 0.5) * side, "y": (patch // columns + 0.5) * side}
        photo.click(position=position) if click else photo.hover(position=position)

    def head(self, layer, head, **options):
        """Click a head of the atlas."""
        cells = self.find('.st-key-atlas .atlas:not([data-ready=""]) .cells')
        cells.wait_for()
        box = cells.bounding_box()
        cells.click(position={"x": (head + 0.5) * box["width"] / 3, "y": (layer + 0.5) * box["height"] / 12}, **options)

    def go(self, title, *, hidden=False):
        """Open a page by the navigation, which on a phone is hidden until it is asked for."""
        link = self.find('[data-testid="stSidebarNav"] a').filter(has=self.page.get_by_text(title, exact=True))
        if hidden:
            link.dispatch_event("click")
        else:
            link.click()
        return self.settle()

    def heading(self, text):
        self.page.get_by_role("heading", name=text).wait_for()
        return self.settle()

    def says(self, text):
        self.page.get_by_text(re.compile(text)).first.wait_for()

    def photo_is(self, name):
        self.find(f'.st-key-photo_picker .tile[data-photo="{name}"][aria-checked="true"]').wait_for()

    def tab_to(self, pattern):
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if re.search(pattern, self.page.evaluate(FOCUSED)):
                return
        raise AssertionError(f"the Tab key never reaches {pattern}")

    def copied(self, selector):
        """Press the copy button in a container and return the PNG that is on the clipboard then."""
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        copier = self.page.locator(f"{selector} .copier")
        copier.get_by_role("button").click()
        copier.locator("xpath=self::*[@data-state='copied']").wait_for()
        return base64.b64decode(self.page.evaluate(CLIPBOARD))

    def download(self, selector):
        """Click a download button and return what came: the file is made on the server, after the click."""
        self.settle()
        with self.page.expect_download() as waiting:
            self.find(selector).click()
        return waiting.value

    def shot(self, name):
        SHOTS.mkdir(exist_ok=True)
        size = self.page.viewport_size
        self.page.set_viewport_size({"width": size["width"], "height": 2200})  # the page scrolls inside the window
        self.page.wait_for_timeout(300)
        picture = self.page.screenshot(path=SHOTS / f"{name}.png")
        self.page.set_viewport_size(size)
        return picture
