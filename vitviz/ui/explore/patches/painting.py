"""The Patches page: what the reader painted, what happens to it, and the model's pass over the changed picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vitviz.analysis.patch_changes import SHUFFLED, change_patches, changed_input, chosen_patches
from vitviz.analysis.replacement import REMOVED
from vitviz.analysis.shuffling import move_patches, order_among
from vitviz.errors import VitvizError
from vitviz.figures.image_files import jpeg_bytes
from vitviz.figures.paint import hatch
from vitviz.grid import PatchGrid
from vitviz.trace import Trace
from vitviz.ui.choices.patches import CHANGE, KEEP_ONLY, PAINTED, Painting, painted_text, painting_of
from vitviz.ui.components.painter_view import PainterView, Stroke
from vitviz.ui.components.patch_painter import patch_painter
from vitviz.ui.explore.patches import opening
from vitviz.ui.furniture import viewer
from vitviz.ui.kept.shelf import Shelf
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.labels import replacement_names

_STROKE = "vitviz_stroke"
_LIVE = "vitviz_live_painting"
PASS_BYTES = 120_000_000
"""Of memory for the passes over changed pictures: six of 20 MB at 224 pixels, or the one that was made last."""
_ORDER = ("grey", "mean", "black", "noise", "blur", SHUFFLED, REMOVED)


@dataclass(frozen=True, eq=False)
class Changed:
    """The picture with the painted patches changed, and the model's pass over it."""

    painting: Painting
    change: str
    keep_only: bool
    patches: frozenset[int]
    """The patches that were changed: the painted ones, or all others; none if nothing is painted."""
    trace: Trace
    """The pass over the changed picture; the plain one if nothing is changed."""
    picture: NDArray[np.uint8]
    """(height, width, 3): what the model sees, at a size to look at; removed patches are hatched."""
    reason: str | None
    """Why the change cannot be made; the plain model is shown then."""

    def __bool__(self) -> bool:
        return bool(self.patches)

    @property
    def key(self) -> str:
        """Names the change of a photo, in keys of caches."""
        return f"{self.painting.text()}|{self.change}|{self.keep_only}"


def effects() -> dict[str, str]:
    """Return what may happen to patches, in the reader's language."""
    named = {**replacement_names(), SHUFFLED: _("Shuffle")}
    return {name: named[name] for name in _ORDER}


def controls() -> None:
    """Draw what happens to the painted patches."""
    names = effects()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    row.segmented_control(
        _("What happens to the painted patches"),
        list(names),
        format_func=lambda name: names[name],
        required=True,
        help=_(
            "Mean colour: of this photo. Blur: as wide as a patch. Shuffle: they change places among "
            "themselves. Remove tokens: the pixels stay, but no token of these patches enters the model."
        ),
        width="content",
        **link.widget(CHANGE),
    )
    row.toggle(
        _("Keep only the painted"),
        help=_("The change is made to all the other patches instead."),
        width="content",
        **link.widget(KEEP_ONLY),
    )


def current(scene: Scene) -> Changed:
    """Return the changed picture of this run; a painting for another grid is carried over, and told."""
    grid = scene.vit.grid
    text = st.session_state.get(_LIVE) or link.get(PAINTED)
    painting = painting_of(text) or Painting(grid.rows, grid.columns, frozenset() if text else opening.patches(scene))
    fitted = painting.on(grid)
    if fitted is not painting:
        link.put(PAINTED.at(painted_text(fitted)))
        st.info(
            _("The painting was made on {old} patches; it is carried over to {new}.").format(
                old=f"{painting.rows} × {painting.columns}", new=f"{grid.rows} × {grid.columns}"
            ),
            icon=":material/grid_on:",
        )
    return _changed(scene, fitted, link.get(CHANGE), link.get(KEEP_ONLY))


def _changed(scene: Scene, painting: Painting, change: str, keep_only: bool) -> Changed:
    everywhere = frozenset(range(scene.vit.grid.patches))
    patches = everywhere - painting.patches if keep_only else painting.patches
    if not painting.patches or not patches:
        plain_view = (scene.original, scene.picture, None)
        return Changed(painting, change, keep_only, frozenset(), *plain_view)
    try:
        trace = _trace(scene, painting, change, keep_only)
    except VitvizError as error:
        reason = in_dashboard(error)
        return Changed(painting, change, keep_only, frozenset(), scene.original, scene.picture, reason)
    picture = shown_picture(scene, trace, patches, change)
    return Changed(painting, change, keep_only, patches, trace, picture, None)


@st.cache_resource(max_entries=1, show_spinner=False)
def passes() -> Shelf:
    """Return the passes over changed pictures of all readers, of whatever size the models are."""
    return Shelf(PASS_BYTES, size=lambda trace: trace.nbytes)


def _trace(scene: Scene, painting: Painting, change: str, keep_only: bool) -> Trace:
    """Return the pass over a changed picture."""
    return passes().once(
        (scene.model_key, scene.photo.digest, painting.text(), change, keep_only),
        lambda: change_patches(scene.vit, scene.original.pixels, sorted(painting.patches), change, keep_only=keep_only),
    )


def shown_picture(scene: Scene, trace: Trace, patches: frozenset[int], change: str) -> NDArray[np.uint8]:
    """Return the changed picture at the size of the scene's: other patches stay as crisp as they are there."""
    photo, grid = scene.picture, scene.vit.grid
    scale = photo.shape[0] // scene.vit.image_size[0]
    there = _mask(grid, patches, scale, photo.shape)
    if change == REMOVED:
        return hatch(photo, there)
    if change == SHUFFLED:
        large = PatchGrid(grid.rows, grid.columns, (grid.patch_size[0] * scale, grid.patch_size[1] * scale))
        order = order_among(grid.patches, sorted(patches))
        planes = torch.from_numpy(photo.copy()).permute(2, 0, 1)
        return move_patches(planes, large, order).permute(1, 2, 0).numpy()
    seen = Image.fromarray(scene.vit.picture(trace.pixels))
    smooth = Image.Resampling.BICUBIC if change == "blur" else Image.Resampling.NEAREST
    enlarged = np.asarray(seen.resize((photo.shape[1], photo.shape[0]), smooth))
    return np.where(there[..., None], enlarged, photo)


def _mask(grid: PatchGrid, patches: frozenset[int], scale: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels of the enlarged picture belong to some patches; a margin without patches never does."""
    chosen = np.isin(np.arange(grid.patches), list(patches)).reshape(grid.rows, grid.columns)
    height, width = (side * scale for side in grid.patch_size)
    mask = chosen.repeat(height, 0).repeat(width, 1)
    return np.pad(mask, ((0, shape[0] - mask.shape[0]), (0, shape[1] - mask.shape[1])))


def painter(scene: Scene, changed: Changed, *, on_rest: Callable[[], None]) -> None:
    """Draw the photo to paint on; ``on_rest`` is called when the hand has rested after a stroke."""
    patch_painter(
        PainterView(
            photo=viewer.photo_file(scene),
            changed=jpeg_bytes(changed.picture) if changed else None,
            grid=scene.vit.grid,
            painted=changed.painting.patches,
            effect=_effect(changed),
            stroke=st.session_state.get(_STROKE, 0),
        ),
        key="painter",
        on_stroke=lambda stroke: _keep(scene.vit.grid, stroke),
        on_rest=on_rest,
    )
    if changed.reason is not None:
        st.warning(plain(changed.reason), icon=":material/block:")


def _keep(grid: PatchGrid, stroke: Stroke) -> None:
    """Keep a stroke in the link, or, while it goes on, for the next run alone."""
    text = painted_text(Painting(grid.rows, grid.columns, stroke.painted))
    st.session_state[_STROKE] = stroke.number
    if stroke.live:
        st.session_state[_LIVE] = text
    else:
        st.session_state.pop(_LIVE, None)
        link.put(PAINTED.at(text))


def _effect(changed: Changed) -> str:
    if not changed.painting.patches:
        return ""
    name = effects()[changed.change]
    return (_("all others: {change}") if changed.keep_only else "→ {change}").format(change=name)


def change_for_pixels(scene: Scene, changed: Changed) -> Tensor:
    """Return the changed input for a network without tokens: where tokens are removed, patches are grey instead."""
    if not changed or changed.change != REMOVED:
        return changed.trace.pixels
    chosen = chosen_patches(scene.vit, changed.patches)
    return changed_input(scene.vit, scene.original.pixels, chosen, "grey")[0]
