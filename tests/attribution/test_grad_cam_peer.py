"""Token Grad-CAM against pytorch-grad-cam, where it is installed (`make training`)."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from benchmarks.peers import pytorch_grad_cam
from vitviz.attribution import attribute
from vitviz.models.timm_door import build
from vitviz.models.vit import ViT

needs_peer = pytest.mark.skipif(find_spec("pytorch_grad_cam") is None, reason="make training installs pytorch-grad-cam")


@needs_peer
@pytest.mark.parametrize("layer", [6, 11])
@pytest.mark.parametrize(
    ("architecture", "size"), [("vit_tiny_patch16_224", (48, 80)), ("vit_small_patch14_reg4_dinov2", (42, 70))]
)
def test_the_map_is_that_of_pytorch_grad_cam(architecture: str, size: tuple[int, int], layer: int) -> None:
    module = build(architecture, image_size=size, classes=7, seed=0)
    vit = ViT.from_module(module, name=architecture, image_size=size)
    pixels = torch.randn(3, *size, generator=torch.Generator().manual_seed(1))
    theirs: Tensor = pytorch_grad_cam(vit, 2, layer)(pixels)
    assert theirs.shape == (3, 5)
    assert theirs.max() > 1e-6
    ours = torch.from_numpy(attribute("token_grad_cam", vit, pixels, target=2, layer=layer).values)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.max()))
