"""Cost: what a Vision Transformer takes in computing and in memory, and how both grow with the picture."""

from __future__ import annotations

from vitviz.ui.furniture import lesson
from vitviz.ui.learn.cost import LESSON

lesson.draw(LESSON)
