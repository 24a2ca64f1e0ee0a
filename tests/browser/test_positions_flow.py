"""The Positions page in Chromium: a place of the mosaic is chosen by a click and from the keyboard."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000
LINK = "model=timm:test_vit&weights=random&size=112&patch=20"
"""7 × 7 places."""


def test_a_click_in_the_mosaic_chooses_the_place(new_page, serve, settle):
    page = new_page(f"{serve('app.py', HF_HUB_OFFLINE='1')}/positions?{LINK}")
    page.set_default_timeout(PATIENCE)
    mosaic = page.locator('.st-key-mosaic .places:not([data-ready=""])')
    mosaic.wait_for()
    picture = mosaic.locator(".picture")
    assert mosaic.get_attribute("data-chosen") == "20"
    box = picture.bounding_box()
    spot = {"x": 5.5 * box["width"] / 7, "y": 2.5 * box["height"] / 7}
    picture.hover(position=spot)
    page.locator('.st-key-mosaic .places[data-hover="19"]').wait_for()
    picture.click(position=spot)
    page.wait_for_url(re.compile(r"patch=19\b"))
    page.locator('.st-key-mosaic .places[data-chosen="19"]').wait_for()
    settle(page, PATIENCE)
    picture.focus()
    for key in ("PageDown", "Home", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile(r"patch=42\b"))
    page.get_by_text("row 7, column 1").first.wait_for()
