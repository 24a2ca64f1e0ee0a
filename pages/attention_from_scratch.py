"""Attention from scratch: temperature, places, order and position encodings, each small enough to check by hand."""

from __future__ import annotations

from vitviz.ui.choices.attention_from_scratch import EXPERIMENT
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.scratch import encodings, order, places, temperature
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _
from vitviz.ui.work.desk import Desk

scene, desk = current(), Desk()
chosen = lesson.experiment(
    EXPERIMENT,
    {"temperature": _("Temperature"), "places": _("Four patches"), "order": _("Order"), "encodings": _("Encodings")},
)
experiments = {"temperature": temperature, "places": places, "order": order, "encodings": encodings}
result = experiments[chosen].draw(scene, desk)
lesson.footer(result)
desk.finish()  # last, so that the whole page stands while it works
