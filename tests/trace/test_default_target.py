"""The default target has a gradient in every family, and a target without one is told."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vitviz
from tests.families import FAMILIES, FOUR, NARROW, Family, noise, sharpen
from vitviz.analysis.replacement import replacement_picture
from vitviz.attribution import METHODS, attribute
from vitviz.errors import OptionError
from vitviz.models.timm_door import timm  # mended for the torchvision that is there
from vitviz.models.vit import ViT
from vitviz.trace.default import APART, VANISHES, gradient_share
from vitviz.trace.target import Likeness, Target, likeness

OWN = Target(None, "similarity to the image's own embedding")
TOWERS = FAMILIES | {
    "DINOv2": Family("vit_small_patch14_dinov2", NARROW, sizes=((56, 56), (42, 70)), patch=14),
    "MAE": Family("vit_base_patch16_224", NARROW | {"global_pool": "token"}),
    "I-JEPA": Family("vit_huge_patch14_gap_224", NARROW, (), sizes=((56, 56), (42, 70)), patch=14),
    "pooling with registers": Family("vit_base_patch16_224", NARROW | {"global_pool": "map", "reg_tokens": 4}),
    "SigLIP 2": Family("vit_base_patch16_siglip_gap_224", NARROW, ()),
    "DINOv3 of ViT-L": Family("vit_large_patch16_dinov3", NARROW, ("class", *FOUR)),
}


@cache
def tower(family: str, sharp: bool) -> ViT:
    """Return a small model of a family without a classifier: weights as timm draws them, or far from uniform."""
    kind = TOWERS[family]
    options = kind.options | {"num_classes": 0}
    if "naflexvit" not in kind.architecture:
        options["img_size"] = kind.sizes[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: nn.Module = timm.create_model(kind.architecture, **options).eval()
        if sharp:
            sharpen(module)
    return ViT.from_module(module, name=family, image_size=kind.sizes[1])


def photo(vit: ViT) -> Tensor:
    """Return noise with a colour of its own: no picture is as far from a plain one as noise about zero."""
    return noise(vit.image_size) + torch.tensor([0.5, -0.2, 0.1])[:, None, None]


def random_direction(traced: vitviz.Trace) -> Likeness:
    return likeness(torch.randn(traced.embedding.shape, generator=torch.Generator().manual_seed(3)), "random")


@pytest.mark.parametrize("sharp", [False, True], ids=["as drawn", "sharp"])
@pytest.mark.parametrize("family", TOWERS)
def test_the_default_has_a_gradient_as_long_as_a_random_directions(family: str, sharp: bool) -> None:
    vit = tower(family, sharp)
    assert not vit.has_classifier
    traced = vitviz.trace(vit, photo(vit), gradients=True)
    assert traced.target is not None
    assert traced.target.label == APART
    assert traced.notes == ()
    other = vitviz.trace(vit, photo(vit), target=random_direction(traced))
    assert other.notes == ()
    for mine, theirs in (
        (traced.pixel_gradient(), other.pixel_gradient()),
        (traced.attention_gradient(1), other.attention_gradient(1)),
    ):
        assert float(mine.abs().max()) > 0.2 * float(theirs.abs().max()) > 0
        assert float(mine.norm()) > 0.2 * float(theirs.norm())
    assert attribute("gradient_rollout", vit, traced).values.max() > 0


@pytest.mark.parametrize("family", ["DINOv2", "EVA-02", "CLIP", "MAE"])
def test_the_own_embedding_has_none_and_that_is_told(family: str) -> None:
    """A LayerNorm comes last; where an average comes after it (DINOv3, I-JEPA), the embedding's length can change."""
    vit = tower(family, False)
    traced = vitviz.trace(vit, photo(vit), target=OWN)
    other = vitviz.trace(vit, photo(vit), target=random_direction(traced))
    assert float(traced.pixel_gradient().abs().max()) < 0.02 * float(other.pixel_gradient().abs().max())
    assert traced.notes == (VANISHES,)
    for method in METHODS:
        if method.backward:
            assert VANISHES in attribute(method.name, vit, photo(vit), target=OWN).notes
            assert VANISHES not in attribute(method.name, vit, photo(vit)).notes


class Saturated(nn.Module):
    """A classifier that is sure of everything: its answers do not move any more."""

    def __init__(self, head: nn.Module, sharpness: float) -> None:
        super().__init__()
        self.head, self.sharpness = head, sharpness

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x)
        first = torch.tanh(self.sharpness * logits[:, :1])
        return torch.cat([first, logits[:, 1:]], 1)


def test_a_saturated_class_is_told(wide_vit: nn.Module) -> None:
    module = copy.deepcopy(wide_vit)
    module.head = Saturated(module.head, 1e4)  # type: ignore[arg-type]
    vit = ViT.from_module(module, image_size=(24, 40))
    assert vitviz.trace(vit, noise((24, 40)), target=0).notes == (VANISHES,)
    assert vitviz.trace(vit, noise((24, 40)), target=1).notes == ()
    assert VANISHES in attribute("saliency", vit, noise((24, 40)), target=0).notes


def test_the_default_is_the_way_from_the_plain_picture_to_this_one() -> None:
    vit = tower("DINOv2", True)
    pixels = photo(vit)
    traced = vitviz.trace(vit, pixels, gradients=True)
    plain = replacement_picture(vit, pixels, "mean")
    embeddings = vitviz.predict(vit, torch.stack([pixels, plain]))
    apart = embeddings[0] - embeddings[1]
    assert isinstance(traced.target, Likeness)
    torch.testing.assert_close(torch.tensor(traced.target.direction), apart / apart.norm(), rtol=1e-4, atol=1e-5)
    shares = attribute("integrated_gradients", vit, pixels, n_steps=256)
    assert shares.target == traced.target
    np.testing.assert_allclose(shares.values.sum(), float(apart.norm()), rtol=0.02)


def test_the_default_has_the_promised_part_of_a_gradient() -> None:
    """cos(θ/2), with θ the angle between the embeddings of picture and plain picture, behind a plain LayerNorm."""
    vit = tower("DINOv2", False)
    pixels = photo(vit)
    traced = vitviz.trace(vit, pixels, gradients=True)
    assert isinstance(traced.target, Likeness)
    own = traced.embedding / traced.embedding.norm()
    plain = vitviz.predict(vit, replacement_picture(vit, pixels, "mean")[None])[0]
    angle = torch.arccos((own @ plain / plain.norm()).clamp(-1, 1))
    along = torch.tensor(traced.target.direction) - (torch.tensor(traced.target.direction) @ own) * own
    torch.testing.assert_close(along.norm(), torch.cos(angle / 2), rtol=2e-2, atol=2e-2)


def test_a_plain_picture_has_its_own_embedding_explained_and_is_told() -> None:
    vit = tower("DINOv2", False)
    traced = vitviz.trace(vit, torch.full((3, *vit.image_size), 0.3), gradients=True)
    assert traced.target is not None
    assert traced.target.label == OWN.label
    assert traced.notes == (VANISHES,)


def test_no_target_costs_one_more_forward_pass_and_no_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    vit = tower("DINOv2", False)
    monkeypatch.setattr("vitviz.images.open_image", lambda *_: pytest.fail("a photo was opened"))
    passes: list[int] = []
    handle = vit.shell.blocks[0].register_forward_hook(lambda *_: passes.append(1))  # type: ignore[index,union-attr]
    vitviz.trace(vit, photo(vit), gradients=True)
    handle.remove()
    assert len(passes) == 2


def test_the_default_is_the_same_at_every_door() -> None:
    vit = tower("DINOv2", False)
    traced = vitviz.trace(vit, photo(vit), gradients=True)
    assert traced.target == vitviz.trace(vit, photo(vit), gradients=True).target
    for name in ("saliency", "occlusion", "rollout"):
        assert attribute(name, vit, photo(vit)).target == traced.target
        assert attribute(name, vit, vitviz.trace(vit, photo(vit))).target == traced.target
    assert vitviz.drop_curve(vit, photo(vit), draws=2, shares=[0, 0.5]).target == traced.target


def test_the_part_of_a_gradient_is_measured_where_targets_part(wide_vit: nn.Module) -> None:
    vit = ViT.from_module(wide_vit)
    stream = vitviz.trace(vit, noise((24, 40))).residual(1)
    whole = gradient_share(vit, stream, Target(3, "three"))
    assert 0.1 < whole < 10
    assert 0.1 < gradient_share(vit, stream, vitviz.contrast(vit, 3, 5)) < 10


def test_a_class_of_a_model_without_classes_is_told_what_to_do() -> None:
    vit = tower("DINOv2", False)
    with pytest.raises(OptionError, match="no classifier. Leave the target out .+ or give patch_likeness"):
        vitviz.trace(vit, photo(vit), target=3)
