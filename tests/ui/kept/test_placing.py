"""Where the dashboard computes: as the environment says, for the reader's model and the network beside it."""

from __future__ import annotations

import pytest
import torch

from vitviz.errors import OptionError
from vitviz.models.devices import DEVICE, PRECISION
from vitviz.ui.kept import cache, networks
from vitviz.ui.kept.placing import placing


def test_the_dashboard_computes_where_its_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (DEVICE, PRECISION):
        monkeypatch.delenv(name, raising=False)
    assert placing() == {"device": "cpu", "precision": "float32"}
    monkeypatch.setenv(PRECISION, "bfloat16")
    load_model, convnet = cache.load_model.__wrapped__, networks.convnet.__wrapped__  # type: ignore[attr-defined]
    assert load_model("timm:vit_tiny_patch16_224", "random", (32, 32)).dtype == torch.bfloat16
    assert next(convnet(224, 224).module.parameters()).dtype == torch.bfloat16
    monkeypatch.setenv(DEVICE, "cuda:9")
    with pytest.raises(OptionError, match="no device 'cuda:9'; here are cpu"):
        load_model("default", "pretrained", None)
