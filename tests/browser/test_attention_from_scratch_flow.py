"""Attention from scratch in Chromium: the keys move the temperature to its limit, a button takes the table back."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
QUICK = "model=timm:vit_tiny_patch16_224&weights=random&size=64"
TOKENS = "9_9_9_9~0_0_0_0~0_0_0_0~0_0_0_0~0_0_0_0"


def test_the_limit_is_reached_by_the_slider_and_the_table_goes_back(serve, new_page, settle):
    address = f"{serve('app.py')}/attention_from_scratch?{QUICK}&scratch=temperature&tau=0.05&tokens={TOKENS}"
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


def test_a_head_is_stepped_through_by_keys_and_edited(serve, new_page, settle):
    page = new_page(f"{serve('app.py')}/attention_from_scratch?{QUICK}")
    page.set_default_timeout(120_000)
    sheet = page.locator(".st-key-head_sheet .sheet")
    sheet.locator(".sum").get_by_text("Q[1, q1] = 1.00·3.00 + 0.00·0.00 + 1.00·0.00 + 0.00·0.00 = 3.000").wait_for()
    sheet.get_by_role("radio", name="6 Softmax").click()
    page.wait_for_url(re.compile("head_stage=5"))
    settle(page)
    result = sheet.locator("table.result")
    result.focus()
    result.press("ArrowRight")
    sheet.get_by_text("= 1.00 / 27.03 = 0.037").wait_for()
    assert sheet.locator("td.lit-left").count() == 5
    result.press("Space")  # motion is unwelcome here: each press is one cell, and the button for that is there already
    page.wait_for_function("sheet => sheet.dataset.column === '2'", arg=sheet.element_handle())
    assert sheet.get_attribute("data-playing") == "false"
    assert sheet.locator(".play").is_hidden()
    page.emulate_media(reduced_motion="no-preference")
    result.press("Space")
    page.wait_for_function("sheet => sheet.dataset.playing === 'true'", arg=sheet.element_handle())
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function("sheet => sheet.dataset.playing === 'false'", arg=sheet.element_handle())
    sheet.get_by_role("radio", name="1 Queries").click()
    settle(page)
    cell = sheet.get_by_label("X 2, red")
    cell.fill("2.5")
    cell.press("Enter")
    page.wait_for_url(re.compile("hand="))
    sheet.locator(".result td[data-row='1'][data-column='0']").hover()
    sheet.get_by_text("2.50·3.00").wait_for()
