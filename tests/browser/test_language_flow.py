"""Languages in Chromium: the browser's own at first, another by choice, and the link then carries it."""

import pytest

from tests.browser.visit import QUICK
from vitviz.ui.text import translation

pytestmark = pytest.mark.timeout(400)
CHINESE = {"language": "zh-CN"}
TITLE = "Which head does what?"
LINK = {**QUICK, "size": 64}


def test_a_chinese_browser_gets_chinese_and_may_choose_english(visit):
    reader = visit("heads", reader=CHINESE, **LINK)
    reader.heading(translation("zh").gettext(TITLE))
    assert reader.page.locator("html").get_attribute("lang") == "zh"
    assert translation("zh").gettext("Rollout") in reader.pages
    assert "language" not in reader.link
    atlas = reader.find(".st-key-atlas .atlas").inner_text()
    assert translation("zh").gettext("mean of the layer") in atlas
    box = reader.find(".st-key-language input")
    box.click()
    box.fill("English")
    reader.page.keyboard.press("Enter")
    reader.wait_for_link(language="en").heading(TITLE)
    assert reader.page.locator("html").get_attribute("lang") == "en"
    assert "Rollout" in reader.pages
