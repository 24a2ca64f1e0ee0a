"""The print export: size, resolution, texts in the file, crisp panels."""

import io

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import OptionError
from vitviz.figures.palettes import QUERY, colour
from vitviz.figures.scale import scale_for
from vitviz.figures.sheet import Panel, print_figure

MAP = np.array([[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]])
PHOTO = np.full((40, 60, 3), 128, np.uint8)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_size_resolution_and_texts_are_in_the_file():
    image = opened(print_figure([Panel("A", photo=PHOTO)], title="Title", caption="Model, layer 3"))
    assert image.format == "PNG"
    assert image.width == round(180 / 25.4 * 300) == 2126
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert image.info["Title"] == "Title"
    assert image.info["Description"] == "Model, layer 3"


def test_another_size():
    image = opened(print_figure([Panel(map=MAP)], dpi=100, width_mm=85))
    assert image.width == round(85 / 25.4 * 100)
    assert "Title" not in image.info


def test_a_map_panel_is_painted_at_print_size_with_exact_colours():
    panel = Panel(map=MAP)
    painted = panel.draw(600)
    assert painted.shape == (400, 600, 3)
    cells = colour(MAP, "viridis", 0.0, 0.5)
    assert (painted == cells.repeat(200, axis=0).repeat(200, axis=1)).all()
    picture = np.asarray(opened(print_figure([panel])).convert("RGB"))
    assert (picture == cells[1, 2]).all(axis=-1).sum() > 50_000


def test_an_overlay_panel_has_the_photo_s_shape_and_the_map_s_cells():
    painted = Panel(photo=PHOTO, map=MAP, opacity=1.0).draw(300)
    assert painted.shape == (200, 300, 3)
    assert (painted[50, 50] == colour(0.0, "viridis", 0, 0.5)).all()


def test_a_photo_with_a_grid_needs_its_cells():
    panel = Panel("In", photo=PHOTO, cells=(2, 3), query=(0, 0), grid_lines=True)
    assert (panel.draw(300)[0, 50] == QUERY).all()
    with pytest.raises(OptionError, match="Panel 'In' has neither a map nor cells"):
        Panel("In", photo=PHOTO, query=(0, 0)).draw(300)


def test_a_finished_picture_keeps_its_colours():
    painted = Panel(picture=Image.new("RGB", (10, 5), (1, 2, 3))).draw(100)
    assert painted.shape == (50, 100, 3)
    assert (painted == [1, 2, 3]).all()


def test_the_caption_and_a_second_row_make_the_figure_taller():
    panels = [Panel(str(number), photo=PHOTO) for number in range(4)]
    one_row = opened(print_figure(panels, dpi=72)).height
    assert opened(print_figure(panels, dpi=72, caption="words " * 60)).height > one_row
    assert opened(print_figure(panels, dpi=72, columns=2)).height > 1.5 * one_row


def test_the_spotlight_s_bar_is_grey():
    bar = Panel(photo=PHOTO, map=MAP, spotlight=True, opacity=1.0).bar_colours()
    assert (bar[:, 0] == bar[:, 1]).all()
    assert bar[0].tolist() == [0, 0, 0]
    assert bar[255].tolist() == [255, 255, 255]


def test_a_smoothed_panel_says_so():
    plain = print_figure([Panel("Map", map=MAP)], dpi=72)
    named = print_figure([Panel("Map (interpolated)", map=MAP)], dpi=72)
    smooth = print_figure([Panel("Map", map=MAP, interpolated=True)], dpi=72)
    label = (0, 0, 180, 17)  # the margin and the label, above the map
    cut = [np.asarray(opened(data).convert("RGB").crop(label)) for data in (plain, named, smooth)]
    assert (cut[1] == cut[2]).all()
    assert (cut[0] != cut[2]).any()


def test_a_signed_map_is_printed_about_zero():
    signed = np.array([[-1.0, 0.0, 0.5]])
    painted = Panel(map=signed, scale=scale_for(signed, signed=True), palette="PuOr").draw(300)
    assert (painted[50, 150] == 247).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: print_figure([]), "needs panels; got none"),
        (lambda: print_figure([Panel("B")]), "Panel 'B' is empty"),
        (lambda: print_figure([Panel(map=MAP)], dpi=5), "180 mm wide at 5 dpi is no print size"),
        (lambda: print_figure([Panel(map=MAP)], width_mm=2000), "2000 mm wide"),
        (lambda: print_figure([Panel(map=MAP)], columns=0), "at least one column; got 0"),
        (lambda: print_figure([Panel(map=MAP.T)] * 4, dpi=1200, width_mm=900), r"would have \d+ million pixels"),
        (lambda: print_figure([Panel(map=MAP * np.nan)]), "6 of 6 map values are NaN"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(OptionError, match=message):
        call()
