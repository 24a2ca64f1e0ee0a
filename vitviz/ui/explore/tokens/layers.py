"""All layers at once on the Tokens page: how much detail each keeps, and how alike they are."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.map_comparison import same_crop
from vitviz.analysis.similarity import LayerSimilarity
from vitviz.analysis.spectrum import Spectrum
from vitviz.capture.edit import NO_EDIT
from vitviz.errors import OptionError, VitvizError
from vitviz.pictures import curves
from vitviz.trace import Trace
from vitviz.ui.choices.shared import MODEL
from vitviz.ui.choices.tokens import CKA, CKA_WITH
from vitviz.ui.explore.tokens.second_photo import Seen
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import cache, networks
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import chosen_model, crop, link, models
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard

RANDOM = "random"
_MOST_PATCHES = 1600
"""Most patches whose layers are compared: the tables of two models then take half a gigabyte."""


def frequencies(scene: Scene, here: Seen) -> Spectrum | None:
    """Draw how strong each spatial frequency is in the tokens of every layer, with and without the residual path."""
    st.subheader(_("How much detail does each layer keep?"), anchor=False)
    try:
        spectrum = cache.token_spectrum(scene.model_key, here.photo.digest, here.trace)
    except VitvizError as error:
        st.info(_("Not applicable. {reason}").format(reason=plain(in_dashboard(error))))
        return None
    stream, branch = st.columns(2, gap="large")
    layers = range(scene.vit.layers)
    with stream:
        names = [_("input"), *(_("layer {layer}").format(layer=layer) for layer in layers)]
        _bands(spectrum.frequency, spectrum.stream, names, "stream_bands")
        st.caption(_("**With the residual path**: the stream after each layer, light to dark."))
    with branch:
        names = [_("layer {layer}").format(layer=layer) for layer in layers]
        _bands(spectrum.frequency, spectrum.branch, names, "branch_bands")
        st.caption(_("**Without it**: what each block adds to the stream."))
    st.caption(
        _(
            "Log amplitude of the tokens by spatial frequency, relative to frequency 0 (Park & Kim 2022); 1 changes "
            "sign from patch to patch. A curve that sinks from layer to layer is a low-pass filter at work. It says "
            "how much detail there is, not what it is good for."
        )
    )
    return spectrum


def _bands(frequency: NDArray[np.float64], rows: NDArray[np.float64], names: list[str], key: str) -> None:
    """Draw one curve a layer; a layer whose tokens have no mean has no reference and is left out and told."""
    if not np.isfinite(rows).all():
        st.caption(_("Layers whose tokens have no mean have no reference and are left out."))
    figure = curves.bands(frequency, rows, names, say=_)
    if figure is not None:
        chart(figure, key=key)


def alike(scene: Scene, here: Seen) -> LayerSimilarity | None:
    """Draw the CKA between all layers, if the reader asked for it."""
    st.subheader(_("How alike are the layers?"), anchor=False)
    toggle, other = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
    toggle.toggle(
        _("Compare all layers"),
        help=_("Linear CKA of the patch tokens (Kornblith et al. 2019); up to a few seconds."),
        **link.widget(CKA),
    )
    if not link.get(CKA):
        return None
    with other:
        _choose_other(scene)
    try:
        similarity = _similarity(scene, here)
    except VitvizError as error:
        st.info(plain(in_dashboard(error)), icon=":material/info:")
        return None
    _matrix(similarity)
    return similarity


def _choose_other(scene: Scene) -> None:
    asked = link.get(CKA_WITH)
    known = ["", RANDOM, *(name for name in models.available() if name != link.get(MODEL))]
    words = {"": _("itself"), RANDOM: _("the same with random weights")}
    st.selectbox(
        _("With the layers of"),
        [*known, *([asked] if asked not in known else [])],
        format_func=lambda name: words.get(name) or chosen_model.title(name),
        accept_new_options=True,
        help=_("Or type “timm:” or “hf:” and the name of another model; it sees the same photo."),
        **link.widget(CKA_WITH),
    )


def _similarity(scene: Scene, here: Seen) -> LayerSimilarity:
    digest, name = here.photo.digest, link.get(CKA_WITH)
    if scene.vit.grid.patches > _MOST_PATCHES:
        raise OptionError(
            _(
                "{patches} patches are too many to compare all layers here; wanted at most {most}. Choose a smaller "
                "input size, or use vitviz.layer_similarity."
            ).format(patches=scene.vit.grid.patches, most=_MOST_PATCHES)
        )
    if not name:
        return cache.layer_similarity(scene.model_key, "", digest, here.trace, None)
    key, other = _redrawn(scene, here) if name == RANDOM else _other(scene, here, name)
    return cache.layer_similarity(scene.model_key, key, digest, here.trace, other)


def _redrawn(scene: Scene, here: Seen) -> tuple[str, Trace]:
    """Return the key and the trace of the same model with random weights, which crops as the scene's does."""
    key = f"{scene.model_key}|redrawn"
    vit = networks.redrawn(scene.model_key, scene.vit)
    return key, cache.traced(key, here.photo.digest, NO_EDIT, vit, here.photo)


def _other(scene: Scene, here: Seen, name: str) -> tuple[str, Trace]:
    """Return the key and the trace of another model; raises VitvizError for one that cannot be had or shown."""
    vit, _choice, named = crop.seeing(ModelChoice(name), here.photo)
    if vit.grid.patches > _MOST_PATCHES:
        raise OptionError(
            _("{name} has {patches} patches; wanted at most {most}. Choose another model.").format(
                name=name, patches=vit.grid.patches, most=_MOST_PATCHES
            )
        )
    # models crop differently, and patches are compared place by place: both look at the first one's crop
    pixels = same_crop(scene.vit, vit, here.photo.image)
    key = f"{named}|crop of {scene.model_key}"
    return key, cache.traced_input(key, here.photo.digest, scene.model_key, vit, pixels)


def _matrix(similarity: LayerSimilarity) -> None:
    if not np.isfinite(similarity.values).all():
        st.info(_("Some layer has the same token everywhere, so that nothing can be compared."))
        return
    first, second = similarity.models
    if link.get(CKA_WITH) == RANDOM:
        second = _("{model}, random weights").format(model=second)
    figure = curves.layer_likeness(similarity, models=(first, second), say=_).figure()
    chart(figure, key="cka_matrix")
    st.caption(
        _(
            "1: the two layers arrange the {count} patches in the same way but for a rotation and a factor; near 0: "
            "unrelated. With fewer patches than channels the numbers come out too large, most of all for random "
            "weights."
        ).format(count=similarity.samples)
    )
    for note in similarity.notes:
        st.caption(plain(note))
