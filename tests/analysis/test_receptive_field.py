"""Effective receptive fields: closed forms, other implementations of the protocol, every kind of token."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.analysis.conftest import photograph
from tests.families import ALL, member, noise
from vitviz.analysis.convnet import ConvNet, load_convnet
from vitviz.analysis.receptive_field import ReceptiveField, receptive_field
from vitviz.errors import OptionError
from vitviz.models.vit import ViT


def uniform_stack(kernel: int, layers: int, size: int, channels: int = 1) -> ConvNet:
    """Return n convolutions with k × k equal weights."""
    stack = nn.Sequential(
        *(nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False) for _ in range(layers))
    )
    for part in stack:
        part.weight.data.fill_(1 / kernel**2)
    return ConvNet.from_module(stack, image_size=(size, size))


@pytest.mark.parametrize(("kernel", "layers"), [(3, 1), (3, 4), (3, 9), (5, 3), (7, 2)])
def test_a_stack_of_uniform_kernels_has_variance_n_times_k_squared_minus_1_over_12(kernel: int, layers: int) -> None:
    size = (kernel - 1) * layers + 1
    field = receptive_field(uniform_stack(kernel, layers, size + 4), torch.ones(1, size + 4, size + 4))
    wanted = layers * (kernel**2 - 1) / 12
    assert field.gaussian.covariance == pytest.approx(np.array([[wanted, 0], [0, wanted]]), abs=1e-5)
    assert field.radius == pytest.approx((2 * wanted) ** 0.5, rel=1e-5)
    assert field.values.sum() == pytest.approx(1, rel=1e-5)
    seen = np.nonzero(field.values.any(0))[0]
    assert (seen[0], seen[-1]) == (2, size + 1)  # (k − 1)n + 1 pixels
    assert field.theoretical is not None
    assert field.theoretical.size == (size, size)
    assert field.theoretical_box == (2, 2, size + 2, size + 2)


def test_many_uniform_layers_are_a_gaussian() -> None:
    field = receptive_field(uniform_stack(3, 12, 41), torch.ones(1, 41, 41))
    assert field.gaussian.r_squared > 0.999
    assert field.gaussian.sigma == pytest.approx((8**0.5, 8**0.5), rel=1e-4)


def test_the_identity_sees_a_point() -> None:
    identity = ConvNet.from_module(nn.Sequential(nn.Identity(), nn.Identity()), image_size=(9, 12))
    field = receptive_field(identity, torch.ones(3, 9, 12), token=5 * 12 + 7)
    wanted = np.zeros((9, 12))
    wanted[5, 7] = 3  # three colours
    np.testing.assert_array_equal(field.values, wanted)
    assert field.place == (5, 7)
    assert field.radius == 0
    assert field.theoretical_box == (7, 5, 8, 6)
    assert set(field.area_ratios.values()) == {1 / 108}


def by_definition(module: nn.Module, pixels: Tensor, layer: int, token: int) -> NDArray[np.float64]:
    """RepLKNet's protocol on an untouched timm ViT: a hook on the block, nothing of vitviz."""
    kept: list[Tensor] = []
    handle = module.blocks[layer].register_forward_hook(lambda _m, _a, out: kept.append(out))  # type: ignore[index]
    batch = pixels[None].clone().requires_grad_()
    module(batch)
    handle.remove()
    gradient = torch.autograd.grad(kept[0][0, token].clamp(min=0).sum(), batch)[0]
    return gradient.clamp(min=0).sum((0, 1)).double().numpy()


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("token", ["class", 0, "7", "centre"])
def test_it_is_the_protocol_written_out(build_vit, layer: int, token: str | int) -> None:  # type: ignore[no-untyped-def]
    module = build_vit(img_size=(24, 40), depth=3)
    pixels = noise((24, 40), count=2)
    field = receptive_field(ViT.from_module(module), pixels, layer=layer, token=token)
    index = {"class": 0, "centre": 1 + 1 * 5 + 2}.get(str(token), 1 + int(token) if str(token).isdecimal() else 0)
    wanted = [by_definition(copy.deepcopy(module), each, layer, index) for each in pixels]
    np.testing.assert_allclose(field.per_image, wanted, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(field.values, np.mean(wanted, 0), rtol=1e-3, atol=1e-6)
    assert field.values.shape == (24, 40)


def test_the_mean_is_of_the_tokens_before_the_rectifier(wide: ViT) -> None:
    pixels = noise((24, 40))
    field = receptive_field(wide, pixels, token="mean")
    kept: list[Tensor] = []
    module = copy.deepcopy(wide.module)
    module.blocks[-1].register_forward_hook(lambda _m, _a, out: kept.append(out))  # type: ignore[index]
    batch = pixels[None].requires_grad_()
    module(batch)
    gradient = torch.autograd.grad(kept[0][0, 1:].mean(0).relu().sum(), batch)[0]
    np.testing.assert_allclose(field.values, gradient.relu().sum((0, 1)).numpy(), rtol=1e-3, atol=1e-6)
    assert field.place is None
    assert field.origin == (11.5, 19.5)


def test_before_the_first_block_a_patch_sees_itself_alone(wide: ViT) -> None:
    field = receptive_field(wide, noise((24, 40)), layer=-1, token=8)
    left, top, right, bottom = wide.grid.box(8)
    assert (field.values[top:bottom, left:right] > 0).any()
    field.values[top:bottom, left:right] = 0
    assert not field.values.any()
    assert field.place == ((top + bottom - 1) / 2, (left + right - 1) / 2)


def test_random_weights_give_a_signal_before_the_norm_and_noise_after(build_vit) -> None:  # type: ignore[no-untyped-def]
    """The channels of a fresh LayerNorm's output sum to zero, whatever the picture: their gradient is rounding."""
    from vitviz.models.timm_door import build

    vit = ViT.from_module(build("vit_tiny_patch16_224", image_size=(64, 64), seed=1))
    pixels = noise((64, 64))
    ours = receptive_field(vit, pixels, token=5)
    batch = pixels[None].clone().requires_grad_()
    tokens = vit.module.forward_features(batch)  # type: ignore[operator]
    after = torch.autograd.grad(tokens[0, 6].mean(), batch)[0]
    before = by_definition(copy.deepcopy(vit.module), pixels, 11, 6)
    assert ours.values.max() > 1e4 * float(after.abs().max())
    np.testing.assert_allclose(ours.values, before, rtol=1e-2, atol=1e-5)
    top, left = 16, 16
    inside = ours.values[top : top + 16, left : left + 16].sum() / ours.values.sum()
    assert inside > 3 / 16  # a fresh model depends most on its own patch


@pytest.mark.parametrize("family", ["DINOv2 with registers", "SigLIP", "EVA-02", "BEiT", "NaFlexViT", "DeiT distilled"])
def test_every_family_and_its_prefix_tokens_can_be_read(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = ViT.from_module(member(family, size), image_size=size)
    for token in (*vit.grid.prefix, "centre", "mean"):
        field = receptive_field(vit, noise(size), token=token)
        assert field.values.shape == size
        assert field.token in {token, str(vit.grid.rows // 2 * vit.grid.columns + vit.grid.columns // 2)}
        assert 0 < field.area_ratios[0.2] <= field.area_ratios[0.99] <= 1


def test_a_resnet_has_the_field_that_openerf_finds(tmp_path: Path) -> None:
    """Its public function, on photos in a folder: the same map and the same mass within a radius, to 1%."""
    from openerf import compute_erf_metrics
    from openerf.data import build_timm_eval_transform
    from openerf.erf import compute_erf

    network = load_convnet("timm:resnet18", weights="random", image_size=(64, 96))
    weight = network.module.conv1.weight
    weight.data.copy_(weight.data.mean(1, keepdim=True).expand_as(weight))
    network.module.pretrained_cfg["input_size"] = (3, 64, 96)  # where openerf looks
    photos = [photograph(70, 90, seed=seed) for seed in (0, 1)]
    for number, photo in enumerate(photos):
        photo.save(tmp_path / f"{number}.png")
    theirs = compute_erf(network.module, tmp_path, target_layer="layer3", device="cpu", show_progress=False).erf_map
    transform = build_timm_eval_transform(network.module)[0]
    ours = receptive_field(network, [transform(photo) for photo in photos], layer=6).values
    share = ours / ours.sum(dtype=np.float64)
    np.testing.assert_allclose(share, theirs, rtol=1e-2, atol=theirs.max() * 1e-4)
    told, wanted = (compute_erf_metrics(each, radii=(5, 10, 20)) for each in (share, theirs))
    assert told["argmax_yx"] == wanted["argmax_yx"]
    assert told["radial_cumulative_mass"] == pytest.approx(wanted["radial_cumulative_mass"], rel=1e-2)


def test_where_openerf_finds_noise_or_refuses_there_is_a_signal(tmp_path: Path) -> None:
    """It reads a ViT after the final norm, where the channel mean is constant, and takes a root of the patches."""
    from openerf.erf import _compute_positive_input_gradients_from_forward_features as raw
    from openerf.erf import compute_erf

    from vitviz.models.timm_door import build

    vit = ViT.from_module(build("vit_tiny_patch16_224", image_size=(64, 64), seed=1))
    pixels = noise((64, 64))
    batch = pixels[None].clone().requires_grad_()
    theirs = raw(vit.module, batch, "forward_features").numpy()
    ours = receptive_field(vit, pixels, token=5).values  # its centre: the upper left of the middle
    assert ours.max() > 1e4 * theirs.max()

    wide = build("vit_tiny_patch16_224", image_size=(48, 64), seed=1)
    wide.pretrained_cfg["input_size"] = (3, 48, 64)
    photograph(70, 90).save(tmp_path / "0.png")
    with pytest.raises(ValueError, match="square grid"):
        compute_erf(wide, tmp_path, device="cpu", show_progress=False)
    field = receptive_field(ViT.from_module(wide), tmp_path / "0.png")
    assert field.values.shape == (48, 64)
    assert field.area_ratios[0.99] > field.area_ratios[0.5] > 0


def test_a_trained_looking_gradient_stays_inside_the_theoretical_box() -> None:
    network = load_convnet("timm:convnext_atto", weights="random", image_size=(96, 128))
    field = receptive_field(network, noise((96, 128)), layer=1, token=3 * 32 + 5)
    assert field.theoretical_box is not None
    left, top, right, bottom = field.theoretical_box
    inside = field.values[top:bottom, left:right]
    assert inside.sum() == pytest.approx(field.values.sum())
    assert 0 < inside.size < field.values.size


def test_a_field_that_cannot_be_known_is_measured_and_the_reason_told() -> None:
    network = load_convnet("timm:seresnet18", weights="random", image_size=(64, 64))
    network.module.layer1[0].bn2.weight.data.fill_(1)  # a fresh residual branch is silent
    field = receptive_field(network, noise((64, 64)), layer=1)
    assert (field.theoretical, field.theoretical_box) == (None, None)
    assert any("is not known after layer1.0" in note for note in field.notes)
    assert field.place == (33.5, 33.5)  # place 8 of 16 in 64 pixels
    assert (field.values > 0).mean() > 0.2  # squeeze-and-excitation sees everything


def test_pictures_of_several_sizes_are_averaged_and_told(wide: ViT) -> None:
    field = receptive_field(wide, [photograph(60, 40), photograph(90, 90, seed=1)])
    assert field.notes == ("2 pictures of 2 different sizes were all resized to 24 × 40 pixels",)
    assert field.per_image.shape == (2, 24, 40)
    np.testing.assert_allclose(field.values, field.per_image.mean(0), rtol=1e-5)
    alone = receptive_field(wide, photograph(90, 90, seed=1))
    np.testing.assert_allclose(alone.values, field.per_image[1], rtol=1e-5)
    assert field.per_image_area_ratios.shape == (2, 4)
    assert field.per_image_radius[1] == pytest.approx(alone.radius, rel=1e-5)


def test_the_log_ratios_are_those_of_the_script() -> None:
    field = receptive_field(uniform_stack(3, 3, 15), torch.ones(1, 15, 15))
    scaled = np.log10(field.values.astype(float) + 1)
    for share, area in field.log_area_ratios.items():
        half = next(h for h in range(8) if scaled[7 - h : 8 + h, 7 - h : 8 + h].sum() >= share * scaled.sum() - 1e-9)
        assert area == pytest.approx((2 * half + 1) ** 2 / 225)


def test_nothing_stays_behind(wide: ViT) -> None:
    before = {name: value.clone() for name, value in wide.module.state_dict().items()}
    pixels = noise((24, 40))
    with torch.no_grad():  # the caller's mode does not matter and is not changed
        receptive_field(wide, pixels)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        receptive_field(wide, pixels)
    assert not pixels.requires_grad
    assert all(parameter.grad is None for parameter in wide.module.parameters())
    assert not any(part._forward_hooks for part in wide.module.modules())
    assert all(torch.equal(value, before[name]) for name, value in wide.module.state_dict().items())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layer": 2}, "Layer 2 does not exist; there are 2"),
        ({"layer": -2}, "Layer -2 does not exist"),
        ({"token": 15}, "no token 15; wanted a patch number from 0 to 14"),
        ({"token": "register 1"}, "no token 'register 1'"),
    ],
)
def test_what_the_vit_has_not_is_refused(wide: ViT, options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        receptive_field(wide, noise((24, 40)), **options)  # type: ignore[arg-type]


def test_what_a_convolutional_network_has_not_is_refused() -> None:
    network = uniform_stack(3, 2, 9)
    with pytest.raises(OptionError, match="no token 'class' in Sequential.*no class token.*place from 0 to 80"):
        receptive_field(network, torch.ones(1, 9, 9), token="class")
    with pytest.raises(OptionError, match="no token 81"):
        receptive_field(network, torch.ones(1, 9, 9), token=81)
    with pytest.raises(OptionError, match="Layer 2 does not exist"):
        receptive_field(network, torch.ones(1, 9, 9), layer=2)
    with pytest.raises(OptionError, match="model must be a ViT or a ConvNet; got an object of Sequential"):
        receptive_field(network.module, torch.ones(1, 9, 9))  # type: ignore[arg-type]


def test_a_gradient_that_vanishes_is_no_field() -> None:
    dead = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    dead[0].weight.data.fill_(-1.0)
    dead[0].bias.data.zero_()
    with pytest.raises(OptionError, match="gradient of token .* after layer 1 is zero"):
        receptive_field(ConvNet.from_module(dead, image_size=(9, 9)), torch.ones(1, 9, 9))


def test_the_result_cannot_be_changed(wide: ViT) -> None:
    field = receptive_field(wide, noise((24, 40)))
    assert isinstance(field, ReceptiveField)
    with pytest.raises(AttributeError):
        field.layer = 3  # type: ignore[misc]
