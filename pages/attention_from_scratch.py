"""Attention from scratch: temperature, places, order and position encodings, each small enough to check by hand."""

from __future__ import annotations

from vitviz.ui import lesson
from vitviz.ui.learn import encodings, order, places, temperature_lesson
from vitviz.ui.learn.long_work import Desk
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene, desk = current(), Desk()
chosen = lesson.experiment(
    "scratch",
    {"temperature": _("Temperature"), "places": _("Four patches"), "order": _("Order"), "encodings": _("Encodings")},
)
experiments = {"temperature": temperature_lesson, "places": places, "order": order, "encodings": encodings}
result = experiments[chosen].draw(scene, desk)
lesson.footer(result)
desk.finish()  # last, so that the whole page stands while it works
