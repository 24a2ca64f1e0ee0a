"""Scene: what every page is about, the chosen photo seen by the chosen model, made to fit each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.errors import OptionError, VitvizError, WeightsUnavailableError
from vitviz.grid import PatchGrid
from vitviz.images import Photo
from vitviz.images.seen_part import SeenPart
from vitviz.models.cropping import own_transform
from vitviz.models.preparation import Missing
from vitviz.models.vit import ViT
from vitviz.trace import Trace
from vitviz.ui.choices.shared import ABLATE, HEAD, LAYER, PATCH, pairs_of
from vitviz.ui.kept import cache
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import chosen_model, crop, link, models, opening, photos
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import clause, in_dashboard

_GOOD_MODEL = "vitviz_good_model"
MOST_TOKENS = 2500
"""Most tokens of a model on the dashboard: one layer's maps of 12 heads are then 300 MB."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo and a model, and the choices that fit both."""

    vit: ViT
    photo: Photo
    photo_name: str
    """Example id, or the key of a reader's own photo."""
    trace: Trace
    """The forward pass with the heads switched off that the reader switched off."""
    original: Trace
    """The forward pass of the model as it is; the same object where nothing is switched off."""
    picture: NDArray[np.uint8]
    """(height, width, 3): the crop that the model sees, at a size to look at."""
    part: SeenPart | None
    """Which part of the photo that is; None where it cannot be known."""
    model_key: str
    """Names the model, its weights and its input size in cache keys."""
    choice: ModelChoice
    """How the reader chose the model, which is how it is loaded again."""
    layer: int
    head: str
    """"mean", "max" or a number."""
    query: str
    """Name of the query token: a patch number or a special token."""

    @property
    def chosen_head(self) -> int | Literal["mean", "max"]:
        """The head as the library takes it: a number, or how the heads are put together."""
        if self.head.isdecimal():
            return int(self.head)
        return "max" if self.head == "max" else "mean"

    @property
    def patch(self) -> int | None:
        """The query if it is a patch."""
        return int(self.query) if self.query.isdecimal() else None


def current() -> Scene:
    """Return the scene of this run; its model and trace come from the cache.

    What cannot be loaded is told, and the last model that worked stays. Stops the page if nothing works.
    """
    name, photo = photos.chosen()
    vit, choice, key = _model(photo)
    _fit(vit)
    try:
        return _seen(name, photo, vit, choice, key)
    except VitvizError as error:
        st.error(plain(in_dashboard(error)))
        st.stop()


def exactly() -> Scene:
    """Return the scene of the choices as they are; raises VitvizError where ``current`` would take something else."""
    name = photos.current()
    if name not in photos.available():
        own = _("Its photo is somebody's own and not in the memory of this vitviz. Upload it again.")
        raise OptionError(own if photos.is_own(name) else _("There is no photo {name} here.").format(name=name))
    photo = photos.get(name)
    vit, choice, key = crop.seeing(chosen_model.asked(), photo)
    _fit(bearable(vit))
    return _seen(name, photo, vit, choice, key)


def _seen(name: str, photo: Photo, vit: ViT, choice: ModelChoice, key: str) -> Scene:
    """Return the scene of a photo and a model; raises VitvizError for a model that cannot look at it."""
    original = cache.traced(key, photo.digest, NO_EDIT, vit, photo)
    trace = cache.traced(key, photo.digest, _edit(vit), vit, photo)
    shown = cache.picture(key, photo.digest, vit, photo)
    return Scene(
        vit=vit,
        photo=photo,
        photo_name=name,
        trace=trace,
        original=original,
        picture=shown,
        part=crop.seen_part(vit, key, photo),
        model_key=key,
        choice=choice,
        layer=link.get(LAYER),
        head=link.get(HEAD),
        query=link.get(PATCH),
    )


def _model(photo: Photo) -> tuple[ViT, ModelChoice, str]:
    wanted = chosen_model.asked()
    good = st.session_state.get(_GOOD_MODEL, ModelChoice())
    for choice in (wanted, good, ModelChoice()):
        try:
            vit, loaded, key = crop.seeing(choice, photo)
            bearable(vit)
        except VitvizError as error:
            link.notice(in_dashboard(error))
            if isinstance(error, WeightsUnavailableError) and not choice.is_own:
                models.unavailable(choice.name)
            if choice is wanted and choice.is_own:
                chosen_model.keep_draft(choice)
            continue
        if choice is wanted and loaded.is_own:
            chosen_model.keep_draft(None)
        st.session_state[_GOOD_MODEL] = loaded
        chosen_model.put(loaded)
        return vit, loaded, key
    for text in link.take_notices():
        st.error(plain(text))
    return st.stop()


def bearable(vit: ViT) -> ViT:
    """Return the model if it can look at photos, and one reader's picture cannot stall all others."""
    given = own_transform(vit.transform)
    if isinstance(given, Missing):
        raise OptionError(
            _(
                "{name} cannot look at photos here: {reason}. Choose another model; the library takes a transform of "
                "your own, ViT.from_module(module, transform=…)."
            ).format(name=vit.name, reason=clause(given.reason))
        )
    if vit.grid.tokens > MOST_TOKENS:
        raise OptionError(
            _(
                "{name} cuts the picture into {tokens} tokens; the dashboard shows at most {most}. Choose a smaller "
                "input size; the library has no limit."
            ).format(name=vit.name, tokens=vit.grid.tokens, most=MOST_TOKENS)
        )
    return vit


def _edit(vit: ViT) -> Edit:
    """Return the heads switched off by the reader as an edit; heads that this model has not are told and dropped."""
    pairs = pairs_of(link.get(ABLATE))
    there = [(layer, head) for layer, head in pairs if layer < vit.layers and head < vit.heads[layer]]
    if len(there) < len(pairs):
        link.notice(_("The link switches off heads that this model does not have; they are left out."))
    there = sorted(set(there))
    if there != pairs:
        link.put(ABLATE.at("-".join(f"{layer}.{head}" for layer, head in there)))
    return Edit(ablate_heads=there)


def _fit(vit: ViT) -> None:
    """Bring layer, head and query into the model's range, and say so where a link asked for more."""
    layer = link.get(LAYER)
    if layer < 0 or opening.untouched(LAYER):
        layer = opening.here().layer(vit.layers)
        opening.opened_on(layer, None)
    elif layer >= vit.layers:
        _tell(
            _("There is no layer {asked}: this model has layers 0 to {last}, so layer {last} is shown."),
            layer,
            vit.layers - 1,
        )
        layer = vit.layers - 1
    head = link.get(HEAD)
    if head.isdecimal() and int(head) >= vit.heads[layer]:
        _tell(
            _("There is no head {asked}: this layer has heads 0 to {last}, so the mean of all heads is shown."),
            head,
            vit.heads[layer] - 1,
        )
        head = "mean"
    link.put(LAYER.at(layer), HEAD.at(head), PATCH.at(_query(vit)))


def _query(vit: ViT) -> str:
    """Return the query of the link as the grid names it, so that "007" is patch 7 on every page."""
    query = link.get(PATCH)
    if not query or opening.untouched(PATCH):
        query = str(middle(vit.grid)) if opening.here().patch else first_query(vit)
        opening.opened_on(None, query)
    try:
        return vit.grid.names[vit.grid.token(query)]
    except OptionError as error:
        link.notice(in_dashboard(error))
        return first_query(vit)


def _tell(text: str, asked: object, last: int) -> None:
    link.notice(text.format(asked=asked, last=last))


def first_query(vit: ViT) -> str:
    """Return the token shown at first: the class token, or the middle patch of a model without one."""
    if "class" in vit.grid.prefix:
        return "class"
    return str(middle(vit.grid))


def middle(grid: PatchGrid) -> int:
    """Return the patch in the middle of a grid, or the one below and right of it."""
    return grid.rows // 2 * grid.columns + grid.columns // 2


def pinned_patch(scene: Scene) -> int:
    """Return the patch that a page is about which follows one patch: the pinned one, or the middle of the grid."""
    return middle(scene.vit.grid) if scene.patch is None else scene.patch
