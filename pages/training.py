"""Training: what a Vision Transformer needs to learn, in runs that start at a click and go on beside the page."""

from __future__ import annotations

from vitviz.ui.furniture import lesson
from vitviz.ui.learn.training import LESSON

lesson.draw(LESSON)
