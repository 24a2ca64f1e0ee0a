"""The networks that the Receptive field page compares, and where each is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import streamlit as st
import torch
from torch import Tensor

from vitviz.analysis.convnet import ConvNet
from vitviz.analysis.theoretical_field import theoretical_field
from vitviz.errors import VitvizError
from vitviz.examples import examples, photographs
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.images import Photo, open_photo
from vitviz.models import timm_door
from vitviz.models.vit import ViT
from vitviz.ui.choices.shared import WEIGHTS
from vitviz.ui.kept.cache import Inputs
from vitviz.ui.kept.networks import CNN, CNN_TITLE, convnet, redrawn, renormalised
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.errors import in_dashboard


@dataclass(frozen=True, eq=False)
class Probe:
    """One network, with the same place to read in it as in the others."""

    key: str
    """Names it in cache keys."""
    title: str
    weights: str
    """In words: where the weights come from."""
    model: ViT | ConvNet
    colour: str
    dashed: bool
    layer_names: tuple[str, ...]
    token: str
    """Token name of a ViT."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    place: tuple[float, float]
    """(row, column) of what is read, as shares of the picture: of a convolutional network."""

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.layer_names)

    def layer_at(self, depth: float) -> int:
        """Return the layer at a share of the depth; 1 is the last."""
        return min(self.layers - 1, max(0, round(depth * self.layers) - 1))

    def inputs(self, vit: ViT, photos: list[Photo]) -> Inputs:
        """Return what prepares the photos when they are asked for, once: most fields are in the cache already.

        All are cropped as the scene's ViT crops them, in this network's own normalisation.
        """

        @cache
        def prepared() -> list[Tensor]:
            cropped = [vit.preprocess(photo.image) for photo in photos]
            return [renormalised(picture, vit, self.mean, self.std) for picture in cropped]

        return prepared

    def token_at(self, layer: int) -> str:
        """Return what to read after a layer: the token, or the place of the feature map at the same point."""
        if isinstance(self.model, ViT):
            return self.token
        row, column, columns = _nearest(self.key, layer, self.place, self.model)
        return str(row * columns + column)


@st.cache_data(max_entries=400, show_spinner=False)
def _nearest(key: str, layer: int, place: tuple[float, float], _net: ConvNet) -> tuple[int, int, int]:
    """Return (row, column) of the place of a feature map whose field has its middle nearest to a point; and columns."""
    with torch.no_grad():
        features = _net.features(_net.as_input(torch.zeros(1, 3, *_net.image_size)), layer)
    field, counts = theoretical_field(_net, layer), features.shape[-2:]
    row, column = (
        min(max(round((share * side - 0.5 - (axis.low + axis.high) / 2) / axis.jump), 0), count - 1)
        for share, side, axis, count in zip(place, _net.image_size, (field.rows, field.columns), counts, strict=True)
    )
    return row, column, int(counts[1])


def probes(scene: Scene) -> list[tuple[str, Probe]]:
    """Return by role the scene's ViT, "map", the CNN, "convnet", and beside a trained ViT the same one "random"."""
    vit, place = scene.vit, _place(scene)
    trained = link.get(WEIGHTS) != "random"
    networks = [("map", _vit_probe(scene, vit, trained, place))]
    try:
        networks.append(("convnet", _convnet_probe(scene, place)))
    except VitvizError as error:  # its file is missing or damaged: the page stands without it
        link.notice(in_dashboard(error))
    if trained:
        networks.append(("random", _vit_probe(scene, redrawn(scene.model_key, vit), False, place)))
    return networks


def _convnet_probe(scene: Scene, place: tuple[float, float]) -> Probe:
    size = scene.vit.image_size
    net = convnet(*size)
    data = timm_door.data_settings(net.module, size)
    weights = _("trained on the photos of the shipped ViT, after ImageNet")
    key, names = f"{CNN}|crop of {scene.model_key}", net.layer_names  # it sees what the ViT sees
    return Probe(key, CNN_TITLE, weights, net, CNN_VERMILION, False, names, "", data.mean, data.std, place)


def _vit_probe(scene: Scene, vit: ViT, trained: bool, place: tuple[float, float]) -> Probe:
    redrawn = vit is not scene.vit
    told = (
        _("its own weights")
        if trained
        else _("every weight tensor redrawn at random, with its mean and spread")
        if redrawn
        else _("random weights")
    )
    names = tuple(_("layer {layer}").format(layer=layer) for layer in range(vit.layers))
    return Probe(
        key=scene.model_key + ("|redrawn" if redrawn else ""),
        title=_("The same ViT, random") if redrawn else _("ViT “{model}”").format(model=vit.name),
        weights=told,
        model=vit,
        colour="#7FB8D8" if redrawn else VIT_BLUE,
        dashed=False,
        layer_names=names,
        token=scene.query,
        mean=scene.vit.mean,
        std=scene.vit.std,
        place=place,
    )


def _place(scene: Scene) -> tuple[float, float]:
    """Return the middle of the pinned patch as shares of the picture; the picture's middle for other tokens."""
    grid = scene.vit.grid
    if not scene.query.isdecimal():
        return 0.5, 0.5
    row, column = grid.position(int(scene.query))
    return (row + 0.5) / grid.rows, (column + 0.5) / grid.columns


def photos_of(scene: Scene, pictures: str) -> tuple[tuple[str, ...], list[Photo]]:
    """Return the digests and the photos that are averaged: "one" is this one, "examples" all photographs."""
    if pictures == "one":
        return (scene.photo.digest,), [scene.photo]
    photos = [_example(example.id) for example in photographs()]
    return tuple(photo.digest for photo in photos), photos


@st.cache_resource(max_entries=16, show_spinner=False)
def _example(name: str) -> Photo:
    return open_photo(next(example for example in examples() if example.id == name).path)
