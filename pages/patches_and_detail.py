"""Patches and detail: the smallest object that a token can see, and the loaded model at other patch sizes."""

from __future__ import annotations

from vitviz.ui import lesson
from vitviz.ui.learn import object_lesson, patch_sizes
from vitviz.ui.learn.long_work import Desk
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene, desk = current(), Desk()
chosen = lesson.experiment("detail", {"object": _("The smallest object"), "patch_size": _("Other patch sizes")})
result = (object_lesson if chosen == "object" else patch_sizes).draw(scene, desk)
lesson.footer(result)
desk.finish()  # last, so that the whole page stands while it works
