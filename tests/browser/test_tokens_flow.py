"""The Tokens page in Chromium: pointing compares in the browser, a click pins, the keyboard does both."""

import re

import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE = 120_000
LINK = "model=timm:test_vit&weights=random&size=112&example=cat&second=dog&patch=20"
"""7 × 7 patches."""


def test_pointing_compares_patches_without_asking_the_server(new_page, serve, settle):
    page = new_page()
    page.set_default_timeout(PATIENCE)
    frames = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    page.goto(f"{serve('app.py', HF_HUB_OFFLINE='1')}/tokens?{LINK}")
    settle(page, PATIENCE)
    viewer = page.locator('.st-key-token_viewer .tokens:not([data-ready=""])')
    viewer.wait_for()

    def is_now(**data):
        page.locator(".tokens" + "".join(f'[data-{name}="{value}"]' for name, value in data.items())).wait_for()

    is_now(query=20, pinned=20)
    photo = viewer.locator(".view").first
    side = photo.bounding_box()["width"] / 7
    sent = len(frames)
    photo.hover(position={"x": 3.5 * side, "y": 1.5 * side})
    is_now(query=10, pinned=20)
    # at one moment: the pointer may leave the patch when the page moves
    shown = viewer.evaluate("app => ({ likeness: [0, 1].map(app.likeness), ...app.dataset })")
    assert shown["query"] == "10"
    assert shown["likeness"][0][10] == pytest.approx(1, abs=1e-3)
    shown["likeness"][0][10] = -2
    for likeness, name in zip(shown["likeness"], ("bestHere", "bestThere"), strict=True):
        assert shown[name] == str(max(range(49), key=likeness.__getitem__))
    assert "row 2, column 4" in viewer.locator(".readout").inner_text()
    assert len(frames) == sent  # nothing was asked

    photo.click(position={"x": 3.5 * side, "y": 1.5 * side})
    page.wait_for_url(re.compile(r"patch=10\b"))
    settle(page, PATIENCE)
    page.mouse.move(2, 2)
    is_now(query=10, pinned=10, hover="")

    photo.focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile(r"patch=18\b"))
    is_now(query=18, pinned=18)
    viewer.get_by_role("radio", name="−1 to 1").click()
    page.wait_for_url(re.compile(r"likeness=signed"))
    is_now(scale="signed")
    assert viewer.locator(".low").inner_text() == "−1.00"
    page.locator('[data-testid="stSidebarNav"]').get_by_role("link", name="Rollout").click()
    page.wait_for_url(re.compile(r"/rollout"))
    page.locator('[data-testid="stSidebarNav"]').get_by_role("link", name="Tokens").click()
    is_now(query=18, pinned=18, scale="signed")  # a new viewer starts where the old one was
