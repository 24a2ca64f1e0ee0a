"""A module's own forward: what it reads, what its classes are called, how its pictures come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import vitviz
from benchmarks.modules import research
from benchmarks.modules.kinds import FromFeatures, Headed, Normalised, drawn, vit
from vitviz.attribution.readout import readout, reads_class_token
from vitviz.capture.edit import Edit
from vitviz.capture.own_forward import OwnForward
from vitviz.errors import GridError, OptionError, UnsupportedModelError
from vitviz.models import timm_door
from vitviz.models.geometry import width_of
from vitviz.models.vit import ViT
from vitviz.trace import predict, trace

PIXELS = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(3))
PHOTO = Image.linear_gradient("L").convert("RGB").resize((48, 40))


def averaged(seed: int = 0) -> tuple[ViT, ViT]:
    """Return a model that averages its patches by its own forward, and timm's own that is built to do so."""
    torch.manual_seed(seed)
    plain = vit(global_pool="avg", class_token=True, fc_norm=False)
    own = vit()
    own.load_state_dict(plain.state_dict())
    own.__class__ = type("Own", (type(own),), {"forward": lambda s, x: s.head(s.forward_features(x)[:, 1:].mean(1))})
    return ViT.from_module(own), ViT.from_module(plain)


@pytest.mark.parametrize("method", ["rollout", "gradient_rollout", "legrad", "occlusion", "saliency", "token_grad_cam"])
def test_the_same_pooling_gives_the_same_maps(method: str) -> None:
    own, plain = averaged()
    assert isinstance(own.shell, OwnForward)
    assert not isinstance(plain.shell, OwnForward)
    observed, wanted = (vitviz.attribute(method, model, PIXELS, target=3).values for model in (own, plain))
    np.testing.assert_allclose(observed, wanted, atol=1e-5, rtol=1e-4)


def test_masked_patches_are_left_out_of_the_same_pooling() -> None:
    own, plain = averaged()
    edit = Edit(mask_tokens=[2, 9])
    torch.testing.assert_close(predict(own, PIXELS, edit=edit), predict(plain, PIXELS, edit=edit))
    observed, wanted = (trace(model, PIXELS, edit=edit, target=2) for model in (own, plain))
    torch.testing.assert_close(observed.embedding, wanted.embedding)
    torch.testing.assert_close(observed.pixel_gradient(), wanted.pixel_gradient())


def test_what_it_reads_is_measured() -> None:
    reads = {
        research.Dino: ("class",),
        research.Mae: ("patches",),
        research.ClassAndPatches: ("class", "patches"),
    }
    for kind, tokens in reads.items():
        model = ViT.from_module(drawn(kind()))
        assert isinstance(model.shell, OwnForward)
        assert model.shell.reads == tokens
        assert reads_class_token(model) == (tokens == ("class",))
        weights = readout(model, trace(model, PIXELS))
        assert float(weights.sum()) == pytest.approx(1)
        assert float(weights[0]) == pytest.approx({("class",): 1, ("patches",): 0}.get(tokens, 0.5))
    with pytest.raises(UnsupportedModelError, match="has a class token but answers from its patches too"):
        vitviz.attribute("class_attention", model, PIXELS)


def test_an_answer_of_several_blocks_has_no_lens() -> None:
    model = ViT.from_module(drawn(research.SeveralBlocks()), name="mine")
    assert isinstance(model.shell, OwnForward)
    assert not model.shell.separable
    with pytest.raises(UnsupportedModelError, match="made of more than the tokens of its last block"):
        vitviz.logit_lens(model, trace(model, PIXELS))
    assert trace(model, PIXELS, target=1).pixel_gradient().abs().max() > 0


def test_a_head_of_one_s_own_has_numbers_for_names() -> None:
    body = timm_door.build("test_vit", classes=0)
    model = ViT.from_module(Headed(body, nn.Linear(64, 1000)).eval())
    assert model.class_names[:2] == ("class 0", "class 1")
    assert model.body is body
    assert model.module is not body
    named = ViT.from_module(Headed(body, nn.Linear(64, 2)).eval(), class_names=["cat", "dog"])
    assert trace(named, PHOTO, target=1).target.label == "dog"  # type: ignore[union-attr]
    assert trace(named, PHOTO).embedding.shape == (64,)


@pytest.mark.parametrize("largest", [1, 255])
def test_a_model_that_normalises_itself_is_given_plain_pictures(largest: int) -> None:
    body = timm_door.build("test_vit")
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.5, 0.4, 0.3), (0.2, 0.3, 0.25)))
    normalise = Normalised(mean * largest, std * largest)  # type: ignore[arg-type]
    model = ViT.from_module(nn.Sequential(normalise, body).eval())
    assert model.notes == (
        f"it normalises pictures itself: they are given to it with values from 0 to {largest}",
        "assumed: pictures are prepared as is usual for test_vit (crop 0.95; interpolation bicubic)",
        "assumed: its 1000 outputs are ImageNet's classes",
    )
    pixels = model.preprocess(PHOTO)
    plain = ViT.from_module(body)
    torch.testing.assert_close(model.picture(pixels), plain.picture(plain.preprocess(PHOTO)))
    assert float(pixels.min()) >= 0
    assert largest * 0.9 < float(pixels.max()) <= largest
    with torch.no_grad():
        torch.testing.assert_close(trace(model, PHOTO).logits, body(((pixels / largest - mean) / std)[None])[0])
    assert model.frame(PHOTO).shape == (480, 480, 3)


class Squared(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.square()


def test_what_is_not_known_of_pictures_is_said() -> None:
    model = ViT.from_module(nn.Sequential(Squared(), vit()).eval(), name="mine")
    assert model.notes[0].startswith("a picture needs a transform of your own: it changes its input before")
    assert trace(model, PIXELS).attention(0).shape == (2, 17, 17)
    for call in (model.preprocess, model.frame, lambda photo: trace(model, photo)):
        with pytest.raises(OptionError, match="How a picture becomes an input of mine is not known: .*transform=…"):
            call(PHOTO)
    given = ViT.from_module(nn.Sequential(Squared(), vit()).eval(), transform=lambda _: torch.ones(3, 32, 32))
    assert given.notes == ()
    assert trace(given, PHOTO).pixels.equal(torch.ones(3, 32, 32))


@pytest.mark.parametrize("channels", [2, 4, 13])
def test_other_numbers_of_channels_take_tensors_and_a_transform(channels: int) -> None:
    module = vit(in_chans=channels)
    model = ViT.from_module(module, name="mine")
    assert model.channels == channels
    told = f"{channels} channels"
    assert model.notes == (f"a picture needs a transform of your own: its input has {told}, and a picture has 3",)
    pixels = torch.rand(channels, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(trace(model, pixels).logits, module(pixels[None])[0])
    assert vitviz.attribute("occlusion", model, pixels).values.shape == (4, 4)
    assert vitviz.attribute("integrated_gradients", model, pixels, n_steps=2).values.shape[-1] == 32
    assert model.picture(pixels).shape == (32, 32, 3)
    with pytest.raises(OptionError, match=f"its input has {told}, and a picture has 3"):
        trace(model, PHOTO)
    with pytest.raises(GridError, match=rf"has shape \(3, 32, 32\); wanted \({channels}, 32, 32\)"):
        trace(model, PIXELS)
    given = ViT.from_module(module, transform=lambda photo: torch.full((channels, 32, 32), photo.width / 100))
    assert trace(given, PHOTO).pixels.equal(torch.full((channels, 32, 32), 0.48))
    wrong = ViT.from_module(module, transform=lambda photo: "not a tensor")  # type: ignore[arg-type, return-value]
    with pytest.raises(GridError, match=rf"The transform returned a str; wanted \({channels}, 32, 32\)"):
        trace(wrong, PHOTO)


def test_photos_become_grey_for_one_channel() -> None:
    model, in_colour = ViT.from_module(vit(in_chans=1), name="mine"), ViT.from_module(vit())
    assert model.notes[0].startswith("assumed: photos become grey (luma), for its input has one channel (mean 0.")
    luma = PHOTO.convert("L").convert("RGB")
    assert model.preprocess(PHOTO).shape == (1, 32, 32)
    shown, wanted = (known.picture(known.preprocess(photo)) for known, photo in ((model, PHOTO), (in_colour, luma)))
    assert np.abs(shown.astype(int) - wanted).max() <= 1
    assert model.frame(PHOTO).shape == (96, 96, 3)
    for name in ("rollout", "occlusion", "saliency"):
        assert vitviz.attribute(name, model, PHOTO).values.any()
    assert model.seen_part(PHOTO) == in_colour.seen_part(PHOTO)
    padded, wanted_part = (known.with_crop("pad").seen_part(PHOTO) for known in (model, in_colour))
    assert padded is not None
    assert wanted_part is not None
    assert padded.box == wanted_part.box
    assert np.allclose(padded.inside, wanted_part.inside, atol=1e-3)  # the bars have another grey
    assert model.with_crop("pad").preprocess(PHOTO).shape == (1, 32, 32)
    moved = ViT.from_module(nn.Sequential(Squared(), vit(in_chans=1)).eval())
    assert moved.notes[0].startswith("a picture needs a transform of your own")


def test_a_backbone_in_a_wrapper_can_be_resized() -> None:
    body = vit(num_classes=0, dynamic_img_size=False)
    model = ViT.from_module(FromFeatures(body, nn.Linear(32, 5)).eval())
    sizes = vitviz.input_sizes(model, PIXELS, sizes=(32, 48))
    assert [answer.tokens for answer in sizes] == [17, 37]
    assert body.patch_embed.grid_size == (4, 4)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_pixels_are_prepared_and_other_tensors_refused() -> None:
    model = ViT.from_module(vit())
    pixels = torch.randint(0, 256, (3, 50, 40), dtype=torch.uint8)
    assert model.preprocess(pixels).equal(trace(model, pixels).pixels)
    assert model.frame(pixels).shape == (96, 96, 3)
    negative = torch._neg_view(PIXELS)
    assert trace(model, negative).embedding.equal(trace(model, -PIXELS).embedding)
    assert predict(model, negative[None]).equal(predict(model, -PIXELS[None]))
    for odd in (torch.nested.nested_tensor([PIXELS, PIXELS]), PIXELS.to_sparse(), PIXELS.to("meta")):
        for call in (model.preprocess, model.frame):
            with pytest.raises(GridError, match="is no picture; wanted pixels from 0 to 255 as torch.uint8"):
                call(odd)
        for call in (lambda odd: trace(model, odd), lambda odd: predict(model, odd)):
            with pytest.raises(GridError, match="An input tensor of .* has the type torch.float32, "):
                call(odd)


def test_where_the_classifier_is() -> None:
    def of(form: Callable[[Tensor, Tensor], Any]) -> ViT:
        return ViT.from_module(drawn(research.Replying(form)))

    softer, unit = of(lambda y, x: y / 0.1), of(lambda y, x: nn.functional.normalize(y, dim=-1))
    assert len(softer.class_names) == 10
    assert trace(softer, PIXELS).embedding.shape == (32,)
    assert not unit.has_classifier
    assert trace(unit, PIXELS).embedding.norm() == pytest.approx(1)


def test_a_size_that_nothing_says_is_that_of_the_positions() -> None:
    module = drawn(research.Scratch())
    model = ViT.from_module(module)
    assert (model.image_size, model.grid.rows, model.grid.prefix) == ((32, 32), 4, ("class",))
    assert width_of(model.body) == 32
