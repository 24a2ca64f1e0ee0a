"""Attention: where every head of a layer looks from any patch, under the pointer."""

from __future__ import annotations

from vitviz.ui.components.attention_viewer import attention_viewer
from vitviz.ui.explore.attention import pooling
from vitviz.ui.furniture import pins, show, viewer
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("Where does each patch look?"),
    _("Point at a patch: every map shows at once how one head spreads that patch's attention over the picture."),
    touch=_("Tap a patch, or drag over the photo: every map shows how one head spreads that patch's attention."),
)
view = viewer.layer_view(scene)
attention_viewer(view, key="viewer", on_change=viewer.keep)
pooling.draw(scene)
pins.draw("attention")
show.footer(scene, viewer.export(scene, view), caution="caution-attention")
