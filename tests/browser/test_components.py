"""The attention viewer and the head atlas in Chromium: exact numbers, local hovering, pins, keys, offline files."""

import itertools
import re
import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from vitviz.figures.export import html_of_figures
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.labs.long_range.contents import half
from vitviz.labs.long_range.windows import slide
from vitviz.ui.components.atlas_view import AtlasView
from vitviz.ui.components.attention_view import AttentionView
from vitviz.ui.components.board_view import BoardVerdict, BoardView
from vitviz.ui.components.film_view import FilmPanel, FilmView
from vitviz.ui.components.map_board import MapBoard, PlaceMaps
from vitviz.ui.components.sheet_view import SheetMatrix, SheetStage, SheetView
from vitviz.ui.components.standalone import fragment, standalone_html
from vitviz.ui.components.window_view import WindowView

APPS = Path(__file__).parent / "apps"
sys.path.insert(0, str(APPS))
import scene  # noqa: E402

VISITS = itertools.count()
READY = '.viewer:not([data-ready=""])'
FOCUS = """() => {
    let node = document.activeElement;
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
    return node?.outerHTML.slice(0, 200);
}"""


class Viewer:
    """The attention viewer on a page, with the places that the tests point at."""

    def __init__(self, page, name, root):
        self.page = page
        self.grid, self.heads = scene.GRIDS[name]
        self.app = page.locator(f"{root} {READY}")
        self.app.wait_for(timeout=30_000)
        self.photo = self.app.locator(".photo")

    def find(self, selector):
        return self.app.locator(selector)

    def middle(self, patch, corner=(0, 0)):
        """Return where a patch lies from a corner of the page."""
        box = self.photo.bounding_box()
        row, column = self.grid.position(patch)
        x = box["x"] + (column + 0.5) * box["width"] / self.grid.columns
        y = box["y"] + (row + 0.5) * box["height"] / self.grid.rows
        return x - corner[0], y - corner[1]

    def point(self, patch, click=False, **options):
        box = self.photo.bounding_box()
        x, y = self.middle(patch, (box["x"], box["y"]))
        act = self.photo.click if click else self.photo.hover
        act(position={"x": x, "y": y}, **options)

    def expect(self, **data):
        for name, value in data.items():
            self.page.wait_for_function(
                "([app, name, value]) => app.dataset[name] === value",
                arg=[self.app.element_handle(), name, str(value)],
                timeout=10_000,
            )

    def row(self, head):
        return np.array(self.app.evaluate("(app, head) => app.attentionRow(head)", head))

    def head(self, name):
        return self.find(".tiles").get_by_role("radio", name=re.compile(f"^{name}"))


@pytest.fixture
def open_viewer(new_page, tab, serve):
    """Return a function that opens a viewer: in the open tab, or in one of its own where the tab has options."""

    def start(query="", name="small", **options):
        visit, server = next(VISITS), serve(APPS / "viewer_app.py")
        query = f"visit={visit}&scene={name}&{query}"
        page = new_page(f"{server}/?{query}", **options) if options else tab(server, query)
        return Viewer(page, name, root=f".st-key-viewer_{visit}")

    return start


def says(page, text):
    """Wait until Python has answered with a text; where it does not, tell what the page says and where the focus is."""
    from playwright.sync_api import TimeoutError  # here, for the tests are collected without Playwright too

    try:
        page.get_by_text(re.compile(text)).wait_for(timeout=15_000)
    except TimeoutError:
        told = page.get_by_test_id("stText").all_inner_texts()
        state = page.get_by_test_id("stApp").get_attribute("data-test-script-state")
        focus = page.evaluate(FOCUS)
        pytest.fail(f"{text!r} was never said. The page says {told}; its script is {state}; the focus is on {focus}.")


def first_number(viewer, selector):
    return float(re.search(r"[\d.]+", viewer.find(selector).inner_text()).group())


def truth(name, layer=5):
    return scene.softmax_maps(*scene.queries_and_keys(name, layer))  # (heads, query, key)


# Exactness


@pytest.mark.parametrize("name", ["small", "registers", "distilled", "plain"])
def test_rows_equal_numpy(open_viewer, name):
    viewer = open_viewer(name=name)
    maps = truth(name)
    prefix = len(viewer.grid.prefix)
    for patch in (0, viewer.grid.columns, viewer.grid.patches - 1):
        viewer.point(patch)
        viewer.expect(hover=patch)
        for head in range(viewer.heads):
            assert np.abs(viewer.row(head) - maps[head, prefix + patch]).max() <= 1e-6
        assert np.abs(viewer.row("mean") - maps[:, prefix + patch].mean(axis=0)).max() <= 1e-6
        assert np.abs(viewer.row("max") - maps[:, prefix + patch].max(axis=0)).max() <= 1e-6


@pytest.mark.parametrize("query", ["", "maps=1"])
def test_columns_equal_numpy(open_viewer, query):
    viewer = open_viewer(query, name="registers")
    maps = truth("registers")
    viewer.find(".direction").get_by_role("radio", name="Attended by").click()
    viewer.expect(direction="attended_by")
    viewer.point(7)
    viewer.expect(hover=7)
    for head in range(viewer.heads):
        assert np.abs(viewer.row(head) - maps[head, :, 5 + 7]).max() <= 1e-6
    assert viewer.find(".query-name").inner_text() == "Key"
    share = maps.mean(axis=0)[:5, 12].sum() / maps.mean(axis=0)[:, 12].sum()
    assert first_number(viewer, ".special-value") == pytest.approx(100 * share, rel=5e-3)


def test_maps_given_whole_are_shown_as_they_are(open_viewer):
    viewer = open_viewer("maps=1", name="registers")
    viewer.point(23)
    viewer.expect(hover=23)
    expected = truth("registers").astype(np.float32)[2, 5 + 23]
    assert np.array_equal(viewer.row(2).astype(np.float32), expected)


def test_numbers_on_the_page_are_the_numbers_of_the_map(open_viewer):
    viewer = open_viewer(name="registers")
    row = truth("registers")[1, 0]  # head 1, the class token's
    viewer.head("L5·H1").click()
    viewer.expect(head=1)
    best = int(row[5:].argmax())
    at = viewer.grid.position(best)
    assert f"row {at[0] + 1}, column {at[1] + 1}" in viewer.find(".strongest-value").inner_text()
    assert first_number(viewer, ".strongest-value") == pytest.approx(100 * row[5 + best], rel=5e-3)
    assert first_number(viewer, ".special-value") == pytest.approx(100 * row[:5].sum(), rel=5e-3)
    assert "1/29" in viewer.find(".marks").inner_text()
    assert "3.45%" in viewer.find(".marks").inner_text()


# Pointer


def test_hovering_repaints_and_sends_nothing(open_viewer):
    viewer = open_viewer()
    viewer.page.wait_for_timeout(500)
    before = len(viewer.page.frames_sent)
    drawn = viewer.photo.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    for patch in range(100, 140, 3):
        viewer.point(patch)
        viewer.expect(hover=patch)
    assert viewer.photo.locator("canvas").evaluate("canvas => canvas.toDataURL()") != drawn
    viewer.page.mouse.move(5, 5)
    viewer.expect(hover="", query="class")
    viewer.page.wait_for_timeout(300)
    assert viewer.photo.locator("canvas").evaluate("canvas => canvas.toDataURL()") == drawn
    assert len(viewer.page.frames_sent) == before
    says(viewer.page, "^runs 1 changes 0$")


def test_a_click_pins_and_tells_python(open_viewer):
    viewer = open_viewer()
    viewer.point(37, click=True)
    viewer.expect(query=37)
    says(viewer.page, "^query=37 head=mean direction=attends_to layer=5$")
    viewer.page.mouse.move(5, 5)
    viewer.expect(query=37, hover="")
    says(viewer.page, "changes 1$")


@pytest.mark.parametrize("query", ["", "mirror=0"])
def test_rapid_clicks_end_on_the_last_one(open_viewer, query):
    viewer = open_viewer(query)
    for patch in (3, 30, 77, 120, 200, 255):
        viewer.point(patch, click=True)
    says(viewer.page, "^query=255 ")
    viewer.page.wait_for_timeout(800)
    viewer.expect(query=255)
    says(viewer.page, "^query=255 ")


def test_clicking_the_pinned_patch_again_does_not_run_the_script(open_viewer):
    viewer = open_viewer()
    viewer.point(37, click=True)
    says(viewer.page, "^runs 2 changes 1$")
    viewer.point(37, click=True)
    viewer.page.wait_for_timeout(500)
    says(viewer.page, "^runs 2 changes 1$")


def test_shift_reads_a_weight_without_moving_the_query(open_viewer):
    viewer = open_viewer(name="registers")
    viewer.page.keyboard.down("Shift")
    viewer.point(9)
    viewer.page.keyboard.up("Shift")
    viewer.expect(hover="", query="class")
    weight = truth("registers").mean(axis=0)[0, 5 + 9]
    text = viewer.find(".pointer-value").inner_text()
    assert "row 2, column 4" in text
    assert float(text.split("%")[0]) == pytest.approx(100 * weight, rel=5e-3)
    assert float(re.search(r"([\d.]+) ×", text).group(1)) == pytest.approx(29 * weight, rel=0.06)


def test_pointing_at_a_small_map_reads_that_patch_in_every_head(open_viewer):
    viewer = open_viewer(name="registers")
    canvas = viewer.head("L5·H2").locator("canvas")
    box = canvas.bounding_box()
    canvas.hover(position={"x": 2.5 * box["width"] / 6, "y": 3.5 * box["height"] / 4})
    viewer.find(".pointer-value").get_by_text("row 4, column 3").wait_for()
    for head in range(3):
        shown = viewer.head(f"L5·H{head}").locator(".value").inner_text()
        weight = truth("registers")[head, 0, 5 + 3 * 6 + 2]
        assert float(shown.removesuffix("%")) == pytest.approx(100 * weight, rel=5e-2)


def test_a_small_map_chooses_the_head(open_viewer):
    viewer = open_viewer()
    viewer.head("L5·H3").click()
    viewer.expect(head=3)
    says(viewer.page, "head=3 ")
    viewer.head("max").click()
    says(viewer.page, "head=max ")


def test_chips_are_queries_and_show_their_own_weight(open_viewer):
    viewer = open_viewer(name="registers")
    chip = viewer.find(".chips").get_by_role("button", name=re.compile("register 2"))
    weight = truth("registers").mean(axis=0)[0, 2]
    assert float(chip.locator("output").inner_text().removesuffix("%")) == pytest.approx(100 * weight, rel=1e-2)
    chip.click()
    viewer.expect(query="register 2")
    assert chip.get_attribute("aria-pressed") == "true"
    says(viewer.page, "^query=register 2 ")
    assert np.abs(viewer.row(0) - truth("registers")[0, 2]).max() <= 1e-6


def test_a_grid_that_is_not_square_keeps_its_shape(open_viewer):
    viewer = open_viewer(name="registers")
    box = viewer.photo.bounding_box()
    assert box["width"] / box["height"] == pytest.approx(6 / 4, rel=0.01)
    viewer.point(23, click=True)
    says(viewer.page, "^query=23 ")


# Keyboard


def test_the_keyboard_alone_moves_pins_and_returns(open_viewer):
    viewer = open_viewer()
    press = viewer.page.keyboard.press
    viewer.photo.focus()
    press("ArrowRight")
    viewer.expect(hover=8 * 16 + 8)  # from the class token to the middle
    for key, patch in [("ArrowLeft", 135), ("ArrowUp", 119), ("ArrowDown", 135), ("Home", 128)]:
        press(key)
        viewer.expect(hover=patch)
    for key, patch in [("End", 143), ("PageUp", 15), ("ArrowUp", 15), ("PageDown", 255)]:
        press(key)
        viewer.expect(hover=patch)
    press("Escape")
    viewer.expect(hover="", query="class")
    press("ArrowRight")
    press("Enter")
    viewer.expect(query=136)
    says(viewer.page, "^query=136 ")
    assert viewer.photo.evaluate("photo => photo.matches(':focus')")
    press("ArrowRight")
    viewer.expect(hover=137)


def test_every_control_is_reached_and_works_from_the_keyboard(open_viewer):
    viewer = open_viewer(name="registers")
    press = viewer.page.keyboard.press
    viewer.find(".chip").first.focus()
    for _ in range(5):
        press("Tab")
    assert viewer.photo.evaluate("photo => photo.matches(':focus')")
    press("Tab")
    press("Tab")
    press("Tab")  # previous layer, next layer, direction
    press("ArrowRight")
    says(viewer.page, "direction=attended_by ")
    press("Tab")
    press("ArrowRight")
    viewer.expect(head="max")
    press("ArrowRight")
    viewer.expect(head=0)
    says(viewer.page, "head=0 ")
    press("Tab")
    press("ArrowRight")
    says(viewer.page, "scale=layer ")
    press("Tab")
    press("ArrowLeft")
    says(viewer.page, "palette=spotlight")
    press("Tab")
    press("ArrowRight")
    says(viewer.page, "opacity=0.65 ")
    press("Tab")
    press("Space")
    says(viewer.page, "hide=False ")


def test_brackets_change_the_opacity_and_send_it_once(open_viewer):
    viewer = open_viewer()
    viewer.photo.focus()
    for _ in range(4):
        viewer.page.keyboard.press("]")
    says(viewer.page, "opacity=0.8 ")
    viewer.page.keyboard.press("[")
    says(viewer.page, "opacity=0.75 ")
    says(viewer.page, "changes 2$")


def test_the_summary_is_spoken(open_viewer):
    viewer = open_viewer(name="registers")
    viewer.photo.focus()
    viewer.page.keyboard.press("Home")
    live = viewer.find('[role="status"]')
    live.get_by_text(re.compile("^mean: row 3, column 4 attends most to row")).wait_for(state="attached")
    assert live.inner_text().count("%") == 4  # three patches and the special tokens
    assert viewer.photo.get_attribute("role") == "application"


# Layers and data from Python


@pytest.mark.parametrize("query", ["", "mirror=0"])
def test_another_layer_keeps_pin_and_focus(open_viewer, query):
    viewer = open_viewer(query)
    viewer.point(37, click=True)
    says(viewer.page, "^query=37 ")
    viewer.photo.focus()
    viewer.page.keyboard.press(".")
    viewer.expect(layer=6, query=37)
    says(viewer.page, "^query=37 .* layer=6$")
    assert viewer.photo.evaluate("photo => photo.matches(':focus')")
    viewer.page.mouse.move(5, 5)
    assert np.abs(viewer.row(4) - truth("small", layer=6)[4, 38]).max() <= 1e-6
    assert viewer.head("L6·H4").count() == 1
    viewer.page.keyboard.press(",")
    viewer.expect(layer=5, query=37)


def test_layer_buttons_can_be_pressed_faster_than_python_answers(open_viewer):
    viewer = open_viewer()
    for _ in range(3):
        viewer.find(".next").click()
    viewer.expect(layer=8)
    says(viewer.page, "layer=8$")
    for _ in range(12):
        viewer.page.keyboard.press(".")
    viewer.expect(layer=11)
    assert viewer.find(".next").is_disabled()


def test_layers_are_played_and_scrubbed_in_the_browser(open_viewer):
    viewer = open_viewer("film=1", motion="no-preference")
    viewer.find(".scrub").focus()
    viewer.page.keyboard.press("Home")
    viewer.expect(layer=0)
    assert viewer.page.get_by_text("changes 0").count() == 1  # at once, before Python is asked
    assert np.abs(viewer.row(2) - truth("small", layer=0)[2, 0]).max() <= 1e-6
    says(viewer.page, "layer=0$")  # where it stays, hovering needs its queries and keys
    viewer.point(37, click=True)
    says(viewer.page, "^query=37 .* layer=0$")
    viewer.photo.focus()
    viewer.page.keyboard.press("l")
    viewer.expect(layer=2, playing="true")
    viewer.point(5)  # reads the pinned token's map while another layer is on show
    assert viewer.app.get_attribute("data-hover") == ""
    viewer.page.keyboard.press("l")
    viewer.expect(playing="false")
    says(viewer.page, "layer=[23]$")
    changes = viewer.page.get_by_text(re.compile("changes")).inner_text()
    assert changes.endswith("changes 3"), "the film tells Python where it stops, not every layer"


def test_a_finger_that_rests_scans_and_one_that_moves_on_scrolls(open_viewer):
    viewer = open_viewer(touch=True, width=390, height=500)
    page, places = viewer.page, {patch: viewer.middle(patch) for patch in (5, 37, 82)}
    devices = page.context.new_cdp_session(page)
    top = "() => document.querySelector('[data-testid=stMain]').scrollTop"

    def touch(kind, *points):
        spots = [{"x": x, "y": y} for x, y in points]
        devices.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": spots})

    def swipe(start, end, rest=0):
        touch("Start", start)
        page.wait_for_timeout(rest)
        for part in (0.25, 0.5, 0.75, 1):
            touch("Move", tuple(a + part * (b - a) for a, b in zip(start, end, strict=True)))
            page.wait_for_timeout(20)

    pinned = viewer.app.get_attribute("data-query")
    swipe(places[82], places[5], rest=300)
    assert viewer.app.get_attribute("data-hover") == "5"  # upwards too: the page stands still
    assert page.evaluate(top) == 0
    touch("End")
    viewer.expect(query=5)  # where the finger is lifted
    says(page, "^query=5 ")
    swipe(places[82], places[5])
    touch("End")
    page.wait_for_function(f"() => ({top})() > 20")
    assert viewer.app.get_attribute("data-query") == "5" != pinned


def test_small_maps_and_the_large_one_say_whether_their_scales_differ(open_viewer):
    viewer = open_viewer()
    for scope, words in (("map", "Scales differ"), ("layer", "one scale"), ("absolute", "one scale")):
        viewer.find(".scale").locator(f"[data-value={scope}]").click()
        assert words in viewer.find(".scales").inner_text()


def test_python_can_choose_the_query(open_viewer):
    viewer = open_viewer()
    for patch in (37, 37, 99):  # 37 again is news after Python's own wish
        viewer.point(patch, click=True)
        says(viewer.page, f"^query={patch} ")
        viewer.page.get_by_role("button", name="patch 7").click()
        viewer.expect(query=7, hover="")
        says(viewer.page, "^query=7 ")


# Colours


def cell_colour(viewer, patch):
    """Colour in the middle of a patch of the large map."""
    return viewer.photo.locator("canvas").evaluate(
        """(canvas, [row, column, rows, columns]) => {
          const x = (column + 0.5) * canvas.width / columns, y = (row + 0.5) * canvas.height / rows;
          return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        }""",
        [*viewer.grid.position(patch), viewer.grid.rows, viewer.grid.columns],
    )


def expected_colour(weight, top):
    from vitviz.figures.palettes import table

    return [*table("viridis")[int(min(255, np.floor(255 * weight / top + 0.5)))], 255]


@pytest.mark.parametrize("hide", [True, False])
def test_colours_follow_the_scale(open_viewer, hide):
    viewer = open_viewer("model=1", name="registers")
    viewer.head("L5·H1").click()
    for _ in range(8):
        viewer.page.keyboard.press("]")  # opaque: the colour is the table's
    viewer.find(".hide").set_checked(hide)
    maps = truth("registers")[:, 0]  # (heads, key) of the class token
    first = 5 if hide else 0
    for scale, label, top in (
        ("absolute", "0–100%", 1.0),
        ("model", "Whole model", 0.5),
        ("layer", "This layer", maps[:, first:].max()),
        ("map", "This map", maps[1, first:].max()),
    ):
        viewer.find(".scale").get_by_role("radio", name=label, exact=True).click()
        viewer.page.mouse.move(5, 5)
        for patch in (0, 9, int(maps[1, 5:].argmax())):
            shown = np.array(cell_colour(viewer, patch))
            assert np.abs(shown - expected_colour(maps[1, 5 + patch], top)).max() <= 1, label
        says(viewer.page, f"^scale={scale} hide={hide} opacity=1 ")


def test_opacity_zero_shows_the_photo_alone(open_viewer):
    viewer = open_viewer(name="registers")
    viewer.find(".opacity").fill("0")
    says(viewer.page, "opacity=0")
    photo = np.asarray(scene.photo(viewer.grid))
    left, upper, right, lower = viewer.grid.box(0)
    expected = photo[(upper + lower) // 2, (left + right) // 2]
    assert np.abs(np.array(cell_colour(viewer, 0))[:3] - expected).max() <= 6


def test_the_spotlight_darkens_what_has_little_weight(open_viewer):
    viewer = open_viewer(name="registers")
    viewer.find(".palette").get_by_role("radio", name="Spotlight").click()
    says(viewer.page, "palette=spotlight")
    viewer.page.mouse.move(5, 5)
    weights = truth("registers").mean(axis=0)[0, 5:]
    photo = np.asarray(scene.photo(viewer.grid)).astype(float)
    kept = []
    for patch in (int(weights.argmax()), int(weights.argmin())):
        left, upper, right, lower = viewer.grid.box(patch)
        under = photo[(upper + lower) // 2, (left + right) // 2].sum()
        kept.append(sum(cell_colour(viewer, patch)[:3]) / under)
    assert kept[0] == pytest.approx(1, abs=0.05)
    assert kept[1] == pytest.approx(0.4 + 0.6 * weights.min() / weights.max(), abs=0.05)


def test_interpolation_is_off_until_asked_for(open_viewer):
    viewer = open_viewer(name="registers")
    count = """canvas => new Set(new Uint32Array(
        canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
    canvas = viewer.head("L5·H0").locator("canvas")
    cells = canvas.evaluate(count)
    viewer.find(".interpolate").check()
    says(viewer.page, "^scale=map")
    assert cells <= 24
    assert canvas.evaluate(count) > 2 * cells


# Width, theme, size


def test_a_narrow_page_is_a_stack_without_sideways_scrolling(open_viewer):
    viewer = open_viewer(width=390, height=800)
    photo, tiles = viewer.photo.bounding_box(), viewer.find(".tiles").bounding_box()
    assert tiles["y"] > photo["y"] + photo["height"]
    assert viewer.app.evaluate("app => app.scrollWidth <= app.clientWidth")
    assert photo["width"] > 250  # as large as leaves the first heads in sight


def test_text_has_contrast_in_both_themes(open_viewer):
    ratio = """app => {
      const light = (colour) => {
        const canvas = document.createElement("canvas").getContext("2d");
        canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
          .map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const style = (selector, name) => getComputedStyle(app.querySelector(selector))[name];
      const paper = light(style(".readout", "backgroundColor"));
      return [".readout dt", ".readout b", ".segment", ".hint", ".value"].map((selector) => {
        const [a, b] = [paper, light(style(selector, "color"))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
      });
    }"""
    for scheme in ("light", "dark"):
        viewer = open_viewer(colours=scheme)
        assert min(viewer.app.evaluate(ratio)) >= 4.5, scheme


@pytest.mark.parametrize("name", ["small", "large"])
def test_hovering_repaints_within_a_frame(open_viewer, name):
    viewer = open_viewer(name=name)
    patches = np.random.default_rng(0).integers(0, viewer.grid.patches, 20)
    for patch in patches:
        viewer.point(int(patch))
    times = viewer.app.evaluate("app => app.paintTimes()")
    print(f"{name}: median {np.median(times):.2f} ms, longest {max(times):.1f} ms of {len(times)}")
    assert np.median(times) < 16


def test_columns_of_a_large_model_come_without_freezing_the_page(open_viewer):
    viewer = open_viewer(name="large")
    viewer.page.evaluate(
        """() => { window.longest = 0; let last = performance.now();
        const tick = () => { const now = performance.now();
          window.longest = Math.max(window.longest, now - last); last = now; setTimeout(tick, 0); };
        tick(); }"""
    )
    viewer.find(".direction").get_by_role("radio", name="Attended by").click()
    viewer.page.wait_for_function(
        "app => app.dataset.direction === 'attended_by'", arg=viewer.app.element_handle(), timeout=60_000
    )
    viewer.point(500)
    viewer.expect(hover=500)
    key = 1 + 500
    queries, keys = (array[3].astype(np.float64) for array in scene.queries_and_keys("large", 5))
    scores = queries @ keys.T
    largest = scores.max(axis=1, keepdims=True)
    column = np.exp(scores - largest)[:, key] / np.exp(scores - largest).sum(axis=1)
    assert np.abs(viewer.row(3) - column).max() <= 1e-6
    assert viewer.page.evaluate("window.longest") < 1000


# Files


def attention_file(folder, name):
    grid, _ = scene.GRIDS[name]
    queries, keys = scene.queries_and_keys(name, 5)
    view = AttentionView(
        photo=scene.png(scene.photo(grid)), grid=grid, layer=5, layers=12, query="class", queries=queries, keys=keys
    )
    path = folder / "attention.html"
    html = standalone_html(view, title="Bird & <hill>", caption="Offline.")
    path.write_text(html, encoding="utf-8")
    return path


def test_the_html_file_works_offline(new_page, tmp_path):
    page = new_page(offline=True)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(attention_file(tmp_path, "registers").as_uri())
    viewer = Viewer(page, "registers", root="#component")
    assert page.title() == "Bird & <hill>"
    viewer.point(9)
    viewer.expect(hover=9)
    assert np.abs(viewer.row(1) - truth("registers")[1, 5 + 9]).max() <= 1e-6
    viewer.point(9, click=True)
    page.mouse.move(1, 1)
    viewer.expect(query=9, hover="")
    viewer.find(".direction").get_by_role("radio", name="Attended by").click()
    viewer.expect(direction="attended_by")
    assert not viewer.find(".stepper").is_visible()
    page.keyboard.press(".")
    viewer.expect(layer=5)
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


def test_a_board_its_windows_and_a_sheet_of_matrices_work_offline_on_one_page(new_page, tmp_path):
    picture = np.full((8, 16, 3), 200, np.uint8)
    board = BoardView(
        picture=picture, rows=1, columns=2, names=["half", ""], free=[1], chosen=0, partner=None, attention=None,
        uniform=0.5, from_class=False, reach=0,
        labels={name: name for name in ("board", "hint", "summary", "empty", "right", "luck", "wrong", "comma")}
        | {"place": "{row} {column}", "truth": "truth: {answer}", "sure": "{share}"},
        networks=[("ViT", "#0072b2")], answers=["none", "some"],
        verdicts={0: {0: BoardVerdict(0, (0,), (0.9,), (True,), "as it is"),
                      1: BoardVerdict(1, (1,), (0.8,), (True,), "moved")}},
    )  # fmt: skip
    windows = slide(np.array([[half(0, 0), half(0, 1)]]), 1)
    counter = WindowView(picture=picture, rows=1, columns=2, windows=windows, names={0: "disc"})
    square = {"title": "", "rows": ["1"], "columns": ["1"], "values": np.ones((1, 1)), "editable": True}
    stage = {"words": "", "equation": "", "kind": "product", "left": "A", "right": "B"}
    sheet = SheetView(
        matrices=[SheetMatrix(symbol=symbol, **square) for symbol in "ABCD"],
        stages=[SheetStage(title=f"to {result}", result=result, **stage) for result in "CD"],
    )
    path = tmp_path / "lesson.html"
    path.write_text(
        html_of_figures(
            {"F": go.Figure(go.Scatter(x=[0, 1], y=[1, 2]))}, "Lesson", opening=fragment(board, counter, sheet)
        ),
        "utf-8",
    )
    page = new_page(offline=True)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    box = page.locator("#component-1 .board").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3 * box["width"] / 4, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    assert page.locator("#component-1 .truth").inner_text() == "truth: some"
    page.locator("#component-2 .back").click()
    assert page.locator("#component-2 .windows").get_attribute("data-total") == "1"
    page.locator("#component-3").get_by_role("radio", name="to D").click()
    assert page.locator("#component-3 .sheet").get_attribute("data-stage") == "1"
    assert not page.locator("#component-3 input").count(), "nobody calculates with another number here"
    assert not wrong


def test_the_atlas_file_works_offline(new_page, tmp_path):
    page = new_page(offline=True)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    path = tmp_path / "atlas.html"
    view = AtlasView(values=values, label="Entropy", unit="nats")
    path.write_text(standalone_html(view, title="Atlas", caption="Offline."), encoding="utf-8")
    page.goto(path.as_uri())
    page.locator(".cells").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".readout").inner_text().split() == ["L1·H1", "4.00", "nats", "rank", "2", "of", "6"]


def test_the_film_of_a_model_of_two_layers_has_tiles_and_what_is_missing_is_hatched(new_page, tmp_path):
    page = new_page(offline=True)
    panel = FilmPanel(title="Map", levels=np.zeros((2, 4, 4), np.uint8), captions=("a", "b"), missing=(1,))
    photo = scene.png(Image.fromarray(np.full((32, 32, 3), 90, np.uint8)))
    view = FilmView(
        name="F", photo=photo, size=(32, 32), panels=(panel,), frames=("0", "1"), ends=("0", "1"), tiles=True
    )
    path = tmp_path / "film.html"
    path.write_text(standalone_html(view, title="Film", caption="Offline."), encoding="utf-8")
    page.goto(path.as_uri())
    page.locator('.film:not([data-ready=""])').wait_for()
    assert min(box["width"] for box in (tile.bounding_box() for tile in page.locator(".tile").all())) > 150
    dashed = "nodes => nodes.map(node => getComputedStyle(node).borderTopStyle)"
    assert page.locator(".tile canvas").evaluate_all(dashed) == ["none", "dashed"]
    alpha = "canvas => canvas.getContext('2d').getImageData(5, 5, 1, 1).data[3]"
    assert [tile.evaluate(alpha) for tile in page.locator(".tile canvas").all()] == [255, 0]


def test_the_board_of_maps_is_read_in_all_panels_and_shows_the_map_of_a_place(new_page, tmp_path):
    page = new_page(offline=True)
    photo = np.full((32, 32, 3), 90, np.uint8)
    share = Panel("Share", photo, np.array([[0.5, 0.0332], [1e-7, 0.4667]]), Scale(0, 0.5, 1 / 4))
    signed = Panel("Signed", photo, np.arange(-8.0, 8).reshape(4, 4), Scale(-8, 8, signed=True))
    cosine = Panel("Cosine", map=np.eye(2), scale=Scale(-1, 1, signed=True))
    maps = np.eye(4).reshape(4, 2, 2)
    board = MapBoard(
        name="Maps", panels=[share, signed, Panel("Photo", photo)], places=PlaceMaps(panel=cosine, maps=maps, chosen=3)
    )
    path = tmp_path / "maps.html"
    path.write_text(standalone_html(board, title="Maps", caption="Offline."), encoding="utf-8")
    page.goto(path.as_uri())
    page.locator('.maps:not([data-ready=""])').wait_for()
    assert page.locator(".panel").count() == 4
    values = page.locator(".value")
    page.locator(".panel:nth-child(2) .map").focus()
    page.keyboard.press("ArrowDown")  # from nowhere to the middle
    assert values.all_inner_texts() == ["row 2, column 2: 1", "row 2, column 2: 46.7%", "row 4, column 4: 7"]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert values.all_inner_texts() == [
        "row 1, column 2: 1",
        "row 1, column 2: 3.32%",
        "row 2, column 4: -1".replace("-", "−"),
    ]
    page.keyboard.press("Escape")
    assert values.all_inner_texts() == ["", "", ""]
    page.locator(".panel:nth-child(1) .map").hover(position={"x": 5, "y": 5})
    assert values.first.inner_text() == "row 1, column 1: 0"


# Head atlas


@pytest.fixture
def atlas(tab, serve):
    visit = next(VISITS)
    page = tab(serve(APPS / "atlas_app.py"), f"visit={visit}")
    locator = page.locator(f'.st-key-atlas_{visit} .atlas:not([data-ready=""])')
    locator.wait_for()
    return locator


def point_at_head(atlas, layer, head, **options):
    box = atlas.locator(".cells").bounding_box()
    place = {"x": (head + 0.5) * box["width"] / 6, "y": (layer + 0.5) * box["height"] / 12}
    act = atlas.locator(".cells").click if options else atlas.locator(".cells").hover
    act(position=place, **{name: value for name, value in options.items() if name != "click"})


def atlas_values():
    depth = np.linspace(1, 7, 12)[:, None]
    noise = np.random.default_rng(0).normal(size=(12, 6))
    return (depth + noise * (5 - depth / 2) / 3).astype(np.float32)


def test_the_atlas_reads_number_and_rank_under_the_pointer(atlas):
    point_at_head(atlas, 7, 4)
    values = atlas_values()
    values[4, 2] = np.nan
    rank = int((values > values[7, 4]).sum()) + 1
    text = atlas.locator(".readout").inner_text().replace("\n", " ")
    assert text.split() == f"L7·H4 {values[7, 4]:.2f} patches rank {rank} of 71".split()
    point_at_head(atlas, 4, 2)
    assert atlas.locator(".readout").inner_text().split() == ["L4·H2", "no", "value"]


def test_the_atlas_shows_the_mean_of_each_layer_without_its_missing_head(atlas):
    values = atlas_values()
    values[4, 2] = np.nan
    shown = [float(text) for text in atlas.locator(".mean span").all_inner_texts()]
    assert shown == pytest.approx(np.nanmean(values, axis=1), rel=5e-3)


def test_a_click_picks_a_head_once(atlas):
    point_at_head(atlas, 9, 1, click=True)
    says(atlas.page, r"^runs 2 picked \(9, 1\)")
    atlas.page.mouse.move(5, 5)
    assert atlas.get_attribute("data-selected") == "L9·H1"
    point_at_head(atlas, 9, 2, modifiers=["Shift"])
    says(atlas.page, r"^runs 3 picked None ticked \[\(9, 2\), \(11, 2\)\]$")
    assert atlas.get_attribute("data-ticked") == "L9·H2 L11·H2"


def test_the_atlas_works_from_the_keyboard(atlas):
    cells = atlas.locator(".cells")
    cells.focus()
    for key in ("ArrowDown", "ArrowRight", "x"):
        atlas.page.keyboard.press(key)
    says(atlas.page, r"ticked \[\(6, 4\), \(11, 2\)\]$")
    atlas.page.keyboard.press("x")
    says(atlas.page, r"ticked \[\(11, 2\)\]$")
    atlas.page.keyboard.press("PageUp")
    atlas.page.keyboard.press("Enter")
    says(atlas.page, r"picked \(0, 4\)")
    assert cells.evaluate("cells => cells.matches(':focus')")
