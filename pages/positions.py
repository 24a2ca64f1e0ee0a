"""Positions: what a model's position encoding says about its places, and what happens when patches change theirs."""

from __future__ import annotations

from vitviz.ui import positions, show, shuffling
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What does the model know about places?"),
    _(
        "Attention alone does not know where a patch is: a position encoding tells it. Each small map shows which "
        "places the model's encoding makes alike."
    ),
)
similarity, read_out = positions.measured(scene)
positions.head(similarity)
positions.maps(scene, similarity, read_out)
experiment = shuffling.draw(scene)
show.footer(
    scene,
    positions.export(scene, similarity, read_out, experiment),
    caution="caution-positions",
)
