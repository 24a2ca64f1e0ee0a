"""The choices of the Training page: the experiment, and the knobs of each."""

from __future__ import annotations

from vitviz.labs.digits import data_hunger, distillation_runs, scaling
from vitviz.ui.choices.choice import Choice, flag, integer, number, one_of

PAGE = "training"
DISTILLATION, LAYER_NORM, HUNGER, SIZES = "distillation", "layer_norm", "data_hunger", "input_size"
SCALING = "scaling"
EXPERIMENTS = (DISTILLATION, LAYER_NORM, HUNGER, SCALING, SIZES)
MOST_SEEDS, MOST_STEPS, FEWEST_STEPS = 10, 1000, 20
LARGEST_SETS = (60, 200, 600, 1200)
GRID_SIDES = (2, 37)

EXPERIMENT = Choice("training", DISTILLATION, one_of(*EXPERIMENTS), pages=(PAGE,))
DISTIL_SIZE = Choice("distil_size", distillation_runs.SIZE, integer(10, 1200), pages=(PAGE,))
DISTIL_SEEDS = Choice("distil_seeds", distillation_runs.SEEDS, integer(1, MOST_SEEDS), pages=(PAGE,))
DISTIL_STEPS = Choice("distil_steps", distillation_runs.STEPS, integer(FEWEST_STEPS, MOST_STEPS), pages=(PAGE,))
DISTIL_ALPHA = Choice("distil_alpha", distillation_runs.ALPHA, number(0, 1), pages=(PAGE,))
DISTIL_TEMPERATURE = Choice("distil_temperature", distillation_runs.TEMPERATURE, number(0.5, 20), pages=(PAGE,))
DISTIL_SHIFTS = Choice("distil_shifts", True, flag, pages=(PAGE,))
HUNGER_LARGEST = Choice("hunger_largest", "1200", one_of(*map(str, LARGEST_SETS)), pages=(PAGE,))
HUNGER_SEEDS = Choice("hunger_seeds", data_hunger.SEEDS, integer(1, MOST_SEEDS), pages=(PAGE,))
HUNGER_STEPS = Choice("hunger_steps", data_hunger.STEPS, integer(FEWEST_STEPS, MOST_STEPS), pages=(PAGE,))
HUNGER_SHIFTS = Choice("hunger_shifts", False, flag, pages=(PAGE,))
NORM_DEPTH = Choice("norm_depth", 12, integer(1, 24), pages=(PAGE,))
NORM_RATE = Choice("norm_rate", 2e-3, number(1e-4, 0.05), pages=(PAGE,))
NORM_WARMUP = Choice("norm_warmup", 0, integer(0, 400), pages=(PAGE,))
NORM_STEPS = Choice("norm_steps", 200, integer(FEWEST_STEPS, 400), pages=(PAGE,))
GROWING = Choice("growing", scaling.GROWING[0], one_of(*scaling.GROWING), pages=(PAGE,))
SIZES_ROWS = Choice("sizes_rows", 12, integer(*GRID_SIDES), pages=(PAGE,))
SIZES_COLUMNS = Choice("sizes_columns", 20, integer(*GRID_SIDES), pages=(PAGE,))
