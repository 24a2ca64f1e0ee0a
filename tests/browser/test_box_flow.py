"""The box of the Evidence page in Chromium: dragged, moved with the keys, removed; link and table follow."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000
LINK = "model=timm:vit_tiny_patch16_224&weights=random&size=64&methods=rollout"
"""4 × 4 patches of 16 pixels."""


def test_a_box_is_dragged_moved_and_removed(new_page, serve, settle):
    page = new_page(f"{serve('app.py', HF_HUB_OFFLINE='1')}/evidence?{LINK}")
    page.set_default_timeout(PATIENCE)
    page.locator('.st-key-evidence_box .drawer:not([data-ready=""])').wait_for()
    settle(page, PATIENCE)
    photo = page.locator(".st-key-evidence_box .photo")
    photo.scroll_into_view_if_needed()
    frame = photo.bounding_box()

    def at(x, y):
        return frame["x"] + x / 64 * frame["width"], frame["y"] + y / 64 * frame["height"]

    page.mouse.move(*at(40, 48))
    page.mouse.down()
    page.mouse.move(*at(30, 30))
    page.mouse.move(*at(8, 16))  # from the lower right to the upper left
    page.mouse.up()
    page.wait_for_url(re.compile(r"box=8\.16\.40\.48"))
    page.get_by_text("covers 25%").wait_for()
    settle(page, PATIENCE)
    photo.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.locator('.st-key-evidence_box .drawer[data-box="24.16.56.64"]').wait_for()
    assert "8.16.40.48" in page.url  # nothing is sent before Enter
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"box=24\.16\.56\.64"))
    page.get_by_text("covers 37.5%").wait_for()
    settle(page, PATIENCE)
    page.get_by_role("button", name="Remove the box").click()
    page.wait_for_url(lambda url: "box=" not in url)
    page.get_by_text("Drag over the photo").wait_for()
