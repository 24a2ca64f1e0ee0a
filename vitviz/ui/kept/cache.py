"""What the dashboard keeps between clicks: models, traces, statistics. Shared by all readers, bounded, read-only.

Keys are names and content hashes, never pictures: Streamlit hashes large arrays from a sample only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from PIL import Image

import vitviz
from vitviz.analysis.attention_field import AttentionField
from vitviz.analysis.clusters import TokenClusters, token_clusters
from vitviz.analysis.convnet import ConvNet
from vitviz.analysis.head_changes import head_changes as changes_of
from vitviz.analysis.interpolation import InterpolatedPositions
from vitviz.analysis.lens import ClassEvidence, LogitLens
from vitviz.analysis.positions import PositionSimilarity, ReadOut
from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.analysis.shuffling import ShuffleExperiment
from vitviz.analysis.similarity import LayerSimilarity
from vitviz.analysis.spectrum import Spectrum
from vitviz.analysis.tokens import TokenColours, TokenNorms
from vitviz.attention.rollout_view import rollout_views
from vitviz.attention.statistics import HeadStatistics
from vitviz.attention.view import MapView
from vitviz.capture.edit import Edit
from vitviz.figures.field import cell_means, relative_field
from vitviz.figures.palettes import levels
from vitviz.images import Crop, Photo
from vitviz.images.seen_part import SeenPart
from vitviz.models import cropping
from vitviz.models.hugging_face.loading import check_no_folder
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.trace import Trace
from vitviz.trace.forward import predict
from vitviz.ui.kept.placing import placing
from vitviz.ui.kept.shelf import Shelf
from vitviz.ui.text import N_, _

TRACE_BYTES = 300_000_000
"""Of memory for the traces of all readers: those of fifteen with a photo of their own each. One is made in a moment."""
Inputs = Callable[[], list[torch.Tensor]]
"""Prepares the inputs of a network, (channel, height, width) each, when something is not in the cache."""


@st.cache_resource(max_entries=3, show_spinner=N_("Loading the model …"), show_time=True)
def load_model(
    name: str, weights: str, size: tuple[int, int] | None, precision: str = "", multi_label: bool | None = None
) -> ViT:
    """Return a model by name, weights and input size (None: its own); at most three are kept.

    ``precision`` is the server's where it is empty, ``multi_label`` what the model's own settings say where it is None.
    """
    check_no_folder(name)  # the server's folders are not for readers
    return vitviz.load_vit(name, weights=weights, image_size=size, multi_label=multi_label, **placing(precision))


@st.cache_resource(max_entries=3, show_spinner=False)
def cropped(model_key: str, name: str, _vit: ViT, _crop: Crop) -> ViT:
    """Return the same model, weights shared, with another crop, which has a name."""
    return _vit.with_crop(_crop)


@st.cache_resource(max_entries=200, show_spinner=False)
def seen_part(model_key: str, size: tuple[int, int], _vit: ViT) -> SeenPart | None:
    """Return which part a model sees of a photo of a width and height."""
    return cropping.seen_part(_vit.transform, size)


@st.cache_resource(max_entries=1, show_spinner=False)
def traces() -> Shelf:
    """Return the traces of all readers: about 20 MB each at 224 pixels, 400 MB at the largest size of a large model."""
    return Shelf(TRACE_BYTES, size=lambda trace: trace.nbytes)


def traced(model_key: str, digest: str, edit: Edit, vit: ViT, photo: Photo) -> Trace:
    """Return the trace of a photo. Readers who ask for the same at once wait for one of them to compute it."""
    return _kept_trace((model_key, digest, edit), lambda: vitviz.trace(vit, photo.image, edit=edit))


def traced_input(model_key: str, digest: str, frame: str, vit: ViT, pixels: torch.Tensor) -> Trace:
    """Return the trace of an input that is not the model's own crop of a photo; ``frame`` names whose crop it is."""
    return _kept_trace((model_key, digest, frame), lambda: vitviz.trace(vit, pixels))


def _kept_trace(key: Hashable, compute: Callable[[], Trace]) -> Trace:
    return traces().watched(key, compute, _("Looking at the picture …"))


@st.cache_resource(max_entries=12, show_spinner=False)
def pass_seconds(model_key: str, _vit: ViT) -> float:
    """Return the seconds of a forward pass of one picture on this machine: the faster of two, of a grey picture."""
    picture = torch.zeros(1, _vit.channels, *_vit.image_size)
    seconds = []
    for _repeat in range(2):
        start = time.perf_counter()
        predict(_vit, picture)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


@st.cache_resource(max_entries=96, show_spinner=False)
def rollout_maps(
    model_key: str,
    digest: str,
    query: str,
    direction: str,
    head_fusion: str,
    discard_ratio: float,
    residual: float,
    start_layer: int,
    _trace: Trace,
) -> tuple[MapView, ...]:
    """Return the map of the rollout up to every layer."""
    return rollout_views(
        _trace,
        query,
        direction=direction,
        head_fusion=head_fusion,
        discard_ratio=discard_ratio,
        residual=residual,
        start_layer=start_layer,
    )


@st.cache_resource(max_entries=48, show_spinner=N_("Measuring every head …"))
def statistics(model_key: str, digest: str, edit: Edit, _trace: Trace) -> HeadStatistics:
    """Return the head statistics of a trace."""
    return vitviz.head_statistics(_trace)


@st.cache_resource(max_entries=24, show_spinner=False)
def head_changes(model_key: str, other_key: str, digest: str, _trace: Trace, _other: Trace) -> NDArray[np.float64]:
    """Return how far the attention of every head of two models of one shape differs, (layer, head)."""
    return changes_of(_trace, _other)


@st.cache_resource(max_entries=24, show_spinner=False)
def rollout(
    model_key: str,
    digest: str,
    head_fusion: str,
    discard_ratio: float,
    residual: float,
    start_layer: int,
    end_layer: int,
    _trace: Trace,
) -> torch.Tensor:
    """Return a rollout matrix (query, key)."""
    return vitviz.rollout(
        _trace,
        head_fusion=head_fusion,
        discard_ratio=discard_ratio,
        residual=residual,
        start_layer=start_layer,
        end_layer=end_layer,
    )


@st.cache_resource(max_entries=192, show_spinner=False)
def model_maximum(model_key: str, digest: str, edit: Edit, _trace: Trace) -> float:
    """Return the largest attention weight of any head of any layer: the scale "whole model"."""
    return max(float(attention.amax()) for attention in _trace.attentions())


@st.cache_resource(max_entries=48, show_spinner=False)
def picture(model_key: str, digest: str, _vit: ViT, _photo: Photo) -> NDArray[np.uint8]:
    """Return the crop that the model sees, (height, width, 3), at a size to look at."""
    shown = _vit.frame(_photo.image)
    shown.flags.writeable = False
    return shown


@st.cache_resource(max_entries=24, show_spinner=False)
def small(digest: str, side: int, _photo: Photo) -> Image.Image:
    """Return a photo at most ``side`` pixels long, to look at: drawn on at each click."""
    reduced = _photo.image.copy()
    reduced.thumbnail((side, side), reducing_gap=2.0)
    return reduced


@st.cache_resource(max_entries=12, show_spinner=False)
def receptive_field(
    model_key: str,
    digests: tuple[str, ...],
    layer: int,
    token: str,
    _model: ViT | ConvNet,
    _inputs: Inputs,
    _progress: Progress | None = None,
) -> ReceptiveField:
    """Return the receptive field of a token or place over the inputs of some photos."""
    return vitviz.receptive_field(_model, _inputs(), layer=layer, token=token, progress=_progress)


@dataclass(frozen=True, eq=False)
class FieldFrame:
    """A receptive field as a film shows it: small enough to keep those of all depths."""

    levels: NDArray[np.uint8]
    """(rows, columns) of squares; 0 to 255."""
    radius: float
    """In pixels."""
    theoretical: tuple[int, int, int, int] | None
    """Left, top, right and bottom in pixels of what could be seen at most; None for all."""


@st.cache_resource(max_entries=600, show_spinner=False)
def field_frame(
    model_key: str, digest: str, layer: int, token: str, cell: int, scale: str, _model: ViT | ConvNet, _inputs: Inputs
) -> FieldFrame:
    """Return the receptive field of a token or place in one photo, in squares of ``cell`` pixels: about 1 KB."""
    return as_frame(vitviz.receptive_field(_model, _inputs(), layer=layer, token=token), cell, scale)


def as_frame(field: ReceptiveField, cell: int, scale: str) -> FieldFrame:
    """Return a receptive field as a film shows it, in squares of ``cell`` pixels."""
    shares, colours = relative_field(cell_means(field.values, cell), scale)
    return FieldFrame(levels(shares, colours.low, colours.high), field.radius, field.theoretical_box)


@st.cache_resource(max_entries=48, show_spinner=False)
def attention_fields(
    model_key: str, digests: tuple[str, ...], layer: int, token: str, _vit: ViT, _photos: tuple[Photo, ...]
) -> tuple[AttentionField, ...]:
    """Return how a token's rollout up to a layer spreads over the patches, photo by photo."""
    traces = (vitviz.trace(_vit, photo.image) for photo in _photos)  # one in memory at a time
    return tuple(vitviz.attention_field(trace, token=token, layer=layer) for trace in traces)


@st.cache_data(max_entries=600, show_spinner=False)
def field_radius(
    model_key: str,
    digests: tuple[str, ...],
    layer: int,
    token: str,
    _model: ViT | ConvNet,
    _inputs: Inputs,
    _progress: Progress | None = None,
) -> tuple[float, float, float, float | None]:
    """Return (mean, least, largest radius of the photos, half the side of the theoretical field), in pixels."""
    field = vitviz.receptive_field(_model, _inputs(), layer=layer, token=token, progress=_progress)
    radii = field.per_image_radius
    half = None if field.theoretical is None else max(field.theoretical.size) / 2
    return field.radius, float(radii.min()), float(radii.max()), half


@st.cache_resource(max_entries=4, show_spinner=N_("Comparing the positions …"))
def positions(model_key: str, kind: str, _vit: ViT) -> tuple[PositionSimilarity, ReadOut | None]:
    """Return how alike the positions of a model are, and how well they can be read out where they are vectors.

    ``kind`` chooses among several encodings; empty is the first.
    """
    similarity = vitviz.position_similarity(_vit, kind=kind or None)
    if similarity.vectors is None or similarity.grid.patches < 10:
        return similarity, None
    return similarity, vitviz.position_read_out(similarity.vectors, similarity.grid)


@st.cache_resource(max_entries=3, show_spinner=N_("Interpolating the positions …"))
def interpolated(model_key: str, rows: int, columns: int, _vit: ViT) -> InterpolatedPositions:
    """Return what another grid makes of the position vectors of a model: 60 MB at most, on a grid of 50 × 50."""
    return vitviz.interpolated_similarity(_vit, rows, columns)


@st.cache_resource(max_entries=24, show_spinner=N_("Shuffling the patches …"), show_time=True)
def shuffled(model_key: str, digest: str, _vit: ViT, _photo: Photo) -> ShuffleExperiment:
    """Return what shuffled patches do to what the model reads, with and without positions."""
    return vitviz.shuffle_experiment(_vit, _photo.image)


@st.cache_resource(max_entries=48, show_spinner=False)
def token_colours(
    model_key: str,
    digests: tuple[str, ...],
    layer: int,
    threshold: float | None,
    flip: bool,
    _traces: tuple[Trace, ...],
) -> TokenColours:
    """Return the colours of the patch tokens of some photos after a layer."""
    return vitviz.token_colours(_traces, layer=layer, threshold=threshold, flip=flip)


@st.cache_resource(max_entries=48, show_spinner=False)
def token_groups(
    model_key: str, digests: tuple[str, ...], layer: int, count: int, _traces: tuple[Trace, ...]
) -> TokenClusters:
    """Return the groups of the patch tokens of some photos after a layer."""
    return token_clusters(_traces, layer=layer, count=count)


@st.cache_resource(max_entries=12, show_spinner=N_("Measuring every token …"))
def token_norms(model_key: str, digest: str, _trace: Trace) -> tuple[TokenNorms, ...]:
    """Return the token norms and the outliers after every layer."""
    return vitviz.outlier_table(_trace)


@st.cache_resource(max_entries=12, show_spinner=N_("Reading every layer …"))
def logit_lens(model_key: str, digest: str, _vit: ViT, _trace: Trace) -> LogitLens:
    """Return what the classifier would answer after every block."""
    return vitviz.logit_lens(_vit, _trace)


@st.cache_resource(max_entries=48, show_spinner=False)
def class_evidence(
    model_key: str, digest: str, class_index: int, layer: int, _vit: ViT, _trace: Trace
) -> ClassEvidence:
    """Return which patches speak for a class after a layer."""
    return vitviz.class_evidence(_vit, _trace, class_index=class_index, layer=layer)


@st.cache_resource(max_entries=12, show_spinner=N_("Taking the tokens apart into waves …"))
def token_spectrum(model_key: str, digest: str, _trace: Trace) -> Spectrum:
    """Return the spatial frequencies of the tokens of every layer."""
    return vitviz.token_spectrum(_trace)


@st.cache_resource(max_entries=12, show_spinner=N_("Comparing every layer with every other …"))
def layer_similarity(
    model_key: str, other_key: str, digest: str, _trace: Trace, _other: Trace | None
) -> LayerSimilarity:
    """Return the CKA of the layers of a model, or of two models, on the patches of one photo."""
    return vitviz.layer_similarity(_trace, _other)
