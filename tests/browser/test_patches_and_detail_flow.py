"""Patches and detail in Chromium: a knob is moved by the keys, and picture, numbers and link follow."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
QUICK = "model=timm:vit_tiny_patch16_224&weights=random"


def test_a_patch_that_does_not_fit_is_told_and_the_object_is_found_again(serve, new_page, settle):
    page = new_page(f"{serve('app.py')}/patches_and_detail?{QUICK}&object_patch=15&object_size=8")
    page.set_default_timeout(120_000)
    page.get_by_text("the last 1 rows and columns would be in no token").wait_for()
    smallest = page.get_by_test_id("stMetric").filter(has_text="Smallest object")
    smallest.get_by_text("6.71 px").wait_for()
    knob = page.locator(".st-key-choice_object_patch").get_by_role("slider")
    knob.focus()
    knob.press("ArrowRight")
    smallest.get_by_text("6.93 px").wait_for()
    settle(page)
    assert page.get_by_text("would be in no token").count() == 0
    assert "object_patch" not in page.url  # 16 is the default
    page.locator(".st-key-draw_again button").click()
    page.wait_for_url(re.compile("draw=1"), timeout=120_000)
    settle(page)
