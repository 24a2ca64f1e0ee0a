"""The dashboard of the installed package, with the clone neither beside it nor on the path.

``make proof`` and ``make lowest`` name the console script of the environment that they made; else it is the wheel's.
"""

from __future__ import annotations

import os

from tests.browser.visit import PAGES

SCRIPT = "VITVIZ_PROOF"


def test_the_installed_dashboard_opens_at_a_deep_link_in_chinese(request, tmp_path, serve, new_page, settle):
    script, path = os.environ.get(SCRIPT), ""
    if script is None:
        installed = request.getfixturevalue("installed")
        script, path = installed / "bin/vitviz", str(installed)
    server = serve(script, script=True, folder=tmp_path, PYTHONPATH=path, HF_HUB_OFFLINE="1")
    page = new_page(f"{server}/heads?layer=5&language=zh", language="zh-CN")
    assert page.title() == "注意力头 · vitviz"
    settle(page)
    assert "layer=5" in page.url
    page.goto(f"{server}/attention?language=en")
    page.get_by_role("heading", name="Where does each patch look?").wait_for()
    settle(page)
    texts = page.locator('[data-testid="stSidebarNav"] a').all_inner_texts()
    assert [text.split("\n")[-1] for text in texts] == list(PAGES.values())
