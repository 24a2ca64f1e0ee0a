"""Cost: what a Vision Transformer takes in computing and in memory, and how both grow with the picture."""

from __future__ import annotations

from vitviz.ui.choices.cost import EXPERIMENT
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.cost import compute, memory
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _
from vitviz.ui.work.desk import Desk

scene, desk = current(), Desk()
chosen = lesson.experiment(EXPERIMENT, {"compute": _("Computing"), "memory": _("Memory")})
draw = {"compute": compute.draw, "memory": memory.draw}[chosen]
lesson.footer(draw(scene, desk))
desk.finish()  # last, so that the whole page stands while it works
