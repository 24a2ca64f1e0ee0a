"""Anatomy: what a Vision Transformer is made of, with the real tensors of the chosen model and photo."""

from __future__ import annotations

from vitviz.ui.furniture import lesson
from vitviz.ui.learn.anatomy import LESSON

lesson.draw(LESSON)
