"""The choices of the Rollout page: the options of the method, and the map that is shown large."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, one_of, share, whole

PAGE = "rollout"
LAYER_ALONE, ROLLOUT = "layer", "rollout"
"""The maps of the page, in the order of its viewer."""

FUSION = Choice("fusion", "mean", one_of("mean", "max", "min"), pages=(PAGE,))
DISCARD = Choice("discard", 0.0, share, pages=(PAGE,))
RESIDUAL = Choice("residual", 0.5, share, pages=(PAGE,))
START = Choice("start", 0, whole, pages=(PAGE,))
END = Choice("end", -1, lambda text: -1 if text == "-1" else whole(text), pages=(PAGE,))  # -1: the last layer
ROLLOUT_MAP = Choice("rollout_map", ROLLOUT, one_of(LAYER_ALONE, ROLLOUT), pages=(PAGE,))
