"""Attention from scratch: temperature, places, order and position encodings, each small enough to check by hand."""

from __future__ import annotations

from vitviz.ui.furniture import lesson
from vitviz.ui.learn.scratch import LESSON

lesson.draw(LESSON)
