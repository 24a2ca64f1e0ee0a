"""The groups of the tokens on the Tokens page, beside their main components as colours."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from vitviz.analysis.clusters import TokenClusters
from vitviz.analysis.tokens import TokenColours
from vitviz.figures.overlay import blend, grey
from vitviz.figures.palettes import PINNED
from vitviz.numbers import percent
from vitviz.ui.choices.tokens import CLUSTERS, MOST_CLUSTERS
from vitviz.ui.explore.tokens.second_photo import Seen
from vitviz.ui.kept import cache
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_OPACITY = 0.65


def draw(scene: Scene, here: Seen, there: Seen, colours: TokenColours | None) -> TokenClusters:
    """Draw the groups of both photos, and beside each its tokens as colours; return the groups."""
    st.subheader(_("Which patches belong together?"), anchor=False)
    count = min(MOST_CLUSTERS, 2 * scene.vit.grid.patches)
    st.slider(
        _("Groups"),
        2,
        count,
        help=_("k-means puts the tokens of both photos into this many groups; one colour is one group in both."),
        **link.widget(CLUSTERS),
    )
    digests, traces = (here.photo.digest, there.photo.digest), (here.trace, there.trace)
    groups = cache.token_groups(scene.model_key, digests, scene.layer, link.get(CLUSTERS), traces)
    pairs = zip((here, there), groups.clusters, (None, None) if colours is None else colours.colours, strict=True)
    for half, (seen, labels, components) in zip(st.columns(2, gap="medium"), pairs, strict=True):
        title = photos.title(seen.name)
        left, right = half.columns(2, gap="small")
        left.image(
            painted(seen.picture, labels), caption=_("Groups, {title}").format(title=title), width="stretch",
            output_format="JPEG", alt=_in_words(labels),
        )  # fmt: skip
        if components is not None:
            caption = _("Main components, {title}").format(title=title)
            right.image(_enlarged(components), caption=caption, width="stretch", output_format="PNG", alt=caption)
    st.caption(
        _(
            "Groups are sharp where components are smooth: k-means must put every patch somewhere. {within} of the "
            "tokens' variance is left within the groups."
        ).format(within=percent(groups.within))
    )
    return groups


def painted(photo: NDArray[np.uint8], labels: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the grey photo with the groups (rows, columns) over it, in the colours of pinned heads."""
    table = np.array([ImageColor.getrgb(colour) for colour in PINNED], np.uint8)
    height, width = photo.shape[:2]
    cells = Image.fromarray(table[labels]).resize((width, height), Image.Resampling.NEAREST)
    return blend(grey(photo), np.asarray(cells), _OPACITY)


def _enlarged(colours: NDArray[np.float32]) -> Image.Image:
    size = (colours.shape[1] * 24, colours.shape[0] * 24)
    return Image.fromarray(np.rint(colours * 255).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)


def _in_words(labels: NDArray[np.intp]) -> str:
    sizes = np.bincount(labels.ravel())
    return _("Patches in each group: {sizes}").format(sizes=", ".join(map(str, sizes)))
