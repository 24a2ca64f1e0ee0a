"""Which heads attend otherwise: total variation by hand, zero before the first change, models of other shapes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import vitviz
from vitviz.analysis.head_changes import head_changes
from vitviz.errors import OptionError


def test_only_what_was_changed_and_what_follows_it_moves(tiny_vit: Any, build_vit: Callable[..., Any]) -> None:
    pixels = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    before = vitviz.ViT.from_module(tiny_vit, name="before")
    module = copy.deepcopy(tiny_vit)
    with torch.no_grad():
        module.blocks[1].attn.qkv.weight[:16] *= -1  # the queries of head 0 of layer 1
    traces = [vitviz.trace(vit, pixels) for vit in (before, vitviz.ViT.from_module(module, name="after"))]
    changes = head_changes(*traces)
    first, second = (trace.attention(1)[0].numpy() for trace in traces)
    expected = np.mean([np.maximum(row - other, 0).sum() for row, other in zip(first, second, strict=True)])
    np.testing.assert_allclose(changes, [[0, 0], [expected, 0]], atol=1e-6)
    assert expected > 0.1
    wide = vitviz.ViT.from_module(build_vit(img_size=(24, 40)), name="wide")
    other = vitviz.trace(wide, torch.randn(3, 24, 40))
    with pytest.raises(OptionError, match="before and wide differ in layers, heads or tokens"):
        head_changes(traces[0], other)
