"""Positions: what a model's position encoding says about its places, and what happens when patches change theirs."""

from __future__ import annotations

from vitviz.ui.explore.positions import encoding, input_sizes, shuffling, vectors
from vitviz.ui.explore.positions.export import PositionMeasurements, export
from vitviz.ui.furniture import show
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _
from vitviz.ui.words.labels import is_random

scene = current()
show.heading(
    _("What does the model know about places?"),
    _(
        "Attention alone does not know where a patch is: a position encoding tells it. Each small map shows which "
        "places the model's encoding makes alike."
    ),
)
similarity, read_out = encoding.measured(scene)
encoding.head(similarity, random=is_random(scene.vit))
encoding.maps(scene, similarity, read_out)
vectors.components(similarity)
interpolated = vectors.interpolation(scene)
experiment = shuffling.draw(scene)
measured = PositionMeasurements(similarity, read_out, interpolated, experiment, input_sizes.draw(scene))
show.footer(scene, export(scene, measured), caution="caution-positions")
