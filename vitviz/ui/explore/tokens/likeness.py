"""The Tokens page: the chosen patch beside all others of two photos, and the tokens as colours."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.analysis.tokens import TokenColours, patch_tokens
from vitviz.errors import OptionError
from vitviz.figures.image_files import jpeg_bytes
from vitviz.numbers import percent
from vitviz.ui.choices.shared import LAYER, OPACITY, PALETTE, PATCH
from vitviz.ui.choices.tokens import FLIP, FOREGROUND, LIKENESS, MOST_FOREGROUND
from vitviz.ui.components.token_view import TokenChoice, TokenPicture, TokenView
from vitviz.ui.components.token_viewer import token_viewer
from vitviz.ui.explore.tokens import second_photo
from vitviz.ui.explore.tokens.second_photo import Seen
from vitviz.ui.kept import cache
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene, pinned_patch
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard


def controls(scene: Scene) -> None:
    """Draw the layer, the second photo and what counts as foreground."""
    layer, second, foreground, flip = st.columns([3, 3, 3, 2], gap="medium")
    if scene.vit.layers > 1:
        layer.slider(
            _("After layer"),
            0,
            scene.vit.layers - 1,
            help=_("The residual stream after this block."),
            **link.widget(LAYER),
        )
    with second:
        second_photo.choose(scene)
    foreground.slider(
        _("Foreground above"),
        0.0,
        MOST_FOREGROUND,
        step=0.05,
        help=_(
            "Of the first principal component, stretched from 0 to 1. Patches below are black and the colours are "
            "made of the rest. 0: all patches."
        ),
        **link.widget(FOREGROUND),
    )
    flip.toggle(
        _("Other side"),
        help=_("Which end of the component is the object is not known: this takes the other one."),
        **link.widget(FLIP),
    )


def draw(scene: Scene, here: Seen, there: Seen) -> tuple[TokenView, TokenColours | None]:
    """Draw the viewer with both photos; return what it shows."""
    if scene.trace.edit:
        st.caption(":material/power: " + _("These are the tokens of the model with all its heads on."))
    colours = _colours(scene, here, there)
    view = _view(scene, here, there, colours)
    token_viewer(view, key="token_viewer", on_change=_keep)
    if colours is not None:
        _under(colours)
    return view, colours


def _keep(choice: TokenChoice) -> None:
    link.put(PATCH.at(str(choice.patch)), LIKENESS.at(choice.scale))


def _colours(scene: Scene, here: Seen, there: Seen) -> TokenColours | None:
    """Return the colours of both photos; where the foreground is too small for colours, those of all patches."""
    threshold = link.get(FOREGROUND) or None
    digests, traces = (here.photo.digest, there.photo.digest), (here.trace, there.trace)
    for asked in dict.fromkeys((threshold, None)):
        try:
            return cache.token_colours(scene.model_key, digests, scene.layer, asked, link.get(FLIP), traces)
        except OptionError as error:
            st.info(plain(in_dashboard(error)), icon=":material/info:")
    return None


def _view(scene: Scene, here: Seen, there: Seen, colours: TokenColours | None) -> TokenView:
    grid = scene.vit.grid
    grey = np.full((grid.rows, grid.columns, 3), 0.5, np.float32)
    first, second = (grey, grey) if colours is None else colours.colours
    titles = photos.title(here.name), photos.title(there.name)
    if titles[0] == titles[1]:
        titles = titles[0], _("{title} again").format(title=titles[1])
    pictures = [
        TokenPicture(
            title=title,
            photo=jpeg_bytes(seen.picture),
            grid=grid,
            tokens=patch_tokens(seen.trace, scene.layer),
            colours=colour,
        )
        for title, seen, colour in zip(titles, (here, there), (first, second), strict=True)
    ]
    return TokenView(
        pictures=(pictures[0], pictures[1]),
        patch=pinned_patch(scene),
        scale=link.get(LIKENESS),
        palette=link.get(PALETTE),
        opacity=link.get(OPACITY),
    )


def _under(colours: TokenColours) -> None:
    red, green, blue = (float(share) for share in colours.shares)
    st.caption(
        _(
            "Red, green and blue are the first three principal components of both photos' tokens together; they hold "
            "{red}, {green} and {blue} of the variance. Like colours mean like tokens in those three "
            "directions; what the other directions hold is not seen."
        ).format(red=percent(red), green=percent(green), blue=percent(blue))
    )
