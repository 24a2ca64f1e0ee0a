"""Anatomy, built-in locality: does the feature map move along when the photo does?"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import plotly.graph_objects as go
import streamlit as st

from vitviz.analysis.convnet import ConvNet
from vitviz.analysis.theoretical_field import theoretical_fields
from vitviz.errors import VitvizError
from vitviz.labs.shift import ShiftExperiment, shift_experiment
from vitviz.models.vit import ViT
from vitviz.pictures.lessons import shifts
from vitviz.trace import Trace
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.choices.shared import LAYER
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.kept import networks
from vitviz.ui.learn.anatomy import guesses, locality
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import N_, _, plain
from vitviz.ui.words.errors import in_dashboard

_STRIDE = 16


def draw(scene: Scene) -> Result | None:
    """Draw the likeness of shifted features, for four networks."""
    lesson.question(
        _("What is built in, and what has to be learned?"),
        _(
            "The photo is moved to the right, pixel by pixel, up to the width of a patch and the CNN's stride. A "
            "network that treats all places alike answers with the same features, moved: a likeness of 1."
        ),
    )
    if scene.vit.layers > 1:
        st.slider(_("Block"), 0, scene.vit.layers - 1, **link.widget(LAYER))
    if not guessing.guided(guesses.shift()):
        return None
    net = _convnet(scene)
    try:
        experiment = _measured(
            scene.model_key, scene.photo.digest, scene.layer, net is not None, scene.vit, scene.original, net
        )
    except VitvizError as error:
        st.info(plain(in_dashboard(error)))
        return None
    chart(figure(experiment, scene.layer), key="shift_curves")
    st.caption(_sentence(scene, experiment))
    near, figures = locality.draw(scene, net, 0 if net is None else _depth(net))
    _words(scene)
    result = _result(scene, experiment, net)
    return replace(
        result,
        arrays=lambda: {**result.arrays(), **near.arrays()},
        figures=lambda: {**result.figures(), **figures},
    )


def _convnet(scene: Scene) -> ConvNet | None:
    try:
        return networks.convnet(*scene.vit.image_size)
    except VitvizError as error:  # its file is missing or damaged: the other curves stand without it
        link.notice(in_dashboard(error))
        return None


@st.cache_resource(max_entries=12, show_spinner=N_("Shifting the photo …"), show_time=True)
def _measured(
    model_key: str, digest: str, layer: int, beside: bool, _vit: ViT, _trace: Trace, _net: ConvNet | None
) -> ShiftExperiment:
    depth = 0 if _net is None else _depth(_net)
    return shift_experiment(_vit, _trace.pixels, layer=layer, convnet=_net, convnet_layer=depth)


@lru_cache(maxsize=2)  # as many networks as are kept
def _depth(net: ConvNet) -> int:
    """Return the deepest layer whose places are not more than ``_STRIDE`` pixels apart."""
    fields = theoretical_fields(net)
    return max(place for place, field in enumerate(fields) if field is not None and field.columns.jump <= _STRIDE)


def _titles(layer: int) -> dict[str, str]:
    return {
        "tokens": _("ViT: tokens after block {layer}").format(layer=layer),
        "patch embedding": _("ViT: patch embedding alone"),
        "convnet": _("{name}, trained").format(name=networks.CNN_TITLE),
        "plain convolutions": _("four 3 × 3 layers, stride 1, random"),
    }


def figure(experiment: ShiftExperiment, layer: int) -> go.Figure:
    """Return the likeness of every network's features against the shift."""
    return shifts(experiment, names=_titles(layer), say=_).figure()


def _sentence(scene: Scene, experiment: ShiftExperiment) -> str:
    by_name = {curve.name: curve.likeness for curve in experiment.curves}
    patch = scene.vit.grid.patch_size[1]
    whole = experiment.shifts.index(patch)
    return _(
        "Correlation of the shifted photo's features with the original's, moved by whole places of the feature map; "
        "the left and right edges are left out. After a shift of a whole patch ({patch} px) the patch embedding is "
        "back at {embedding:.3f}, the tokens are at {tokens:.3f}: positions and attention to the edges tell them that "
        "they moved. Convolutions of stride 1 stay at {plain:.3f} throughout."
    ).format(
        patch=patch,
        embedding=by_name["patch embedding"][whole],
        tokens=by_name["tokens"][whole],
        plain=by_name["plain convolutions"].min(),
    )


def _words(scene: Scene) -> None:
    lesson.formula(
        r"f(\operatorname{shift}_s x) = \operatorname{shift}_{s/p} f(x)",
        {
            "f": _("a network up to some layer"),
            "s": _("shift in pixels"),
            "p": _("stride of its feature map: {patch} px for this ViT").format(patch=scene.vit.grid.patch_size[1]),
        },
    )
    lesson.try_next(
        [
            _("Compare an early block with the last one: has the trained model learned to answer alike?"),
            _("Choose random weights: is the likeness built in or learned?"),
            (_("Who needs how much data?"), "training", {"training": "data_hunger"}),
            (_("How far does a unit see?"), "receptive_field", {}),
        ]
    )
    lesson.caveat(
        _(
            "A usual CNN is not shift-invariant either: its strides of 2 multiply to {stride} at the depth shown, and "
            "it is back only after that many pixels (Zhang 2019). What is built into it is locality: small kernels "
            "that see few neighbours and are the same everywhere. A ViT shares its patch embedding and its MLPs over "
            "places, but not the positions."
        ).format(stride=_STRIDE)
    )


def _result(scene: Scene, experiment: ShiftExperiment, net: ConvNet | None) -> Result:
    arrays = {curve.name.replace(" ", "_"): curve.likeness for curve in experiment.curves}
    beside = "" if net is None else f", convnet=net, convnet_layer={_depth(net)}"
    load = "" if net is None else f'net = vitviz.load_convnet("{networks.CNN}", image_size=vit.image_size)\n'
    code = (
        "import vitviz\nfrom vitviz.examples import example\nfrom vitviz.labs.locality import attention_within\n"
        "from vitviz.labs.shift import shift_experiment\n\n"
        f"{load_line(scene)}\ntrace = vitviz.trace(vit, {picture_expression(scene)})\n"
        f"{load}experiment = shift_experiment(vit, trace.pixels, layer={scene.layer}{beside})\n"
        "print([(curve.name, curve.likeness.round(3)) for curve in experiment.curves])\n"
        f"print(attention_within(trace, {scene.layer}))  # share of the attention within a distance\n"
        "experiment.figure()\n"
    )
    return Result(
        page=choices.PAGE,
        title=_("What is built in, and what has to be learned?"),
        settings={"experiment": choices.SHIFT, "model": scene.vit.name, "layer": scene.layer},
        code=code,
        arrays=lambda: arrays,
        figures=lambda: {_("Shift"): figure(experiment, scene.layer)},
    )
