"""The experiments of the page about attention from scratch."""

from __future__ import annotations

from vitviz.ui.choices.attention_from_scratch import EXPERIMENT
from vitviz.ui.furniture.lesson import Lesson, Section
from vitviz.ui.learn.scratch import encodings, head, order, places, rollout, several, temperature
from vitviz.ui.text import N_

LESSON = Lesson(
    EXPERIMENT,
    (
        Section("head", N_("One head, by hand"), head.draw),
        Section("several", N_("Several heads"), several.draw),
        Section("temperature", N_("Temperature"), temperature.draw),
        Section("places", N_("Four patches"), places.draw),
        Section("order", N_("Order"), order.draw),
        Section("encodings", N_("Encodings"), encodings.draw),
        Section("rollout", N_("Rollout, by hand"), rollout.draw),
    ),
)
