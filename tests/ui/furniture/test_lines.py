"""What is taken away: charts as lines at a size of print, pictures with their settings inside, the copy button."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.head_scatter import distance_scatter
from vitviz.figures.image_files import png_bytes, with_texts
from vitviz.figures.line_chart import line_chart
from vitviz.figures.long_range import distance_curves
from vitviz.figures.photo_spread import heads_chart, intervals_chart
from vitviz.figures.vector import vector_file, vector_image
from vitviz.figures.vector_axes import folded
from vitviz.ui.furniture import lines


def drawn() -> None:
    from vitviz.figures.axes import Axis
    from vitviz.figures.curve import Curve
    from vitviz.figures.line_chart import line_chart
    from vitviz.ui.furniture import charts, lines, print_size

    lines.begin()
    size = print_size.choose()
    for name in ("Loss", "Answer"):
        made = line_chart([Curve(name, [0, 1], [2.0, 1.0])], x=Axis("Step"), y=Axis(name))
        charts.chart(made, key=f"chart_{name}")
    lines.take_away(size, name="vitviz-page", description="told", copy=True)


def test_every_chart_of_a_page_can_be_taken_away_at_the_chosen_size() -> None:
    app = AppTest.from_function(drawn).run(timeout=60)
    assert not app.exception
    assert app.selectbox(key="chart_chosen").options == ["Loss / Step", "Answer / Step"]
    assert [button.key for button in app.get("download_button")] == ["chart_svg", "chart_pdf", "chart_png"]
    figure = app.session_state["vitviz_charts"]["chart_Answer"]
    assert lines.title(figure) == "Answer / Step"
    pdf = vector_file(figure, "pdf", width_mm=85, dpi=150, title="a", description="told")
    box = re.search(rb"/MediaBox \[ *0 0 ([\d.]+)", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(85 / 25.4 * 72, abs=0.1)  # points
    png = Image.open(io.BytesIO(vector_file(figure, "png", width_mm=85, dpi=150)))
    assert png.width == pytest.approx(85 / 25.4 * 150, abs=1)
    assert png.info["dpi"] == pytest.approx((150, 150), abs=0.5)


def test_heads_by_layer_and_intervals_are_lines_as_on_the_page() -> None:
    dots = heads_chart(np.arange(6.0).reshape(2, 3), np.ones((2, 3)), x_title="a", y_title="b", selected=(1, 1))
    drawn = vector_file(dots, "svg").decode()
    assert {"#440154", "#fde725"} <= set(re.findall("#[0-9a-f]{6}", drawn)), "the first and the last layer"
    narrow, wide = (
        vector_file(intervals_chart(["one", "two"], [1.0, 2.0], half, x_title="a"), "svg", text=9).decode()
        for half in ([0.0, 0.0], [0.5, 0.5])
    )
    assert "LineCollection" in wide
    assert narrow != wide


def test_the_name_of_an_upright_axis_is_folded_to_its_height() -> None:
    assert folded("Photos (share by area)", 62, 8) == "Photos (share\nby area)"
    assert folded("Photos", 60, 8) == "Photos"
    assert folded("Unbreakable", 10, 8) == "Unbreakable"


def test_a_picture_carries_its_settings_and_keeps_its_pixels() -> None:
    picture = Image.linear_gradient("L").convert("RGB")
    file = png_bytes(picture, dpi=300, texts={"Title": "a"})
    told = with_texts(file, {"Settings": json.dumps({"layer": "第五"}, ensure_ascii=False)})
    opened = Image.open(io.BytesIO(told))
    assert opened.tobytes() == picture.tobytes()  # Pillow checks each chunk's sum
    assert json.loads(opened.info["Settings"]) == {"layer": "第五"}
    assert opened.info["Title"] == "a"
    assert opened.info["dpi"] == pytest.approx((300, 300), abs=0.5)


def test_long_names_stand_whole_in_a_narrow_print() -> None:
    colours = ("#0072b2", "#e69f00", "#009e73")
    curves = [Curve(f"what was attended to, {place}", [0, 1], [place, 1], tint) for place, tint in enumerate(colours)]
    names = ("nothing", *map(str, range(12)), "embedding")
    narrow = line_chart(curves, x=Axis("Stage", ticks=np.linspace(0, 1, 14), tick_names=names), y=Axis("Score"))
    pixels = np.asarray(vector_image(narrow, width_mm=70, dpi=150))
    marks = [(pixels[:, :60] == [int(tint[at : at + 2], 16) for at in (1, 3, 5)]).all(-1).any() for tint in colours]
    assert marks == [True] * 3  # one below the other, at the left
    turned = "rotate(-45"
    assert turned in vector_file(narrow, width_mm=70).decode()
    assert turned not in vector_file(narrow, width_mm=300).decode()


def test_dots_at_the_end_of_an_axis_stand_whole() -> None:
    def ink(top: float) -> int:
        pixels = np.asarray(vector_image(distance_scatter([[7.0], [top]]), width_mm=100, dpi=150)).astype(int)
        return int(((pixels[..., 2] - pixels[..., 0]) > 60).sum())  # blue

    assert ink(7.2) == pytest.approx(ink(70.0), rel=0.1)  # one dot less than whole would be a quarter less


def test_the_words_of_a_shaded_range_stand_where_they_do_on_the_screen() -> None:
    curve = Curve("right", [8.0, 16.0, 24.0], [1.0, 0.5, 0.5])
    made = distance_curves([curve], chance=("guessing", 0.5), field=("no window holds both", 12.0))
    told = vector_file(made).decode()
    (words,) = re.findall(r"<text [^>]*>no window holds both</text>", told)
    (low,) = re.findall(r"<text [^>]*>0%</text>", told)
    assert "text-anchor: end" in words  # they end where the range does
    heights = [float(place) for text in (words, low) for place in re.findall(r' y="([\d.]+)"', text)]
    assert 0 < heights[1] - heights[0] < 20  # at the foot, where no curve runs
