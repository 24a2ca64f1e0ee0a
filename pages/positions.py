"""Positions: what a model's position encoding says about its places, and what happens when patches change theirs."""

from __future__ import annotations

from vitviz.ui import input_sizes, position_export, position_vectors, positions, show, shuffling
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
position_vectors.components(similarity)
interpolated = position_vectors.interpolation(scene)
experiment = shuffling.draw(scene)
sizes, bar = input_sizes.draw(scene)
measured = position_export.Measured(similarity, read_out, interpolated, experiment, sizes)
show.footer(scene, position_export.export(scene, measured), caution="caution-positions")
input_sizes.finish(scene, sizes, bar)  # last, so that the whole page stands while it works
