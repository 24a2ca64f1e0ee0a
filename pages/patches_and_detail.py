"""Patches and detail: the smallest object that a token can see, and the loaded model at other patch sizes."""

from __future__ import annotations

from vitviz.ui.furniture import lesson
from vitviz.ui.learn.detail import LESSON

lesson.draw(LESSON)
