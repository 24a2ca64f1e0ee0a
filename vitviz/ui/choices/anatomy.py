"""The choices of the Anatomy page: the view, the step, and the knobs of each experiment."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, integer, one_of

PAGE = "anatomy"
STEPS, PARAMETERS, GELU, SHIFT, REACH, SCALING = ("steps", "parameters", "gelu", "shift", "reach", "scaling")
EXPERIMENTS = (STEPS, PARAMETERS, GELU, SHIFT, REACH, SCALING)
STEP_NAMES = ("patches", "flatten", "project", "positions", "blocks", "head")
SCALED = ("depth", "width", "side")

CHOICES = (
    Choice("anatomy", STEPS, one_of(*EXPERIMENTS), page=PAGE),
    Choice("anatomy_step", "patches", one_of(*STEP_NAMES), page=PAGE),
    Choice("anatomy_scaled", "depth", one_of(*SCALED), page=PAGE),
    Choice("anatomy_depth", 12, integer(1, 48), page=PAGE),
    Choice("anatomy_width", 768, integer(64, 2048), page=PAGE),
    Choice("anatomy_side", 224, integer(64, 640), page=PAGE),
)
