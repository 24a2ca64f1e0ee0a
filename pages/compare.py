"""Compare: the same method twice, with one thing changed: the weights, the model, the photo or the class."""

from __future__ import annotations

from vitviz.ui import compare, compare_maps, compare_sides, show
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What changes the map?"),
    _(
        "Two maps by one method that differ in one thing only, and their difference. A map of what a model learned "
        "must change with its weights; a map of an answer must change with the answer."
    ),
)
compare.choose(scene)
a, b = compare_sides.sides(scene)
compare.choose_classes(a)
found = [] if b is None else compare.outcomes(a, b)
bar = None if b is None else compare.ask(found)
compared = None if b is None else compare.compared(a, b, found)
shown = []
if b is not None and compared is not None:
    shown = compare_maps.panels(a, b, compared)
    compare_maps.draw(a, b, compared, shown)
if b is not None:
    compare_maps.answers(a, b)
compare.about(scene)
show.footer(scene, compare_maps.export(scene, a, b, compared, shown), caution="caution-compare")
compare.finish(a, b, found, bar)  # last, so that the whole page stands while it works
