"""The dashboard of the installed package, with the clone neither beside it nor on the path."""

from __future__ import annotations

from tests.browser.visit import PAGES


def test_the_installed_dashboard_opens_at_a_deep_link_in_chinese(installed, serve, new_page, settle):
    home = installed / "vitviz/home"
    server = serve(home / "app.py", folder=home, PYTHONPATH=str(installed), HF_HUB_OFFLINE="1")
    page = new_page(f"{server}/heads?language=zh", locale="zh-CN")
    assert page.title() == "注意力头 · vitviz"
    page.goto(f"{server}/attention?language=en")
    page.get_by_role("heading", name="Where does each patch look?").wait_for()
    settle(page)
    texts = page.locator('[data-testid="stSidebarNav"] a').all_inner_texts()
    assert [text.split("\n")[-1] for text in texts] == list(PAGES.values())
