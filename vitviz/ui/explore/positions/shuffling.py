"""The shuffle experiment on the Positions page: patches change places, with and without position encoding."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from vitviz.analysis.shuffling import SHARES, ShuffleExperiment, move_patches, shuffled_order
from vitviz.errors import VitvizError
from vitviz.grid import PatchGrid
from vitviz.numbers import percent
from vitviz.pictures import curves
from vitviz.ui.choices.positions import SHUFFLE
from vitviz.ui.furniture import tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.errors import in_dashboard


def draw(scene: Scene) -> ShuffleExperiment | None:
    """Draw the shuffle experiment if the reader asked for it, and return it."""
    st.subheader(_("What if the patches change places?"), anchor=False)
    st.toggle(
        _("Shuffle the patches of this photo"),
        help=_("Ten passes of the model: a few seconds."),
        **link.widget(SHUFFLE),
    )
    slot = st.container()
    if not link.get(SHUFFLE):
        _pictures(scene, slot, None)
        return None
    try:
        experiment = cache.shuffled(scene.model_key, scene.photo.digest, scene.vit, scene.photo)
    except VitvizError as error:
        st.info(plain(in_dashboard(error)))
        return None
    _pictures(scene, slot, experiment)
    _shuffle_curve(experiment)
    _shuffle_answers(scene, experiment)
    return experiment


def _pictures(scene: Scene, slot: DeltaGenerator, experiment: ShuffleExperiment | None) -> None:
    """Draw what the model is shown at every share, with its answers if they were computed."""
    shares = SHARES if experiment is None else experiment.shares
    captions = [_("{share} moved").format(share=percent(share)) for share in shares]
    if experiment is not None and experiment.with_positions.top:
        for at, top in enumerate(experiment.with_positions.top):
            captions[at] += f": {class_name(scene.vit, top)}"
    pictures = [_shuffled_photo(scene, share) for share in shares]
    columns = slot.container(key="alike_shares").columns(len(shares), gap="small")
    for column, picture, caption in zip(columns, pictures, captions, strict=True):
        column.image(picture, caption=plain(caption), width="stretch", output_format="JPEG", alt=caption)


def _shuffled_photo(scene: Scene, share: float) -> NDArray[np.uint8]:
    """Return the photo with that share of its patches moved as in the experiment, at a size to look at."""
    grid, photo = scene.vit.grid, scene.picture
    scale = photo.shape[0] // scene.vit.image_size[0]
    large = PatchGrid(grid.rows, grid.columns, (grid.patch_size[0] * scale, grid.patch_size[1] * scale))
    planes = torch.from_numpy(photo.copy()).permute(2, 0, 1)
    moved: NDArray[np.uint8] = move_patches(planes, large, shuffled_order(grid.patches, share)).permute(1, 2, 0).numpy()
    return moved


def _shuffle_curve(experiment: ShuffleExperiment) -> None:
    chart(curves.shuffling(experiment, say=_).figure(), key="shuffle_curve")
    st.caption(
        _(
            "How alike what the model reads stays to that of the whole picture. Without positions attention does "
            "not know the order of its tokens, so the cosine stays at 1 whatever is moved: a bag of patches."
        )
    )


def _shuffle_answers(scene: Scene, experiment: ShuffleExperiment) -> None:
    if not experiment.with_positions.top:
        return
    rows: dict[str, list[Any]] = {
        _("Shuffled"): [percent(share) for share in experiment.shares],
        _("Patches moved"): list(experiment.moved),
    }
    for title, result in (
        (_("Answer with positions"), experiment.with_positions),
        (_("Answer without"), experiment.without_positions),
    ):
        rows[title] = [
            f"{class_name(scene.vit, top)} ({percent(chance)})"
            for top, chance in zip(result.top, result.probability, strict=True)
        ]
    tables.draw(rows, alt=_("One row a share of shuffled patches"))
    st.caption(_("In brackets: the probability of the answer that the whole picture gets in that model."))
