"""Cost: what a Vision Transformer takes in computing and in memory, and how both grow with the picture."""

from __future__ import annotations

from vitviz.ui import lesson
from vitviz.ui.learn import cost_compute, cost_memory
from vitviz.ui.learn.long_work import Desk
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene, desk = current(), Desk()
chosen = lesson.experiment("cost_experiment", {"compute": _("Computing"), "memory": _("Memory")})
draw = {"compute": cost_compute.draw, "memory": cost_memory.draw}[chosen]
lesson.footer(draw(scene, desk))
desk.finish()  # last, so that the whole page stands while it works
