"""Colour tables: ends, middle, order, missing values."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from plotly.colors import sequential

from vitviz.errors import OptionError
from vitviz.figures.long_range import SECOND_CNN
from vitviz.figures.palettes import (
    CNN_VERMILION,
    DIVERGING,
    FIRST_LAYER,
    LAST_LAYER,
    MISSING,
    PALETTES,
    PINNED,
    SEQUENTIAL,
    VIT_BLUE,
    colour,
    layer_ramp,
    levels,
    plotly_scale,
    table,
)
from vitviz.figures.theme import NEUTRAL

THEMES = Path(__file__).parents[2] / ".streamlit/config.toml"


def luminance(rgb: np.ndarray) -> np.ndarray:
    shares = rgb / 255.0
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, "#rrggbb", as the Web Content Accessibility Guidelines define it: from 1 to 21."""
    low, high = sorted(
        float(luminance(np.array([int(each[place : place + 2], 16) for place in (1, 3, 5)]))) for each in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def grounds() -> set[str]:
    """The backgrounds of the light and of the dark theme, without their sidebars."""
    theme = tomllib.loads(THEMES.read_text("utf-8"))["theme"]
    return {theme[name]["backgroundColor"] for name in ("light", "dark")}


@pytest.mark.parametrize("palette", PALETTES)
def test_a_table_has_256_colours_and_cannot_be_written(palette):
    lut = table(palette)
    assert lut.shape == (256, 3)
    assert lut.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        lut[0] = 0


def test_viridis_begins_and_ends_where_it_should():
    assert table("viridis")[0].tolist() == [0x44, 0x01, 0x54]
    assert table("viridis")[255].tolist() == [0xFD, 0xE7, 0x25]


def test_viridis_passes_through_every_stop_of_plotly():
    for place, stop in enumerate(sequential.Viridis):
        wanted = [int(stop[at : at + 2], 16) for at in (1, 3, 5)]
        nearest = table("viridis")[round(place * 255 / 9)].astype(int)
        assert np.abs(nearest - wanted).max() <= 1


@pytest.mark.parametrize("palette", SEQUENTIAL)
def test_a_sequential_table_never_gets_darker(palette):
    assert (np.diff(luminance(table(palette))) > -1e-3).all()


@pytest.mark.parametrize("palette", DIVERGING)
def test_a_diverging_table_is_lightest_in_its_neutral_middle(palette):
    lut = table(palette)
    assert lut[127].tolist() == lut[128].tolist() == [247, 247, 247]
    bright = luminance(lut)
    assert bright.argmax() in (127, 128)


def test_the_warm_end_is_positive():
    red = colour([-1.0, 1.0], "RdBu")
    assert red[1][0] > red[1][2]
    assert red[0][2] > red[0][0]
    orange = colour([-1.0, 1.0], "PuOr")
    assert orange[1][0] > orange[1][2]
    assert orange[0][2] > orange[0][0]


@pytest.mark.parametrize("palette", DIVERGING)
def test_zero_is_exactly_the_middle_colour(palette):
    values = np.array([[-3.0, 0.0, 1.0]])
    assert colour(values, palette)[0, 1].tolist() == [247, 247, 247]


def test_levels_by_hand():
    assert levels([0, 1, 2, 3, 4], 1, 3).tolist() == [0, 0, 128, 255, 255]


def test_a_map_without_contrast_has_the_middle_colour():
    assert levels([0.25, 0.25], 0.25, 0.25).tolist() == [128, 128]


def test_missing_values_are_grey_and_grey_only_where_missing():
    painted = colour([0.0, np.nan, 1.0], "viridis")
    assert tuple(painted[1]) == MISSING
    assert painted[0].tolist() == table("viridis")[0].tolist()
    assert painted[2].tolist() == table("viridis")[255].tolist()


def test_one_limit_may_be_given_alone():
    assert colour([1.0, 2.0], "viridis", low=0.0)[0].tolist() == table("viridis")[128].tolist()


def test_nothing_but_missing_values_is_all_grey():
    assert (colour([np.nan, np.nan]) == MISSING).all()


def test_errors_name_what_is_wrong():
    with pytest.raises(OptionError, match="jet"):
        table("jet")
    with pytest.raises(OptionError, match="1 of 2 values are infinite"):
        colour([0.0, np.inf], "viridis", 0, 1)
    with pytest.raises(OptionError, match="from 2 to 1 is impossible"):
        levels([0.0], 2, 1)
    with pytest.raises(OptionError, match="at least one layer; got 0"):
        layer_ramp(0)


@pytest.mark.parametrize("palette", PALETTES)
def test_plotly_is_given_the_same_colours(palette):
    stops = plotly_scale(palette)
    anchors = [place for place, _ in stops]
    colours = np.array([[int(part) for part in text[4:-1].split(",")] for _, text in stops])
    halves = np.concatenate([np.linspace(0, 0.5, 128), np.linspace(0.5, 1, 128)])
    places = halves if palette in DIVERGING else np.linspace(0, 1, 256)
    wanted = np.stack([np.interp(places, anchors, channel) for channel in colours.T], axis=-1)
    assert np.abs(table(palette) - wanted).max() <= 1


def test_pinned_colours_are_eight_different_ones():
    assert len(set(PINNED)) == 8


def test_the_layer_ramp_goes_from_light_to_dark():
    ramp = layer_ramp(12)
    assert len(set(ramp)) == 12
    on_black = [contrast(step, "#000000") for step in ramp]
    assert on_black == sorted(on_black, reverse=True)
    assert (ramp[0], ramp[-1]) == (FIRST_LAYER.lower(), LAST_LAYER.lower())
    assert layer_ramp(1) == (LAST_LAYER.lower(),)


@pytest.mark.parametrize(
    "line", sorted({VIT_BLUE, CNN_VERMILION, SECOND_CNN, NEUTRAL, *layer_ramp(1), *layer_ramp(24)})
)
def test_the_curves_of_models_and_layers_are_seen_in_both_themes(line):
    assert {ground: contrast(line, ground) > 3 for ground in grounds()} == {"#FFFFFF": True, "#030406": True}


def test_two_convolutional_networks_differ_in_lightness_which_every_eye_sees():
    assert contrast(SECOND_CNN, CNN_VERMILION) > 1.7
