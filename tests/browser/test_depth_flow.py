"""The Depth page in Chromium: the strength goes beyond stability and back, by keyboard."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000
LINK = "model=timm:vit_tiny_patch16_224&weights=random&size=64&depth_alpha=0.5&depth_blocks=90"


def test_the_strength_passes_the_border_of_stability_and_comes_back(new_page, serve, settle):
    page = new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{serve('app.py', HF_HUB_OFFLINE='1')}/depth?{LINK}")
    settle(page, PATIENCE)
    page.get_by_text("Sign flips").wait_for()
    slider = page.locator(".st-key-choice_depth_alpha").get_by_role("slider")
    slider.press("ArrowRight")
    page.wait_for_url(re.compile(r"depth_alpha=0\.505\b"))
    settle(page, PATIENCE)
    page.get_by_text("Divergence").wait_for()
    slider.press("ArrowLeft")
    page.get_by_text("Sign flips").wait_for()
    page.get_by_role("radio", name="Before or after: LayerNorm").click()
    page.wait_for_url(re.compile(r"depth_experiment=layer_norm\b"))
    settle(page, PATIENCE)
    page.locator(".st-key-depth_training .js-plotly-plot .main-svg").first.wait_for()
