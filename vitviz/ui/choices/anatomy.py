"""The choices of the Anatomy page: the view, the step, and the knobs of each experiment."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, integer, one_of

PAGE = "anatomy"
STEPS, PARAMETERS, GELU, SHIFT, REACH, SCALING = ("steps", "parameters", "gelu", "shift", "reach", "scaling")
EXPERIMENTS = (STEPS, PARAMETERS, GELU, SHIFT, REACH, SCALING)
STEP_NAMES = ("patches", "flatten", "project", "positions", "blocks", "mlp", "head")
SCALED = ("depth", "width", "side")

EXPERIMENT = Choice("anatomy", STEPS, one_of(*EXPERIMENTS), pages=(PAGE,))
ANATOMY_STEP = Choice("anatomy_step", "patches", one_of(*STEP_NAMES), pages=(PAGE,))
MLP_STAGE = Choice("mlp_stage", 0, integer(0, 9), pages=(PAGE,))
ANATOMY_SCALED = Choice("anatomy_scaled", "depth", one_of(*SCALED), pages=(PAGE,))
ANATOMY_DEPTH = Choice("anatomy_depth", 12, integer(1, 48), pages=(PAGE,))
ANATOMY_WIDTH = Choice("anatomy_width", 768, integer(64, 2048), pages=(PAGE,))
ANATOMY_SIDE = Choice("anatomy_side", 224, integer(64, 640), pages=(PAGE,))
