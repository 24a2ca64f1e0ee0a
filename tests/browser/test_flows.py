"""The dashboard as readers use it, in Chromium: links, photos, pins, layers, heads, keys, files, themes, widths.

Most flows run on a small model of random weights: what is tested is the dashboard, not what the model knows.
"""

import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from PIL import Image

from vitviz.ui.navigation import START, entries

pytestmark = pytest.mark.timeout(
    400
)  # a flow has many steps, each of which a busy machine may draw out
SHOTS = Path(__file__).parents[2] / "screenshots"
QUICK = {"model": "timm:vit_tiny_patch16_224", "weights": "random"}
PAGES = {entry.name if entry.name != START else "": entry.title for entry in entries()}
PATIENCE = 120_000
"""Milliseconds that a busy machine may take for what takes a quarter of a second."""
STALE = 1700
"""A link that was replaced less than 1.5 s ago is an echo of the browser, not a wish to go back."""
FOCUSED = """() => {
  let node = document.activeElement;
  while (node && node.shadowRoot && node.shadowRoot.activeElement) node = node.shadowRoot.activeElement;
  return node ? `${node.className} ${node.getAttribute("role")}` : "";
}"""


class Visit:
    """One reader's browser tab, and what it asked and said."""

    def __init__(self, page, server, settle):
        self.page, self.server, self._settle = page, server, settle
        self.requests, self.complaints, self.frames = [], [], []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on(
            "console",
            lambda message: (
                message.type == "error"
                and self.complaints.append(f"{message.text} {message.location['url']}")
            ),
        )
        page.on("websocket", lambda socket: socket.on("framesent", self.keep_frame))

    def keep_frame(self, frame):
        self.frames.append(frame)

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
                link.get(name, [None])[0] == (None if value is None else str(value))
                for name, value in wanted.items()
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
        cells.click(
            position={
                "x": (head + 0.5) * box["width"] / 3,
                "y": (layer + 0.5) * box["height"] / 12,
            },
            **options,
        )

    def go(self, title):
        self.find('[data-testid="stSidebarNav"]').get_by_role("link", name=title).click()
        return self.settle()

    def heading(self, text):
        self.page.get_by_role("heading", name=text).wait_for()
        return self.settle()

    def says(self, text):
        self.page.get_by_text(re.compile(text)).first.wait_for()

    def photo_is(self, name):
        self.find(
            f'.st-key-photo_picker .tile[data-photo="{name}"][aria-checked="true"]'
        ).wait_for()

    def tab_to(self, pattern):
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if re.search(pattern, self.page.evaluate(FOCUSED)):
                return
        raise AssertionError(f"the Tab key never reaches {pattern}")

    def shot(self, name):
        SHOTS.mkdir(exist_ok=True)
        size = self.page.viewport_size
        self.page.set_viewport_size(
            {"width": size["width"], "height": 2200}
        )  # the page scrolls inside the window
        self.page.wait_for_timeout(300)
        picture = self.page.screenshot(path=SHOTS / f"{name}.png")
        self.page.set_viewport_size(size)
        return picture


@pytest.fixture
def visit(new_page, serve, settle):
    """Return a function that opens the dashboard; at the end nobody but its own server may have been asked."""
    visits = []

    def start(path="", *, fresh=False, width=1280, height=900, options=None, **link):
        server = serve("app.py", fresh=fresh, HF_HUB_OFFLINE="1")
        visits.append(
            Visit(new_page(width=width, height=height, **(options or {})), server, settle)
        )
        return visits[-1].open(path, **link)

    yield start
    for each in visits:
        outside = [
            url for url in each.requests if not url.startswith((each.server, "data:", "blob:"))
        ]
        assert outside == []
        # on a deep link Streamlit first looks for its server below the page's path
        expected = r"404.*/_stcore/|page that you have requested does not seem to exist"
        assert [text for text in each.complaints if not re.search(expected, text)] == []


def png(seed=0, size=(300, 240)):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


# Links


def test_a_deep_link_is_the_first_thing_a_fresh_server_is_asked(visit):
    reader = visit("heads", fresh=True, layer=3, **QUICK).heading("Which head does what?")
    assert reader.pages == list(PAGES.values())
    reader.photo_is("red-panda")
    assert reader.find(".st-key-strip").is_visible()
    assert reader.link["layer"] == "3"
    assert reader.page.title() == "Heads · vitviz"
    reader.shot("heads")


def test_an_unknown_page_is_refused(visit):
    reader = visit("stray", **QUICK)
    reader.says("Page not found")
    reader.page.keyboard.press("Escape")
    reader.heading("What does a Vision Transformer see?")
    assert reader.pages == list(PAGES.values())


def test_the_shipped_model_is_shown_at_once(visit):
    reader = visit().heading("What does a Vision Transformer see?")
    assert reader.link["model"] == "default"
    assert reader.find('[data-testid="stMain"] [data-testid="stImage"] img').count() >= 1 + 1 + 12
    reader.shot("start")
    reader.page.get_by_role("link", name="Open Attention").click()
    reader.heading("Where does each patch look?").shows(layer=8, head="mean", query="class")
    assert reader.link["layer"] == "8"
    reader.shot("attention")


def test_pins_layers_and_reload_give_the_same_view(visit):
    reader = visit("attention", **QUICK).shows(layer=11)
    reader.find('.st-key-photo_picker .tile[data-photo="cat"]').click()
    reader.wait_for_link(example="cat")
    reader.photo_is("cat")
    sent = len(reader.frames)
    drawn = "canvas => canvas.toDataURL()"
    canvas = reader.viewer().locator(".photo canvas")
    before = canvas.evaluate(drawn)
    for patch in (20, 21, 50, 99, 130):
        reader.point(patch)
        reader.shows(hover=patch)
    assert canvas.evaluate(drawn) != before
    assert len(reader.frames) == sent  # hovering asks the server nothing
    reader.point(87, click=True)
    reader.wait_for_link(patch=87).shows(query=87)
    reader.viewer().locator(".previous").click()
    reader.wait_for_link(layer=10).shows(layer=10, query=87)
    reader.page.mouse.move(5, 5)
    reader.shows(hover="")
    link, row = reader.link, reader.viewer().evaluate("app => app.attentionRow(0)")
    reader.page.reload()
    reader.settle().shows(layer=10, query=87)
    assert reader.link == link
    assert reader.viewer().evaluate("app => app.attentionRow(0)") == row


def test_back_returns_to_the_view_and_to_the_page_before(visit):
    reader = visit("attention", patch=20, **QUICK).shows(query=20)
    reader.point(50, click=True)
    reader.wait_for_link(patch=50)
    reader.page.wait_for_timeout(STALE)
    reader.go("Heads").heading("Which head does what?")
    reader.wait_for_link(patch=50)
    reader.page.wait_for_timeout(STALE)
    for _ in range(4):
        if urlsplit(reader.page.url).path == "/attention":
            break
        reader.page.go_back()
        reader.page.wait_for_timeout(STALE)
    reader.heading("Where does each patch look?").wait_for_link(patch=50).shows(query=50)
    reader.page.wait_for_timeout(STALE)
    for _ in range(3):
        if reader.link.get("patch") == "20":
            break
        reader.page.go_back()
        reader.page.wait_for_timeout(STALE)
    reader.wait_for_link(patch=20).shows(query=20)


# Photos and models


def test_a_photo_is_uploaded_and_a_broken_one_is_told(visit):
    reader = visit("attention", example="cat", **QUICK).shows(query="class")
    chooser = reader.find('.st-key-upload input[type="file"]')
    chooser.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": png()[:2000]})
    reader.says("The picture is damaged or cut off")
    reader.photo_is("cat")
    assert reader.link["example"] == "cat"
    reader.shot("broken-upload")
    chooser.set_input_files({"name": "<b>mine</b>.png", "mimeType": "image/png", "buffer": png()})
    reader.wait_for_link(example="upload")
    reader.photo_is("upload")
    reader.shows(query="class")
    reader.find('.st-key-photo_picker .tile[data-photo="cat"]').click()
    reader.wait_for_link(example="cat")
    reader.find('.st-key-photo_picker .tile[data-photo="upload"]').click()
    reader.wait_for_link(example="upload")


def test_a_model_is_changed_and_offered_with_random_weights_where_there_is_no_network(visit):
    reader = visit("attention", **QUICK, size=112, patch=20).shows(layer=11)
    box = reader.find(".st-key-choice_model input")
    box.click()
    box.fill("timm:deit_tiny_distilled_patch16_224")
    reader.page.keyboard.press("Enter")
    reader.says("could not be downloaded")
    reader.shot("model-unavailable")
    assert reader.link["model"] == QUICK["model"]
    reader.find(".st-key-random_weights button").click()
    reader.wait_for_link(model="timm:deit_tiny_distilled_patch16_224", weights="random")
    reader.viewer().get_by_text("distillation").wait_for()
    reader.shows(query=20)


# Keys


def test_everything_is_reached_from_the_keyboard(visit):
    reader = visit("attention", **QUICK).shows(layer=11)
    press = reader.page.keyboard.press
    reader.tab_to(r"^tile radio")
    press("ArrowRight")
    tiles = reader.find(".st-key-photo_picker .tile")
    second = tiles.nth(1).get_attribute("data-photo")
    reader.wait_for_link(example=second)
    reader.photo_is(second)
    press("ArrowDown")  # the focus stayed in the group
    third = tiles.nth(2).get_attribute("data-photo")
    reader.wait_for_link(example=third)
    reader.tab_to(r"^photo application")
    for key in ("ArrowUp", "Home", "PageUp", "ArrowDown", "ArrowRight", "ArrowRight"):
        press(key)
    reader.shows(hover=16)
    press("Enter")
    reader.wait_for_link(patch=16).shows(query=16)
    press(",")
    reader.wait_for_link(layer=10).shows(layer=10, query=16)
    reader.tab_to(r"^step ")
    press("Enter")
    reader.wait_for_link(layer=9).shows(layer=9)
    reader.tab_to(r"^tile radio")
    press("ArrowRight")
    reader.wait_for_link(head="max").shows(head="max")


# Heads and rollout


def test_a_head_of_the_atlas_opens_on_the_attention_page(visit):
    reader = visit("heads", **QUICK).heading("Which head does what?")
    reader.head(4, 2)
    reader.heading("Where does each patch look?").shows(layer=4, head=2)
    reader.wait_for_link(layer=4, head=2)


def test_shift_click_switches_a_head_off_and_the_answers_change(visit):
    reader = visit("heads", **QUICK).heading("Which head does what?")
    answer = reader.find(".st-key-strip strong").inner_text()
    assert reader.find(".st-key-answers").count() == 0
    for layer in (0, 1):
        reader.head(layer, 1, modifiers=["Shift"])
        reader.wait_for_link(ablate="0.1" if layer == 0 else "0.1-1.1")
    reader.find(".st-key-answers .main-svg").first.wait_for()
    assert "L1·H1" in reader.find(".st-key-strip").inner_text()
    assert float(reader.find('[data-testid="stMetricValue"]').inner_text()) < 1
    reader.shot("heads-off")
    reader.go("Attention").shows(layer=11)
    assert "L1·H1" in reader.find(".st-key-strip").inner_text()
    assert reader.link["ablate"] == "0.1-1.1"
    assert answer


def test_the_rollout_is_scrubbed_through_the_layers(visit):
    reader = visit("rollout", **QUICK).shows("rollout_viewer", layer=11)
    reader.shot("rollout")
    reader.viewer("rollout_viewer").locator(".previous").click()
    reader.wait_for_link(end=10).shows("rollout_viewer", layer=10)
    thumbs = reader.find(".st-key-rollout_layers").get_by_role("slider")
    assert thumbs.nth(1).input_value() == "10"
    thumbs.nth(1).press("ArrowLeft")
    reader.wait_for_link(end=9).shows("rollout_viewer", layer=9)
    thumbs.nth(0).press("ArrowRight")
    reader.wait_for_link(start=1)
    reader.viewer("rollout_viewer").get_by_text("Rollout 1–9").first.wait_for()
    reader.point(30, "rollout_viewer", click=True)
    reader.wait_for_link(patch=30).shows("rollout_viewer", query=30)


def test_the_files_are_downloaded_with_the_readers_colours(visit, tmp_path):
    pictures = []
    for palette in ("viridis", "spotlight"):
        reader = visit("attention", palette=palette, opacity=1, patch=20, **QUICK).shows(query=20)
        reader.page.get_by_text("Share and export").click()
        with reader.page.expect_download() as waiting:
            reader.find(".st-key-download_png button").click()
        waiting.value.save_as(tmp_path / f"{palette}.png")
        with Image.open(tmp_path / f"{palette}.png") as picture:
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.5)
            pictures.append(np.asarray(picture.convert("RGB").resize((60, 60)), np.int16))
    assert waiting.value.suggested_filename == "vitviz-attention-layer11.png"
    assert np.abs(pictures[0] - pictures[1]).max() > 40


# Look


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1280)])
def test_every_page_fits_its_window_in_both_themes(visit, width, scheme):
    reader = visit(width=width, height=800, options={"color_scheme": scheme}, **QUICK)
    for path, title in PAGES.items():
        reader.open(path, **QUICK)
        if path in ("attention", "rollout"):
            reader.viewer("viewer" if path == "attention" else "rollout_viewer")
        reader.page.wait_for_timeout(300)
        wide = reader.page.evaluate(
            """() => [...document.querySelectorAll('html, [data-testid="stMain"]')]
                 .map((node) => node.scrollWidth - node.clientWidth)"""
        )
        assert max(wide) <= 0, title
        shot = Image.open(io.BytesIO(reader.shot(f"{title.lower()}-{scheme}-{width}"))).convert(
            "RGB"
        )
        pixels = np.asarray(shot)[:, -40:].mean()
        assert (pixels < 60) == (scheme == "dark"), title
        assert shot.getcolors(500) is None, f"{title} is blank"
