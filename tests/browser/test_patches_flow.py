"""The Patches page in Chromium: a stroke changes the answer, a second one clears, keys paint, undo goes back."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000
LOSE_A_STROKE = """
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (message) {
  if (!new TextDecoder().decode(message).includes('"stroke"')) return send.call(this, message);
  WebSocket.prototype.send = send;
  window.lost = true;
};
"""
LINK = "model=timm:vit_tiny_patch16_224&weights=random&size=112&change=black"
"""7 × 7 patches."""


def test_a_stroke_changes_the_answer_and_undo_brings_it_back(new_page, serve, settle):
    page = new_page(f"{serve('app.py', HF_HUB_OFFLINE='1')}/patches?{LINK}&painted=none")
    page.set_default_timeout(PATIENCE)
    page.locator('.st-key-painter .painter:not([data-ready=""])').wait_for()
    settle(page, PATIENCE)  # what is still drawn above the canvas would move it during a stroke
    canvas = page.locator(".st-key-painter .canvas")

    def shows(count):
        page.locator(f'.st-key-painter .painter[data-painted="{count}"]').wait_for()

    def move_to(row, column):
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + (column + 0.5) * box["width"] / 7, box["y"] + (row + 0.5) * box["height"] / 7)

    def stroke(*places):
        move_to(*places[0])
        page.mouse.down()
        for place in places[1:]:
            move_to(*place)
        page.mouse.up()

    cosine = page.get_by_test_id("stMetricValue")
    assert cosine.inner_text() == "1.000"
    move_to(5, 0)
    page.mouse.down()
    move_to(5, 6)
    page.get_by_text("Patches changed").first.wait_for()  # while the stroke goes on
    page.wait_for_function("shown => shown.innerText !== '1.000'", arg=cosine.element_handle())
    assert "painted=none" in page.url, "the link holds finished strokes"
    page.mouse.up()
    shows(7)
    page.wait_for_url(re.compile(r"painted=7x7\.\w+"))
    page.get_by_role("button", name="Undo", exact=True).click()
    shows(0)
    page.wait_for_url(lambda url: "painted=none" in url)
    settle(page, PATIENCE)
    stroke((1, 1), (1, 4))  # a fast stroke leaves no gap
    shows(4)
    page.wait_for_url(re.compile(r"painted=7x7\.\w+"))
    page.get_by_text("Patches changed").first.wait_for()
    settle(page, PATIENCE)
    first = page.url
    page.wait_for_function("shown => shown.innerText !== '1.000'", arg=cosine.element_handle())
    stroke((1, 2))  # begins on a painted patch, so it clears
    shows(3)
    page.wait_for_url(lambda url: url != first)
    canvas.focus()
    for key in ("End", "ArrowDown", "Space", "Shift+ArrowLeft"):  # (1, 6), (2, 6) and (2, 5)
        page.keyboard.press(key)
    shows(5)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    shows(4)
    page.wait_for_url(first)
    page.get_by_role("button", name="Invert", exact=True).click()
    shows(45)
    page.wait_for_url(lambda url: url != first)
    page.evaluate(f"() => {{{LOSE_A_STROKE}}}")
    page.get_by_role("button", name="Clear", exact=True).click()  # and it is told again
    shows(0)
    page.wait_for_url(lambda url: "painted=none" in url)
    assert page.evaluate("window.lost")
    settle(page, PATIENCE)
    cosine.filter(has_text="1.000").wait_for()
