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

EXPERIMENT = Choice("depth_experiment", "residual", one_of("residual", "layer_norm"), pages=(PAGE,))
DEPTH_GRAPH = Choice("depth_graph", "cycle", one_of(*GRAPHS), pages=(PAGE,))
DEPTH_NODES = Choice("depth_nodes", 16, integer(3, LARGEST_NODES), pages=(PAGE,))
DEPTH_ALPHA = Choice("depth_alpha", 0.15, number(0, LARGEST_ALPHA), pages=(PAGE,))
DEPTH_BLOCKS = Choice("depth_blocks", 6, integer(1, MOST_BLOCKS), pages=(PAGE,))
DEPTH_HIGH = Choice("depth_high", 0.5, number(0, 1), pages=(PAGE,))
DEPTH_GROWTH = Choice("depth_growth", 0.2, number(0, 1), pages=(PAGE,))
DEPTH_BRANCH = Choice("depth_branch", 1.0, number(0, 10), pages=(PAGE,))
DEPTH_LAYERS = Choice("depth_layers", 24, integer(1, MOST_DEPTH), pages=(PAGE,))
DEPTH_WIDTH = Choice("depth_width", 64, lambda text: int(one_of(*map(str, WIDTHS))(text)), pages=(PAGE,))
DEPTH_SEED = Choice("depth_seed", 0, integer(0, SEEDS), pages=(PAGE,))
