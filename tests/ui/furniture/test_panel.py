"""A map over its photo on a page: title, picture, colour bar, and what is refused."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from vitviz.errors import OptionError
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.ui.furniture.panel import map_panel


def page():
    import numpy as np

    from vitviz.figures.scale import Scale
    from vitviz.figures.sheet import Panel
    from vitviz.ui.furniture.panel import map_panel

    photo, values = np.zeros((8, 8, 3), np.uint8), np.array([[-1.0, 2.0]])
    panel = Panel(label="A <b>", photo=photo, map=values, scale=Scale(-2, 2, signed=True), palette="PuOr")
    map_panel(panel, alt="in words")
    map_panel(panel, alt="again", titled=False)


def test_a_panel_is_its_title_its_picture_and_its_colours_in_numbers():
    app = AppTest.from_function(page).run(timeout=30)
    assert not app.exception
    assert [text.value for text in app.markdown] == [r"**A \<b\>**"]
    first, second = app.get("image")
    assert (first.proto.imgs[0].alt, second.proto.imgs[0].alt) == ("in words", "again")
    bars = app.get("html")
    assert len(bars) == 2
    for end in ("−2", "0", "2"):
        assert f"<span>{end}</span>" in bars[0].proto.body


@pytest.mark.parametrize("lacking", ["photo", "map", "scale"])
def test_a_panel_without_a_part_is_refused(lacking):
    parts = {"photo": np.zeros((8, 8, 3), np.uint8), "map": np.ones((2, 2)), "scale": Scale(0, 1)}
    with pytest.raises(OptionError, match="Panel 'A' lacks its photo, map or scale"):
        map_panel(Panel(label="A", **(parts | {lacking: None})), alt="")
