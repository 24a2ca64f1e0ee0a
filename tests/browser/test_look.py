"""Every page on a phone in light and in a wide window in dark: nothing runs over the edge, is blank or tiny."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.visit import PAGES, QUICK, SHOTS

pytestmark = pytest.mark.timeout(400)
LINK = {**QUICK, "size": 112}
LOOKS = (("light", 400), ("dark", 1280))
HEIGHT = 2200
"""Pixels: the page scrolls inside the window, and a picture shows what the window does."""
OVER = """() => [...document.querySelectorAll('html, [data-testid="stMain"]')]
  .map((node) => node.scrollWidth - node.clientWidth)"""


TINY = """() => {
  const roots = [document.body], tiny = [];
  for (const root of roots) for (const node of root.querySelectorAll("*")) {
    if (node.shadowRoot) roots.push(node.shadowRoot);
    const words = node.matches('input:is([type="text"], [type="number"]), textarea') ? node.value || node.placeholder
      : [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim());
    if (!words || node.matches("script, style, option, tspan, sup, sub")) continue;
    if (node.closest('.katex, [role="img"], [data-unformatted="2"], [data-unformatted="5"]')) continue;
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (node.getBoundingClientRect().width < 2) continue;
    const size = parseFloat(getComputedStyle(node).fontSize); // none: for the ears alone
    if (size && size < 15) tiny.push(node.outerHTML.slice(0, 200));
  }
  return tiny;
}"""
"""What is written smaller than 15 pixels; superscripts, formulas and the 2 and 5 between powers of ten may be."""


def fits(page, title):
    """Check the width; a chart that has just come may take a moment to find its own."""
    for _ in range(20):
        over = max(page.evaluate(OVER))
        if over <= 0:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"{title} runs {over} pixels over the edge")


def test_every_page_fits_its_window_in_both_themes(visit):
    """A page comes in the look that the one before was left in: to change it draws all anew."""
    SHOTS.mkdir(exist_ok=True)
    pages, looks = list(PAGES.items()), list(LOOKS)
    reader = visit(pages[0][0], reader={"width": looks[0][1], "height": HEIGHT, "colours": looks[0][0]}, **LINK)
    for path, title in pages:
        reader.go(title, hidden=True)
        reader.page.wait_for_function("title => document.title === title", arg=f"{title} · vitviz")
        if path in ("attention", "rollout"):
            reader.viewer("viewer" if path == "attention" else "rollout_viewer")
        for scheme, width in looks:
            reader.page.emulate_media(color_scheme=scheme)
            reader.page.set_viewport_size({"width": width, "height": HEIGHT})
            reader.settle()
            fits(reader.page, title)
            assert reader.page.evaluate(TINY) == [], title
            file = SHOTS / f"{title.lower()}-{scheme}-{width}.png"
            shot = Image.open(io.BytesIO(reader.page.screenshot(path=file))).convert("RGB")
            assert (np.asarray(shot)[:, -40:].mean() < 60) == (scheme == "dark"), title
            assert shot.getcolors(500) is None, f"{title} is blank"
        looks.reverse()


MOVED = """() => new Promise((done) => {
  const watch = new PerformanceObserver((list) => {
    done(list.getEntries().reduce((sum, shift) => sum + (shift.hadRecentInput ? 0 : shift.value), 0));
  });
  watch.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(0), 1000);
})"""
"""The browser's layout shift of a page since it was loaded; web.dev calls up to 0.1 good."""


def test_nothing_moves_while_a_page_arrives(visit):
    reader = visit("anatomy", **LINK)  # what it computes is kept from here on
    reader.page.reload()
    reader.find(".st-key-strip img[data-loaded], html:not([data-arriving])").first.wait_for(state="attached")
    assert reader.page.locator("html[data-arriving]").count(), "the page is hidden until it is let through for its age"
    assert reader.settle().page.evaluate(MOVED) < 0.1


SHOWN = """arriving => {
  document.documentElement.dataset.arriving = arriving;
  const seen = (place) => getComputedStyle(document.querySelector(place)).visibility;
  return [".st-key-stage_controls", ".st-key-stage_after"].map(seen);
}"""


def test_on_a_phone_what_stands_below_a_picture_waits_for_it(visit):
    page = visit("compare", reader={"width": 390, "height": 844, "touch": True}, **LINK).settle().page
    assert page.evaluate(MOVED) < 0.1
    assert page.evaluate(SHOWN, "drawing") == ["hidden", "hidden"]
    assert page.evaluate(SHOWN, "") == ["visible", "visible"]


SMALL = """() => {
  const roots = [document], small = [];
  for (const root of roots) for (const node of root.querySelectorAll("*")) {
    if (node.shadowRoot) roots.push(node.shadowRoot);
    const wanted = 'button, input[type="range"], label:has(input[type="checkbox"]), [role="combobox"]';
    if (!node.matches(wanted) || node.closest('[data-testid="stTooltipIcon"]')) continue;
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const { width, height, right } = node.getBoundingClientRect();
    if (right > 0 && Math.min(width, 2) * height > 2 && height < 39.5) small.push(node.outerHTML.slice(0, 200));
  }
  return small;
}"""
CHOICE = '[data-testid="stMain"] [data-testid="stButtonGroup"] [data-selected="true"]'


def test_what_is_tapped_is_40_pixels_high_and_what_is_chosen_can_be_read(visit):
    touch = {"width": 390, "height": 844, "touch": True, "colours": "dark"}
    reader = visit("evidence", reader=touch, **LINK)
    assert reader.page.evaluate('() => matchMedia("(pointer: coarse)").matches')
    assert reader.find('[data-testid="stMultiSelect"] button').count() > 2
    assert reader.page.evaluate(SMALL) == []
    colour = reader.find(CHOICE).first.evaluate("node => getComputedStyle(node.querySelector('p') ?? node).color")
    assert colour == "rgb(124, 196, 240)"  # the link colour: the primary colour on its own tint has 4.2 : 1
