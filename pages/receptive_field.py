"""Receptive field: which pixels one place of a ViT, and of a CNN beside it, depends on at every depth."""

from __future__ import annotations

from vitviz.ui import field, field_depths, field_export, field_spread, link, show
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("How far does a unit see?"),
    _(
        "Bright pixels are those that one place of the network depends on. A Vision Transformer can see the whole "
        "picture from its first layer; a convolutional network has to grow its view layer by layer."
    ),
)
field.controls(scene)
measured = field.measure(scene, link.get("pictures"))
field.draw(scene, measured)
field.table(measured)
field_spread.draw(scene, measured)
field_depths.draw(scene, measured)
show.footer(scene, field_export.export(scene, measured), caution="caution-receptive-field")
