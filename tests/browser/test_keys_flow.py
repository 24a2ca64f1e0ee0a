"""The list of keys on "?": every key that it names does on a page what it says."""

import pytest

from tests.browser.visit import QUICK
from vitviz.ui.components.labels import shortcut_labels

pytestmark = pytest.mark.timeout(400)
FULL = "() => Boolean(document.fullscreenElement)"


def the_list(reader, press):
    press("?")
    listed = reader.find(".shortcuts dialog[open] dt")
    listed.first.wait_for()
    assert listed.all_inner_texts() == list(TRIED)
    press("n")  # behind a dialog nothing moves
    press("Escape")
    listed.first.wait_for(state="hidden")
    reader.heading("Where does each patch look?")


def pages(reader, press):
    press("n")
    reader.heading("Which head does what?")
    press("b")
    reader.heading("Where does each patch look?").shows(layer=11)


def presentation(reader, press):
    reader.find(".shortcuts").evaluate("(keys) => { keys.seen = true; }")
    press("p")
    reader.find("html[data-present='on'] body").wait_for(state="attached")
    reader.settle()
    assert reader.find(".shortcuts").evaluate("(keys) => keys.seen")  # keys pressed while it is built anew are lost
    press("p")
    reader.find("html:not([data-present]) body").wait_for(state="attached")


def full_screen(reader, press):
    press("f")
    reader.page.wait_for_function(FULL)
    press("f")
    reader.page.wait_for_function(f"() => !({FULL})()")


def arrows(reader, press):
    reader.viewer().locator(".photo").focus()
    press("ArrowRight")
    reader.shows(hover=105)  # from a special token every key leads to the middle
    press("ArrowUp")
    reader.shows(hover=91)


def enter(reader, press):
    press("Enter")
    reader.wait_for_link(patch=91).shows(query=91)


def escape(reader, press):
    press("ArrowLeft")
    reader.shows(hover=90)
    press("Escape")
    reader.shows(hover="", query=91)


def steps(reader, press):
    reader.page.evaluate("document.activeElement.blur()")  # the keys act wherever the reader is
    press(",")
    reader.wait_for_link(layer=10).shows(layer=10)
    press(".")
    reader.wait_for_link(layer=11).shows(layer=11)
    press("l")  # motion is unwelcome here: from the end to the beginning
    reader.wait_for_link(layer=0).shows(layer=0)


def colours(reader, press):
    press("[")
    reader.wait_for_link(opacity=0.65)
    press("]")
    reader.wait_for_link(opacity=None)


def heads(reader, press):
    reader.go("Heads").find(".wall .grid").focus()
    press("x")
    reader.wait_for_link(ablate="0.0")
    press("x")
    press("x")
    press("x")  # faster than the page answers
    reader.wait_for_link(ablate=None)
    press("o")
    reader.heading("Where does each patch look?")


def patches(reader, press):
    reader.go("Patches").find(".painter .canvas").focus()
    before = reader.find(".painter").get_attribute("data-painted")
    press("Space")
    reader.find(f'.painter:not([data-painted="{before}"])').wait_for()
    press("Control+z")
    reader.find(f'.painter[data-painted="{before}"]').wait_for()


TRIED = {
    "?": the_list,
    "n, b": pages,
    "p": presentation,
    "f": full_screen,
    "← → ↑ ↓": arrows,
    "Enter": enter,
    "Esc": escape,
    ", . l": steps,
    "[ ]": colours,
    "x, o": heads,
    "Space, Ctrl+Z": patches,
}


def test_every_key_of_the_list_does_what_it_says(visit):
    assert [keys for keys, _does in shortcut_labels()["rows"]] == list(TRIED)
    reader = visit("attention", **QUICK).shows(layer=11)
    for does in TRIED.values():
        does(reader, reader.page.keyboard.press)
        reader.settle()
