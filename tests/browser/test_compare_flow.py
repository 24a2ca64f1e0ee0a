"""The Compare page in Chromium: B is changed, and maps, correlation and link follow."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000
LINK = "model=timm:vit_tiny_patch16_224&weights=random&size=64&by=rollout"
"""4 × 4 patches."""


def test_another_photo_and_another_class_change_the_comparison(new_page, serve, settle):
    page = new_page(f"{serve('app.py', HF_HUB_OFFLINE='1')}/compare?{LINK}")
    page.set_default_timeout(PATIENCE)
    page.get_by_text("A − B").wait_for()
    settle(page, PATIENCE)
    maps = page.locator('[data-testid="stMain"] [data-testid="stImage"] img')
    maps.nth(2).wait_for()
    first = page.get_by_test_id("stMetricValue").inner_text()
    page.get_by_role("radio", name="another photo").or_(page.get_by_role("button", name="another photo")).first.click()
    page.wait_for_url(re.compile("against=photo"))
    page.locator(".st-key-choice_other_photo").wait_for()
    settle(page, PATIENCE)
    assert page.get_by_test_id("stMetricValue").inner_text() != first
    page.get_by_role("radio", name="another class").or_(page.get_by_role("button", name="another class")).first.click()
    page.wait_for_url(re.compile("against=class"))
    settle(page, PATIENCE)
    assert page.get_by_test_id("stMetricValue").inner_text() == "+1.00"  # a rollout knows no class
    page.get_by_text("says little about").wait_for()
