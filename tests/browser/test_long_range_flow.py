"""Long range in Chromium: halves are dragged and moved by keyboard, and the verdicts follow."""

import pytest

from vitviz.labs.long_range.contents import COLUMNS, ROWS

pytestmark = pytest.mark.timeout(300)
PATIENCE = 120_000
QUICK = "model=timm:vit_tiny_patch16_224&weights=random"
TOGETHER = "0" * 11 + "12" + "0" * 19  # two halves of one disc, side by side
BOARD = ".st-key-range_picture .board[data-ready]"


def centre(board, cell):
    row, column = divmod(cell, COLUMNS)
    box = board.bounding_box()  # asked anew each time: the page may have moved
    return (box["x"] + (column + 0.5) * box["width"] / COLUMNS, box["y"] + (row + 0.5) * box["height"] / ROWS)


def test_a_half_is_dragged_away_and_brought_back_by_keyboard(new_page, serve, settle):
    server = serve("app.py")
    page = new_page(width=1400, height=1000)
    page.set_default_timeout(PATIENCE)
    page.goto(f"{server}/long_range?{QUICK}&range_task=counting&range_board={TOGETHER}&range_cell=12")
    board = page.locator(BOARD)
    board.wait_for()
    settle(page, PATIENCE)
    first = board.get_attribute("data-ready")
    said = page.locator(".st-key-range_picture .read")
    assert "8 px away" in said.inner_text()
    board.scroll_into_view_if_needed()
    page.mouse.move(*centre(board, 12))
    page.mouse.down()
    page.mouse.move(*centre(board, 14), steps=4)
    page.mouse.move(*centre(board, 15), steps=2)
    cards = page.locator(".st-key-range_picture .verdict")
    dragged = cards.all_inner_texts()  # while it is carried
    assert "32 px apart" in said.inner_text()
    page.mouse.up()
    page.wait_for_url(lambda url: "range_cell=15" in url)
    settle(page, PATIENCE)
    assert "32 px away" in said.inner_text()
    assert board.get_attribute("data-ready") != first
    assert cards.all_inner_texts() == dragged
    assert page.locator(".st-key-range_picture .truth").inner_text() == "Right answer: 1 whole"
    board.focus()
    for _step in range(3):
        cell = int(board.get_attribute("data-chosen"))
        page.keyboard.press("Shift+ArrowLeft")
        page.wait_for_url(lambda url, cell=cell: f"range_cell={cell - 1}" in url)
        settle(page, PATIENCE)
    assert "8 px away" in said.inner_text()
    assert board.get_attribute("data-ready") == first
