"""The CNN beside the reader's model is the trained one; what is wrong with its file is told to every reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import vitviz
from vitviz.errors import CheckpointError
from vitviz.examples import example
from vitviz.models import shipped, timm_door
from vitviz.ui.kept import networks

SIZE = (32, 48)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    networks.convnet.clear()
    yield
    networks.convnet.clear()


def test_it_is_the_shipped_one_for_pictures_of_the_readers_size() -> None:
    net = networks.convnet(*SIZE)
    assert (net.name, net.image_size) == (networks.CNN, SIZE)
    assert net.weights.endswith(shipped.CONVNETS[networks.CNN].sha256)


def test_a_file_that_cannot_be_read_is_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, **options: object) -> None:
        raise CheckpointError("the file is cut off")

    monkeypatch.setattr(networks, "load_convnet", fail)
    for _reader in range(2):
        with pytest.raises(CheckpointError, match="the file is cut off"):
            networks.convnet(*SIZE)


def test_it_reads_the_input_of_the_shipped_vit_as_it_is() -> None:
    vit, net = vitviz.load_vit(), vitviz.load_convnet()
    data = timm_door.data_settings(net.module, vit.image_size)
    pixels = vit.preprocess(example("koala").path)
    assert networks.renormalised(pixels, vit, data.mean, data.std) is pixels
    torch.testing.assert_close(net.preprocess(example("koala").path), pixels)
