"""Training in Chromium: a run starts, tells how far it is beside the page, is stopped, and what it had is shown."""

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000


def test_a_run_starts_is_watched_and_stopped(serve, new_page, settle):
    server = serve("app.py")
    page = new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{server}/training?distil_size=20&distil_steps=1000&distil_seeds=5")
    settle(page, PATIENCE)
    page.get_by_text("Nothing was trained with these settings yet").wait_for()
    page.locator(".st-key-start_distillation button").first.click()
    page.locator('[data-testid="stProgress"]').get_by_text("to go").first.wait_for()
    page.locator(".st-key-distillation_live .js-plotly-plot .main-svg").first.wait_for()
    page.locator(".st-key-stop_distillation button").first.click()
    page.get_by_text("Stopped after").wait_for()
    page.locator(".st-key-start_distillation button").first.wait_for()
    settle(page, PATIENCE)
    assert page.locator('[data-testid="stProgress"]').count() == 1  # of the course, at the foot
