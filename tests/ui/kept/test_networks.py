"""The CNN beside the reader's model: what is wrong with its weights is told to every reader, not to the first alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vitviz.errors import WeightsUnavailableError
from vitviz.ui.kept import networks

SIZE = (32, 48)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    networks._resnet.clear()


def test_weights_that_cannot_be_read_are_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, **options: object) -> None:
        raise WeightsUnavailableError("the file is cut off")

    monkeypatch.setattr(networks, "trained_weights", lambda: True)
    monkeypatch.setattr(networks, "load_convnet", fail)
    net, trained = networks.resnet(*SIZE)
    assert not trained
    assert net.image_size == SIZE
    assert [networks.refusal(*SIZE) for _reader in range(2)] == ["the file is cut off"] * 2
    assert networks.trained_convnet(*SIZE) is None


def test_without_weights_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "trained_weights", lambda: False)
    assert networks.refusal(*SIZE) == ""
    assert networks.trained_convnet(*SIZE) is None
