"""The colours of the head table: heads that are all alike look alike."""

import numpy as np
import pytest

from vitviz.ui.explore.heads.overview import colour_limits


@pytest.mark.parametrize(("values", "least", "limits"), [
    ([1.0, 3.0], 0.5, (1.0, 3.0)),  # they differ: from the smallest to the largest
    ([2.0, 2.1], 0.5, (1.8, 2.3)),  # they do not: about their middle
    ([0.0, 0.001], 0.01, (0.0, 0.01)),  # never below zero
    ([np.nan, 4.0], 0.5, (3.75, 4.25)),
    ([np.nan], 0.5, (0.0, 0.5)),
])  # fmt: skip
def test_the_colours_span_at_least_so_much(values, least, limits):
    assert colour_limits(np.array([values], dtype=np.float32), least) == pytest.approx(limits, abs=1e-6)
