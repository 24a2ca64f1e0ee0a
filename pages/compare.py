"""Compare: the same method twice, with one thing changed: the weights, the model, the photo or the class."""

from __future__ import annotations

from vitviz.ui.explore.compare import changes, maps, other_options, pair, sides
from vitviz.ui.furniture import show
from vitviz.ui.furniture.stage import stage
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What changes the map?"),
    _(
        "Two maps by one method that differ in one thing only, and their difference. A map of what a model learned "
        "must change with its weights; a map of an answer must change with the answer."
    ),
)
controls, picture = stage()
with controls:
    pair.choose(scene)
with picture:
    a, b = sides.sides(scene)
with controls:
    other_options.draw(scene, opened=b is not None)
pair.choose_look()
pair.choose_classes(a)  # below the maps: they are whole on a projector's first screen
shown = []
with picture:
    outcomes = [] if b is None else pair.outcomes(a, b)
    compared = None if b is None else pair.compared(a, b, outcomes)
    if b is not None and compared is not None:
        shown = maps.panels(a, b, compared)
        maps.draw(a, b, compared, shown)
if b is not None:
    maps.answers(a, b)
    changes.draw(a, b)
pair.about(scene)
show.footer(scene, maps.export(scene, a, b, compared, shown), caution="caution-compare")
