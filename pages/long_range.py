"""Long range: two tasks that need evidence from distant places, and which trained networks can do them."""

from __future__ import annotations

from vitviz.ui.furniture import lesson
from vitviz.ui.learn.long_range import LESSON

lesson.draw(LESSON)
