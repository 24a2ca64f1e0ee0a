"""Anatomy in Chromium: the steps are walked through, and the block's depth is chosen; the link follows."""

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000


def test_the_steps_are_walked_through(serve, new_page, settle):
    server = serve("app.py")
    page = new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{server}/anatomy?model=timm:vit_tiny_patch16_224&weights=random&layer=3")
    settle(page, PATIENCE)
    page.get_by_text("N = 14 × 14 = 196").wait_for()
    page.get_by_role("radio", name="5 Blocks").click()
    page.get_by_text("the equation holds").wait_for()
    page.locator(".st-key-choice_layer").get_by_role("slider").press("ArrowRight")
    page.wait_for_url("**layer=4**")
    settle(page, PATIENCE)
    assert "anatomy_step=blocks" in page.url
    page.get_by_role("radio", name="7 Answer").click()
    page.get_by_text("1000 logits").wait_for()
