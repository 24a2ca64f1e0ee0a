"""The Cost page in Chromium: a knob changes the numbers, the link and the other experiment."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000
LINK = "model=timm:vit_tiny_patch16_224&weights=random&size=64&cost_model=ViT-B/16"


def test_a_larger_picture_costs_more_in_both_experiments(new_page, serve, settle):
    page = new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{serve('app.py', HF_HUB_OFFLINE='1')}/cost?{LINK}")
    settle(page, PATIENCE)
    page.get_by_text("17.56 GMACs").wait_for()
    side = page.locator(".st-key-choice_cost_size input")
    side.fill("448")
    side.press("Enter")
    page.wait_for_url(re.compile(r"cost_size=448\b"))
    settle(page, PATIENCE)
    page.get_by_text("Tokens: L = 785").wait_for()
    assert page.get_by_text("17.56 GMACs").count() == 0
    page.get_by_role("radio", name="Memory").click()
    page.wait_for_url(re.compile(r"cost_experiment=memory\b"))
    settle(page, PATIENCE)
    page.get_by_text("6.13 ×").wait_for()  # 785/(2 · 64)
    page.locator(".st-key-cost_bytes .js-plotly-plot .main-svg").first.wait_for()
