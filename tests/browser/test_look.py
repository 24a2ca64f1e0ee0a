"""Every page in both themes, in a wide window and on a phone: nothing runs over the edge, nothing is blank."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.visit import PAGES, QUICK

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1280)])
def test_every_page_fits_its_window_in_both_themes(visit, width, scheme):
    reader = visit(width=width, height=800, options={"color_scheme": scheme}, **QUICK)
    for path, title in PAGES.items():
        reader.open(path, **QUICK)
        if path in ("attention", "rollout"):
            reader.viewer("viewer" if path == "attention" else "rollout_viewer")
        reader.page.wait_for_timeout(300)
        wide = reader.page.evaluate(
            """() => [...document.querySelectorAll('html, [data-testid="stMain"]')]
                 .map((node) => node.scrollWidth - node.clientWidth)"""
        )
        assert max(wide) <= 0, title
        shot = Image.open(io.BytesIO(reader.shot(f"{title.lower()}-{scheme}-{width}"))).convert(
            "RGB"
        )
        pixels = np.asarray(shot)[:, -40:].mean()
        assert (pixels < 60) == (scheme == "dark"), title
        assert shot.getcolors(500) is None, f"{title} is blank"
