"""Tokens: what the patches of a photo have become after each layer, by themselves and beside another photo's."""

from __future__ import annotations

from vitviz.ui.explore.tokens import clusters, layers, lens, likeness, norms, second_photo
from vitviz.ui.explore.tokens.export import TokenMeasurements, export
from vitviz.ui.furniture import show
from vitviz.ui.furniture.stage import stage
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What has each patch become?"),
    _(
        "Each patch is a token: a list of numbers that every layer rewrites. Patches that the model treats alike have "
        "like tokens, here seen as likeness to the chosen patch and as like colours."
    ),
)
controls, picture = stage()
with controls:
    likeness.controls(scene)
with picture:
    here, there = second_photo.first(scene), second_photo.second(scene)
    view, colours = likeness.draw(scene, here, there)
groups = clusters.draw(scene, here, there, colours)
table = norms.draw(scene, here)
reading = lens.draw(scene, here)
spectrum = layers.frequencies(scene, here)
similarity = layers.alike(scene, here)
measured = TokenMeasurements(view, colours, groups, table, reading, spectrum, similarity)
show.footer(scene, export(scene, here, there, measured), caution="caution-tokens")
