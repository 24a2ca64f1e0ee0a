"""Depth: what many blocks in a row do to a signal, and how residual path and LayerNorm keep it alive."""

from __future__ import annotations

from vitviz.ui.choices.depth import EXPERIMENT
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.depth import layer_norm, residual
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
chosen = lesson.experiment(
    EXPERIMENT, {"residual": _("The residual path"), "layer_norm": _("Before or after: LayerNorm")}
)
result = layer_norm.draw() if chosen == "layer_norm" else residual.draw(scene)
lesson.footer(result)
