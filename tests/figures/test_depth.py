"""Networks of different depth on one axis."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.depth import DepthCurve, depth_curve


def test_every_network_ends_at_its_last_layer():
    made = depth_curve(
        [
            DepthCurve("a", [1, 2], ["l0", "l1"], low=[0, 1], high=[2, 3]),
            DepthCurve("b", [1, 2, 3, 4], list("wxyz"), colour="#D55E00", dashed=True),
        ],
        y_title="Radius (px)",
        mark=0.5,
        reference=("all", 3.0),
    )
    named = {trace.name: trace for trace in made.data if trace.name}
    assert np.allclose(named["a"].x, [0.5, 1])
    assert np.allclose(named["b"].x, [0.25, 0.5, 0.75, 1])
    assert named["b"].line.dash == "dash"
    assert list(named["b"].customdata) == list("wxyz")
    assert "all" in alt_text(made)


def test_what_does_not_fit_is_refused():
    with pytest.raises(OptionError, match="2 values for 1 layers"):
        depth_curve([DepthCurve("a", [1, 2], ["l0"])], y_title="y")
    with pytest.raises(OptionError, match="at least one curve"):
        depth_curve([], y_title="y")
