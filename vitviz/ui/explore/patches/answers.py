"""The answers before and after patches were changed: of the ViT and of the trained CNN beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
import torch
from torch import Tensor
from torch.nn import functional

from vitviz.analysis.convnet import ConvNet
from vitviz.analysis.replacement import REMOVED
from vitviz.errors import VitvizError
from vitviz.figures.bars import answers_bar
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.models import timm_door
from vitviz.models.probabilities import probabilities
from vitviz.numbers import percent
from vitviz.trace.forward import as_result
from vitviz.ui.explore.patches.painting import Changed, change_for_pixels
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import networks
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.class_names import class_names
from vitviz.ui.words.errors import in_dashboard

_SHOWN = 5


def draw(scene: Scene, changed: Changed) -> None:
    """Draw the ViT's answers before and after, how far its embedding moved, and the CNN's answers."""
    if not changed:
        st.info(
            _("Paint on the photo: drag over patches, and watch the answer and the attention move.")
            if not changed.painting.patches
            else _("No patch is changed. The plain model is shown."),
            icon=":material/brush:",
        )
    _vit(scene, changed)
    _cnn(scene, changed)


def _vit(scene: Scene, changed: Changed) -> None:
    before, after = scene.original, changed.trace
    cosine = float(functional.cosine_similarity(before.embedding.float(), after.embedding.float(), dim=0))
    if before.logits is not None and after.logits is not None:
        chances = [trace.probabilities() for trace in (before, after)]
        names = class_names(scene.vit)
        st.markdown(_sentence(names, *chances, changed=bool(changed)))
        _bars("vit_answers", names, chances, changed, VIT_BLUE)
    else:
        st.markdown(_("No classifier: the answer is the embedding."))
    st.metric(
        _("Cosine of the embedding to the whole photo's"),
        f"{cosine:.3f}",
        help=_("1 means that nothing changed. The embedding is what a classifier reads."),
    )


def _sentence(names: Sequence[str], before: Tensor, after: Tensor, *, changed: bool) -> str:
    first, then = int(before.argmax()), int(after.argmax())
    if not changed:
        return _("**{name}** {share}").format(name=plain(names[first]), share=percent(before[first]))
    if first == then:
        return _("Still **{name}**: {old} → {new}").format(
            name=plain(names[first]), old=percent(before[first]), new=percent(after[first])
        )
    return _("**{old}** ({old_before} → {old_after}) became **{new}** ({share})").format(
        old=plain(names[first]),
        old_before=percent(before[first]),
        old_after=percent(after[first]),
        new=plain(names[then]),
        share=percent(after[then]),
    )


def shown_classes(before: Tensor, after: Tensor) -> list[int]:
    """Return the classes to show: the best before, and those among the best three after that are not among them."""
    count = min(_SHOWN, len(before))
    best = before.topk(count).indices.tolist()
    return best + [index for index in after.topk(min(3, count)).indices.tolist() if index not in best]


def _bars(key: str, names: Sequence[str], chances: list[Tensor], changed: Changed, colour: str) -> None:
    classes = shown_classes(*chances)
    before, after = (np.asarray([float(probabilities[index]) for index in classes]) for probabilities in chances)
    figure = answers_bar(
        [names[index] for index in classes],
        before,
        after if changed else None,
        x_title=_("Probability"),
        labels=(_("whole photo"), _("patches changed")),
        colour=colour,
    )
    chart(figure, key=key)


def _cnn(scene: Scene, changed: Changed) -> None:
    try:
        net = networks.convnet(*scene.vit.image_size)
    except VitvizError as error:  # its file is missing or damaged: the page stands without it
        link.notice(in_dashboard(error))
        return
    st.markdown(
        _("**{name}**, trained on the classes of the shipped ViT, on the same pixels").format(name=networks.CNN_TITLE)
    )
    key = scene.model_key, scene.photo.digest
    whole = _cnn_answer(*key, "", scene, net, lambda: scene.original.pixels)
    chances = [whole, whole]
    if changed:
        chances[1] = _cnn_answer(*key, changed.key, scene, net, lambda: change_for_pixels(scene, changed))
    names = class_names(net)
    st.markdown(_sentence(names, *chances, changed=bool(changed)))
    _bars("cnn_answers", names, chances, changed, CNN_VERMILION)
    if changed.change == REMOVED and changed:
        st.caption(_("It has no tokens to remove: these patches are grey for it."))


@st.cache_resource(max_entries=400, show_spinner=False)
def _cnn_answer(
    model_key: str, digest: str, changed: str, _scene: Scene, _net: ConvNet, _pixels: Callable[[], Tensor]
) -> Tensor:
    """Return what the CNN says of a photo: whole, which every stroke is compared with, or ``changed``; 1 KB each."""
    return _chances(_scene, _net, _pixels())


def _chances(scene: Scene, net: ConvNet, pixels: Tensor) -> Tensor:
    """Return the CNN's probability of every class for an input of the ViT."""
    data = timm_door.data_settings(net.module, scene.vit.image_size)
    picture = networks.renormalised(pixels.cpu(), scene.vit, data.mean, data.std)
    with torch.no_grad():
        logits = as_result(net.module(net.as_input(picture[None])))
    return probabilities(logits, multi_label=False)[0]
