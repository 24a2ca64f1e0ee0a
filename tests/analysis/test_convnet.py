"""Convolutional networks as chains: the chain is the network, and the module stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.analysis.conftest import photograph
from vitviz.analysis.convnet import ConvNet, load_convnet
from vitviz.errors import (
    CheckpointError,
    GridError,
    OptionError,
    UnknownModelError,
    UnsupportedModelError,
    WeightsUnavailableError,
)
from vitviz.models import hub, timm_door
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT


@pytest.fixture(scope="module")
def resnet() -> ConvNet:
    return load_convnet("timm:resnet18", weights="random", seed=3, image_size=(64, 96))


def test_layers_of_a_resnet_are_its_stem_and_blocks(resnet: ConvNet) -> None:
    assert resnet.layer_names == (
        "stem", "layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1", "layer4.0", "layer4.1",
    )  # fmt: skip
    assert resnet.weights == "random, seed 3"


def test_features_are_those_of_the_network_at_every_depth(resnet: ConvNet) -> None:
    batch = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    stages: list[torch.Tensor] = []
    module = load_convnet("timm:resnet18", weights="random", seed=3).module
    for name in ("layer1", "layer2", "layer3", "layer4"):
        module.get_submodule(name).register_forward_hook(lambda _m, _a, output: stages.append(output))
    with torch.no_grad():
        module(batch)
        results = [resnet.features(batch, layer) for layer in (2, 4, 6, 8)]
    for one, other in zip(stages, results, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(resnet.features(batch, -1), batch)


def test_convnext_is_read_with_its_downsampling() -> None:
    network = load_convnet("timm:convnext_atto", weights="random")
    assert network.layer_names[:5] == (
        "stem", "stages.0.blocks.0", "stages.0.blocks.1", "stages.1.downsample", "stages.1.blocks.0",
    )  # fmt: skip
    batch = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        own = network.module.forward_features(batch)  # type: ignore[operator]
        torch.testing.assert_close(network.features(batch, network.layers - 1), own)


def test_an_efficientnet_is_read_stage_by_stage() -> None:
    network = load_convnet("timm:efficientnet_lite0", weights="random", image_size=(64, 96))
    assert network.layer_names[:3] == ("stem", "blocks.0.0", "blocks.1.0")
    assert (network.layers, network.layer_names[-1]) == (17, "blocks.6.0")
    batch = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    module: Any = network.module
    with torch.no_grad():
        own = module.forward_features(batch)  # after the convolution that widens each place by itself
        last = network.features(batch, 16)
        torch.testing.assert_close(module.bn2(module.conv_head(last)), own)
        torch.testing.assert_close(network.features(batch, 0), module.bn1(module.conv_stem(batch)))
    assert last.shape == (1, 320, 2, 3)


def test_the_shipped_network_is_the_default_and_takes_no_other_weights() -> None:
    network = load_convnet(image_size=(64, 96))
    assert (network.name, network.image_size, network.layers) == ("cnn", (64, 96), 17)
    assert len(network.class_names) == 200
    with pytest.raises(OptionError, match=r"'cnn' has weights of its own.*Use 'timm:efficientnet_lite0'"):
        load_convnet("cnn", weights="random")


def test_each_loader_names_the_other() -> None:
    with pytest.raises(UnsupportedModelError, match=r"default is a Vision Transformer.* Load it with load_vit"):
        load_convnet("default")
    with pytest.raises(UnsupportedModelError, match=r"cnn is a convolutional network.* Load it with load_convnet"):
        load_vit("cnn")


def test_the_module_is_not_touched() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    network = ConvNet.from_module(module, image_size=(16, 16))
    batch = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    first, second = network.features(batch, 2), network.features(batch, 2)
    assert torch.equal(first, second)  # no dropout, no batch statistics
    assert module.training
    assert all(part.training for part in module.modules())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_a_picture_is_prepared_as_the_network_was_trained(resnet: ConvNet) -> None:
    assert tuple(resnet.preprocess(photograph(80, 50)).shape) == (3, 64, 96)
    wrong = ConvNet.from_module(resnet.module, image_size=(64, 64), transform=lambda _: torch.zeros(3, 8, 8))
    with pytest.raises(GridError, match=r"shape \(3, 8, 8\); wanted 64 × 64"):
        wrong.preprocess(photograph(80, 50))


def test_weights_of_a_file_are_read(tmp_path: Path, resnet: ConvNet) -> None:
    path = tmp_path / "mine.safetensors"
    save_file(dict(resnet.module.state_dict()), path)
    result = load_convnet("timm:resnet18", weights=path)
    torch.testing.assert_close(result.module.conv1.weight, resnet.module.conv1.weight)
    assert result.weights.startswith("mine.safetensors, SHA-256 ")
    with pytest.raises(CheckpointError, match="Choose the architecture that the file was saved from"):
        load_convnet("timm:resnet26", weights=path)
    with pytest.raises(WeightsUnavailableError, match="There is no weights file"):
        load_convnet("timm:resnet18", weights=tmp_path / "none.safetensors")


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext"])
@pytest.mark.parametrize("classes", [10, 0])
def test_a_file_brings_its_own_number_of_classes(tmp_path: Path, name: str, classes: int) -> None:
    state = timm_door.build(name, classes=classes, seed=4).state_dict()
    save_file(dict(state), tmp_path / "mine.safetensors")
    result = load_convnet(f"timm:{name}", weights=tmp_path / "mine.safetensors").module
    assert result.num_classes == classes
    assert all(torch.equal(result.state_dict()[key], value) for key, value in state.items())


def test_a_network_in_a_wrapper_keeps_its_own_head(tmp_path: Path) -> None:
    state = timm_door.build("test_convnext", classes=10, seed=4).state_dict()
    save_file({f"module.{name}": value for name, value in state.items()}, tmp_path / "mine.safetensors")
    module = load_convnet("timm:test_convnext", weights=tmp_path / "mine.safetensors").module
    assert all(torch.equal(module.state_dict()[name], value) for name, value in state.items())


def test_weights_that_cannot_be_had_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "reachable", lambda: False)
    monkeypatch.setattr(hub, "cached_file", lambda _: None)
    with pytest.raises(WeightsUnavailableError, match=r"timm:resnet18\.\w+ are not in the local cache"):
        load_convnet("timm:resnet18")


def test_what_is_no_chain_of_convolutions_is_refused(vit: ViT) -> None:
    with pytest.raises(UnsupportedModelError, match="is a VisionTransformer, .* loaded with load_vit"):
        ConvNet.from_module(vit.module)
    with pytest.raises(UnsupportedModelError, match="vit_tiny_patch16_224 is a VisionTransformer"):
        load_convnet("timm:vit_tiny_patch16_224", weights="random")
    with pytest.raises(UnknownModelError, match="timm has no model called 'resnet19'"):
        load_convnet("timm:resnet19")
    with pytest.raises(UnsupportedModelError, match="Sequential has no layers"):
        ConvNet.from_module(nn.Sequential())


def test_a_network_that_does_more_than_its_chain_is_refused() -> None:
    class Doubled(type(timm_door.build("resnet18"))):  # type: ignore[misc]
        def forward_features(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward_features(x)

    module = timm_door.build("resnet18")
    module.__class__ = Doubled
    Doubled.__module__ = "timm.models.resnet"
    with pytest.raises(UnsupportedModelError, match="Doubled does more than run its layers"):
        ConvNet.from_module(module)


def test_layers_without_feature_maps_are_refused() -> None:
    network = ConvNet.from_module(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()), image_size=(8, 8))
    with pytest.raises(OptionError, match=r"Layer 1 \(1\) of Sequential returns values of shape \(1, 72\)"):
        network.features(torch.zeros(1, 3, 8, 8), 1)
    with pytest.raises(OptionError, match="Layer 2 does not exist; there are 2"):
        network.features(torch.zeros(1, 3, 8, 8), 2)
