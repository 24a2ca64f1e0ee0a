"""Tokens: what the patches of a photo have become after each layer, by themselves and beside another photo's."""

from __future__ import annotations

from vitviz.ui import second_photo, show, token_export, token_layers, token_lens, token_norms, tokens
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What has each patch become?"),
    _(
        "Each patch is a token: a list of numbers that every layer rewrites. Patches that the model treats alike have "
        "like tokens, here seen as likeness to the patch under the pointer and as like colours."
    ),
)
tokens.controls(scene)
here, there = second_photo.first(scene), second_photo.second(scene)
view, colours = tokens.draw(scene, here, there)
norms = token_norms.draw(scene, here)
lens = token_lens.draw(scene, here)
spectrum = token_layers.frequencies(scene, here)
similarity = token_layers.alike(scene, here)
measured = token_export.Measured(view, colours, norms, lens, spectrum, similarity)
show.footer(scene, token_export.export(scene, here, there, measured), caution="caution-tokens")
