"""Attention from scratch in Chromium: the keys move the temperature to its limit, a button takes the table back."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
QUICK = "model=timm:vit_tiny_patch16_224&weights=random&size=64"
TOKENS = "9_9_9_9~0_0_0_0~0_0_0_0~0_0_0_0~0_0_0_0"


def test_the_limit_is_reached_by_the_slider_and_the_table_goes_back(serve, new_page, settle):
    address = f"{serve('app.py')}/attention_from_scratch?{QUICK}&tau=0.05&tokens={TOKENS}"
    page = new_page(address)
    page.set_default_timeout(120_000)
    knob = page.locator(".st-key-choice_tau").get_by_role("slider")
    knob.press("ArrowLeft")
    page.get_by_text("query by query: 1, 5, 5, 5, 5").wait_for()  # empty queries tie everywhere
    page.wait_for_url(re.compile(r"tau=0(&|$)"))
    settle(page)
    page.get_by_text("Edit the queries and keys").click()
    settle(page)
    page.locator(".st-key-tokens_back button").click()
    page.get_by_text("query by query: 2, 1, 2, 1, 3").wait_for()
    settle(page)
    assert "tokens=" not in page.url
