"""Fields by distance: one line a network, a band over photos, refusals."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.field_profile import ProfileCurve, profile_curve

RADIUS, SHARE = [0.5, 1.5, 2.5], [0.2, 0.7, 1.0]
WORDS = {"x_title": "Distance", "y_title": "Share"}


def test_a_curve_a_network_and_a_band_behind():
    low, high = np.array(SHARE) - 0.1, np.array(SHARE)
    made = profile_curve([ProfileCurve("a<b", RADIUS, SHARE, dash="dot", low=low, high=high)], **WORDS)
    edge, fill, line = made.data
    assert (edge.hoverinfo, fill.fill, line.line.dash) == ("skip", "tonexty", "dot")
    assert line.name == "a&lt;b"
    assert "from 0.2 to 1" in alt_text(made)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(OptionError, match="at least one curve"):
        profile_curve([], **WORDS)
    with pytest.raises(OptionError, match="Dash 'wavy' is unknown"):
        profile_curve([ProfileCurve("a", RADIUS, SHARE, dash="wavy")], **WORDS)
    with pytest.raises(OptionError, match="a: 1 of 3 values are NaN"):
        profile_curve([ProfileCurve("a", RADIUS, [0, np.nan, 1])], **WORDS)
