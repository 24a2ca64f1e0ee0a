"""Depth: what many blocks in a row do to a signal, and how residual path and LayerNorm keep it alive."""

from __future__ import annotations

from vitviz.ui.furniture import lesson
from vitviz.ui.learn.depth import LESSON

lesson.draw(LESSON)
