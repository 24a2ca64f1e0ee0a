"""Patches and detail: the smallest object that a token can see, and the loaded model at other patch sizes."""

from __future__ import annotations

from vitviz.ui.choices.patches_and_detail import EXPERIMENT
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.detail import patch_sizes, smallest_object
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _
from vitviz.ui.work.desk import Desk

scene, desk = current(), Desk()
chosen = lesson.experiment(EXPERIMENT, {"object": _("The smallest object"), "patch_size": _("Other patch sizes")})
result = (smallest_object if chosen == "object" else patch_sizes).draw(scene, desk)
lesson.footer(result)
desk.finish()  # last, so that the whole page stands while it works
