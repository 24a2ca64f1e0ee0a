"""Theoretical receptive fields: by hand, by formula, and against what a network with no cancellation really sees."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn

from vitviz.analysis.convnet import ConvNet, load_convnet
from vitviz.analysis.theoretical_field import (
    ONE_PIXEL,
    AxisField,
    TheoreticalField,
    theoretical_field,
    theoretical_fields,
)
from vitviz.errors import OptionError, UnsupportedModelError


def net(*parts: nn.Module, size: int = 32) -> ConvNet:
    return ConvNet.from_module(nn.Sequential(*parts), image_size=(size, size))


def seen(network: ConvNet, layer: int, row: int, column: int) -> tuple[int, int, int, int]:
    """Return the box of pixels with any influence when every weight is positive and nothing cancels or saturates."""
    steps = copy.deepcopy(nn.Sequential(*network.chain[: layer + 1])).double()
    for part in steps.modules():
        for parameter in part.parameters(recurse=False):
            parameter.data.fill_(0.05)
        if isinstance(part, nn.MaxPool2d):
            # the maximum follows one pixel; the mean sees the window
            part.forward = nn.AvgPool2d(part.kernel_size, part.stride, part.padding).forward  # type: ignore[method-assign]
        if isinstance(part, nn.LayerNorm):
            part.forward = nn.Identity().forward  # type: ignore[method-assign]  # its gradient sums to zero
    pixels = torch.ones(1, 3, *network.image_size, dtype=torch.float64, requires_grad=True)
    features: Tensor = steps(pixels)
    gradient = torch.autograd.grad(features[0, :, row, column].sum(), pixels)[0].abs().sum((0, 1))
    rows, columns = np.nonzero(gradient.numpy())
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("layers", [1, 2, 5])
def test_a_stack_of_plain_convolutions_sees_n_times_k_minus_1_plus_1_pixels(kernel: int, layers: int) -> None:
    channels = [3] + [2] * layers
    stack = [nn.Conv2d(channels[n], 2, kernel, padding=kernel // 2) for n in range(layers)]
    field = theoretical_field(net(*stack), layers - 1)
    size = (kernel - 1) * layers + 1
    assert field.size == (size, size)
    assert field.box(16, 16, (64, 64)) == (16 - size // 2, 16 - size // 2, 17 + size // 2, 17 + size // 2)


def test_strides_multiply_and_dilation_stretches() -> None:
    """5 wide at stride 2, then 3 taps 4 × 2 pixels apart: 5 + 2·4·2 = 21 wide, one column of 3 taps: 5 + 2·2 = 9."""
    network = net(nn.Conv2d(3, 2, 5, 2, padding=(0, 2)), nn.Conv2d(2, 2, 3, dilation=(4, 1)))
    field = theoretical_field(network, 1)
    assert field.rows == AxisField(0, 20, 2)
    assert field.columns == AxisField(-2, 6, 2)
    assert field.size == (21, 9)


def test_padding_by_name_is_that_of_torch() -> None:
    network = net(nn.Conv2d(3, 2, 4, padding="same", dilation=3), nn.Conv2d(2, 2, 3, padding="valid"))
    with pytest.warns(UserWarning, match="padding='same' with even kernel lengths"):
        box = seen(network, 1, 12, 13)
    assert theoretical_field(network, 1).box(12, 13, network.image_size) == box


@pytest.mark.parametrize("pad", [nn.ZeroPad2d((3, 1, 2, 0)), nn.ConstantPad2d((0, 4, 5, 1), 0.5)])
def test_padding_of_its_own_shifts_the_field(pad: nn.Module) -> None:
    network = net(pad, nn.Conv2d(3, 2, 3, 2, padding=1), nn.ZeroPad2d(1), nn.Conv2d(2, 2, 3))
    for row, column in ((5, 2), (9, 6)):
        box = theoretical_field(network, 3).box(row, column, network.image_size)
        assert box == seen(network, 3, row, column)


def test_no_layers_are_one_pixel() -> None:
    assert theoretical_field(net(nn.Conv2d(3, 2, 3)), -1) == ONE_PIXEL
    assert ONE_PIXEL.size == (1, 1)
    assert theoretical_field(net(nn.ReLU(), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)), 2) == ONE_PIXEL


def test_branches_see_what_either_sees() -> None:
    wide, narrow = AxisField(-3, 1, 2), AxisField(0, 4, 2)
    assert wide.joined(narrow) == AxisField(-3, 4, 2)
    with pytest.raises(UnsupportedModelError, match="branches with 2 and 1 pixels from place to place"):
        wide.joined(AxisField(0, 0, 1))


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", 0), ("resnet18", 3), ("resnet26d", 3), ("convnext_atto", 3),
    ],
)  # fmt: skip
def test_blocks_of_timm_networks_see_what_their_graph_says(name: str, layer: int) -> None:
    network = load_convnet(f"timm:{name}", weights="random", image_size=(128, 144))
    field = theoretical_field(network, layer)
    row, column = 64 // field.rows.jump, 72 // field.columns.jump
    assert field.box(row, column, network.image_size) == seen(network, layer, row, column)


def test_the_shipped_network_by_hand() -> None:
    """EfficientNet-Lite0: a 3 × 3 stem of stride 2, then one window a block; r grows by (kernel - 1) × jump."""
    kernels = [3, 3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3]
    strides = [2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    sizes, size, jump = [], 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        size, jump = size + (kernel - 1) * jump, jump * stride
        sizes.append(size)
    fields = theoretical_fields(load_convnet())
    assert [field and field.size for field in fields] == [(size, size) for size in sizes]
    assert sizes[-1] == 851


def test_resnet18_by_hand() -> None:
    """Stem 7 + 2·2 = 11; then a 3 × 3 adds 8, 16, 32, 64 pixels at steps of 4, 8, 16, 32.

    The first convolution of a stage still runs at the finer step.
    """
    network = load_convnet("timm:resnet18", weights="random")
    sizes = [field.size[0] for field in theoretical_fields(network) if field is not None]
    assert sizes == [11, 27, 43, 67, 99, 147, 211, 307, 435]


def test_a_box_ends_at_the_edge_of_the_picture() -> None:
    field = TheoreticalField(AxisField(-5, 5, 4), AxisField(-1, 3, 4))
    assert field.box(0, 0, (20, 8)) == (0, 0, 4, 6)
    assert field.box(4, 1, (20, 8)) == (3, 11, 8, 20)


def test_all_layers_at_once_end_where_it_is_no_longer_known() -> None:
    network = net(nn.Conv2d(3, 2, 3), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 2, 1))
    result = theoretical_fields(network)
    assert result == (theoretical_field(network, 0), theoretical_field(network, 1), None, None)


class Tall(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x.mean((2, 3), keepdim=True)


class Moody(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (nn.AdaptiveAvgPool2d(1), "after 1: .*AdaptiveAvgPool2d|'adaptive_avg_pool2d'"),
        (nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), "after 1: circular padding carries one edge"),
        (Tall(), "after 1: Tall uses 'mean'"),
        (Moody(), "after 1: Moody decides by the numbers"),
        (nn.Flatten(), "after 1: Flatten|'flatten'"),
    ],
)
def test_where_it_cannot_be_known_the_reason_is_given(part: nn.Module, said: str) -> None:
    network = net(nn.Conv2d(3, 2, 3), part)
    with pytest.raises(UnsupportedModelError, match=said):
        theoretical_field(network, 1)


def test_squeeze_and_excitation_and_padding_by_size_are_refused() -> None:
    network = load_convnet("timm:seresnet18", weights="random")
    with pytest.raises(UnsupportedModelError, match=r"seresnet18 is not known after layer1\.0: BasicBlock uses 'mean'"):
        theoretical_field(network, 1)


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(OptionError, match="Layer 3 does not exist; there are 1"):
        theoretical_field(net(nn.Conv2d(3, 2, 3)), 3)


def test_other_threads_run_their_modules_while_a_network_is_followed() -> None:
    """Torch's tracer catches every module of the process: a forward pass beside it must stay what it is."""
    followed, seen_beside = threading.Event(), threading.Event()

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 4, 3)

        def forward(self, batch: Tensor) -> Tensor:
            if isinstance(batch, fx.Proxy):
                followed.set()
                seen_beside.wait(30)
            result: Tensor = self.convolution(batch)
            return result

    network, beside = net(Gated()), nn.Linear(2, 2)
    found: list[TheoreticalField] = []
    thread = threading.Thread(target=lambda: found.append(theoretical_field(network, 0)))
    thread.start()
    try:
        assert followed.wait(30)
        assert beside(torch.ones(1, 2)).shape == (1, 2)
        assert isinstance(beside.weight, nn.Parameter)
    finally:
        seen_beside.set()
        thread.join()
    assert found[0].size == (3, 3)
