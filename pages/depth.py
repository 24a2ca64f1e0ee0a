"""Depth: what many blocks in a row do to a signal, and how residual path and LayerNorm keep it alive."""

from __future__ import annotations

from vitviz.ui import lesson
from vitviz.ui.learn import layer_norm_lesson, residual_lesson
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
chosen = lesson.experiment(
    "depth_experiment", {"residual": _("The residual path"), "layer_norm": _("Before or after: LayerNorm")}
)
result = layer_norm_lesson.draw() if chosen == "layer_norm" else residual_lesson.draw(scene)
lesson.footer(result)
