"""The choices of the Depth page: the residual path as a filter, and where the LayerNorm stands."""

from __future__ import annotations

from vitviz.labs.residual_filter import GRAPHS, MOST_BLOCKS
from vitviz.labs.stream_growth import MOST_DEPTH
from vitviz.ui.choices.choice import Choice, integer, number, one_of

PAGE = "depth"
LARGEST_ALPHA = 1.0
LARGEST_NODES = 64
WIDTHS = (16, 32, 64, 128)
SEEDS = 99

CHOICES = (
    Choice("depth_experiment", "residual", one_of("residual", "layer_norm"), page=PAGE),
    Choice("depth_graph", "cycle", one_of(*GRAPHS), page=PAGE),
    Choice("depth_nodes", 16, integer(3, LARGEST_NODES), page=PAGE),
    Choice("depth_alpha", 0.15, number(0, LARGEST_ALPHA), page=PAGE),
    Choice("depth_blocks", 6, integer(1, MOST_BLOCKS), page=PAGE),
    Choice("depth_high", 0.5, number(0, 1), page=PAGE),
    Choice("depth_growth", 0.2, number(0, 1), page=PAGE),
    Choice("depth_branch", 1.0, number(0, 10), page=PAGE),
    Choice("depth_layers", 24, integer(1, MOST_DEPTH), page=PAGE),
    Choice("depth_width", 64, lambda text: int(one_of(*map(str, WIDTHS))(text)), page=PAGE),
    Choice("depth_seed", 0, integer(0, SEEDS), page=PAGE),
)
