"""Models of transformers: what is observed is what their own eager code computes, and the model stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vitviz
from tests.hugging_face import MODELS, model, picture
from vitviz.analysis.faithfulness_checks import model_randomisation
from vitviz.analysis.input_sizes import input_sizes
from vitviz.analysis.positions import position_similarity
from vitviz.analysis.quick_pass import QuickPass, embeds_by_patch
from vitviz.analysis.scoring import score_batch
from vitviz.analysis.truncated_positions import truncated
from vitviz.attribution import METHODS, attribute, why_not
from vitviz.errors import CaptureError, OptionError, UnsupportedModelError
from vitviz.labs import anatomy
from vitviz.labs.cost.vit_shape import shape_of
from vitviz.labs.gelu import activations
from vitviz.labs.parameters import counted_parameters
from vitviz.labs.shift import shift_experiment
from vitviz.models.hugging_face.library import transformers
from vitviz.models.timm_door import timm
from vitviz.models.vit import ViT

EACH = pytest.mark.parametrize("name", MODELS)
FEW = {"n_steps": 2, "n_samples": 4, "n_masks": 4}
ORDER = torch.arange(16.0)[None]


def eager_maps(name: str, pixels: Tensor) -> list[Tensor]:
    """Return every layer's attention (head, query, key) as the model's own eager code hands it out."""
    made = model(name)
    if name.startswith("MAE"):
        made.config.mask_ratio = 0.0
    tower: Any = made.vision_model if "whole" in name else getattr(made, "vit", made) if "MAE" in name else made
    tower.set_attn_implementation("eager")
    options = {"noise": ORDER} if name.startswith("MAE") else {}
    with torch.no_grad():
        answer = tower(pixels[None], output_attentions=True, **options)
    return [layer[0] for layer in answer.attentions]


def plain_answer(name: str, pixels: Tensor) -> Tensor:
    """Return what a user gets from a plain call: logits, an embedding, or the token or mean that stands for one."""
    made = model(name)
    options = {}
    if name.startswith("MAE"):
        made.config.mask_ratio, options = 0.0, {"noise": ORDER}
    with torch.no_grad():
        if "whole" in name:
            row: Tensor = made.get_image_features(pixels[None]).pooler_output
            return row[0]
        answer = (made.vit if name == "MAE, pretraining" else made)(pixels[None], **options)
    for key in ("logits", "image_embeds", "pooler_output"):
        if getattr(answer, key, None) is not None:
            found: Tensor = getattr(answer, key)[0]
            return found
    tokens: Tensor = answer.last_hidden_state[0]
    return tokens.mean(0) if "JEPA" in name or "SigLIP" in name else tokens[0]


@EACH
def test_maps_and_answer_are_those_of_the_models_own_eager_code(name: str) -> None:
    vit = ViT.from_module(model(name), name=name)
    pixels = picture(vit.image_size)
    trace = vitviz.trace(vit, pixels)
    maps = eager_maps(name, pixels)
    assert len(maps) == vit.layers == 3
    assert vit.heads == (4, 4, 4)
    assert max(float(layer.max()) for layer in maps) > 0.3  # far from uniform, where a mistake would show
    for layer, wanted in enumerate(maps):
        torch.testing.assert_close(trace.attention(layer), wanted, rtol=0, atol=1e-6)
    answer = trace.embedding if trace.logits is None else trace.logits
    torch.testing.assert_close(answer, plain_answer(name, pixels), rtol=1e-5, atol=1e-5)
    assert len(vit.class_names) == (7 if "Classification" in type(model(name)).__name__ else 0)


@EACH
def test_the_users_model_is_not_touched(name: str) -> None:
    made = model(name).train()

    def state() -> list[Any]:
        hooks = [
            (len(part._forward_hooks), len(part._forward_pre_hooks), part.training, type(part))
            for part in made.modules()
        ]
        weights = [(id(weight), weight._version, weight.requires_grad) for weight in made.parameters()]
        return [hooks, weights, made.config.to_json_string(), made.config._attn_implementation]

    before = state()
    vit = ViT.from_module(made, name=name)
    vitviz.trace(vit, picture(vit.image_size), gradients=True)
    assert state() == before
    shared = {weight.data_ptr() for weight in made.parameters()}
    assert {weight.data_ptr() for weight in vit.module.parameters()} <= shared  # none is converted or copied


@EACH
def test_every_method_gives_a_map_or_a_reason(name: str) -> None:
    vit = ViT.from_module(model(name), name=name)
    refused = {method.name for method in METHODS if why_not(method.name, vit)}
    assert refused <= {"class_attention"}
    assert ("class_attention" in refused) == ("class" not in vit.module.reads)  # type: ignore[operator]
    for method in METHODS:
        knobs = {knob.name: FEW[knob.name] for knob in method.knobs if knob.name in FEW}
        if method.name not in refused:
            assert attribute(method.name, vit, picture(vit.image_size), **knobs).values.any() or (
                method.name == "token_grad_cam"
            )


@EACH
def test_an_edit_reaches_every_layer(name: str) -> None:
    vit = ViT.from_module(model(name), name=name)
    pixels = picture(vit.image_size)
    plain = vitviz.predict(vit, pixels[None])
    edits = [vitviz.Edit(temperature={2: 3.0}), vitviz.Edit(ablate_heads=[(0, 3)]), vitviz.Edit(mask_tokens=[6, 7])]
    for edit in edits:
        assert not torch.equal(vitviz.predict(vit, pixels[None], edit=edit), plain)
    assert torch.equal(vitviz.predict(vit, pixels[None], edit=vitviz.Edit()), plain)


@EACH
def test_labs_read_the_parts_of_a_model(name: str) -> None:
    vit = ViT.from_module(model(name), name=name)
    trace = vitviz.trace(vit, picture(vit.image_size))
    step = anatomy.block_step(vit, trace, 1)
    assert step.between is not None
    assert step.gap is None or step.gap < 1e-4
    embedding = anatomy.embedding(vit, trace)
    assert embedding.projection_gap is not None
    assert embedding.projection_gap < 1e-4
    kind = activations(vit, trace, 0)
    assert "Activation" not in kind.kind
    shape = shape_of(vit)
    assert (shape.width, shape.depth, shape.heads) == (32, 3, 4)
    parts = counted_parameters(vit.module)
    assert parts["patch embedding"] >= 3 * 16 * 16 * 32
    assert min(parts["attention"], parts["MLP"], parts["norms of the blocks"]) > 0
    assert sum(parts.values()) == sum(weight.numel() for weight in vit.module.parameters())
    assert [curve.stride for curve in shift_experiment(vit, trace.pixels, layer=1).curves[:1]] == [16]


@EACH
def test_a_quick_pass_answers_as_the_model_does(name: str) -> None:
    vit = ViT.from_module(model(name), name=name)
    assert embeds_by_patch(vit)
    pixels, behind = picture(vit.image_size), picture(vit.image_size, 5)
    target = vitviz.trace(vit, pixels, gradients=True).target
    assert target is not None
    quick = QuickPass.of(vit, pixels, behind, target)
    assert quick is not None
    none = torch.zeros(vit.grid.patches, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(
            quick.scores([none, ~none]), score_batch(vit, torch.stack([pixels, behind]), target), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("ViT", ("learned",)),
        ("CLIP", ("learned",)),
        ("SigLIP", ("learned",)),
        ("DINOv3", ("rotary",)),
        ("BEiT", ("relative",)),
        ("BEiT, class token", ("learned", "relative")),
    ],
)
def test_positions_are_what_is_added_turned_or_biased(name: str, kinds: tuple[str, ...]) -> None:
    made = model(name)
    similarity = position_similarity(ViT.from_module(made, name=name))
    assert similarity.kinds == kinds
    if name == "ViT":
        table = made.vit.embeddings.position_embeddings[0, 1:].detach()
        wanted = nn.functional.normalize(table, dim=-1) @ nn.functional.normalize(table, dim=-1).T
        torch.testing.assert_close(torch.from_numpy(similarity.values), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["ViT", "DeiT", "BEiT", "DINOv2", "DINOv3", "CLIP", "SigLIP", "I-JEPA", "MAE"])
def test_other_sizes_are_interpolated_by_the_models_own_code(name: str) -> None:
    made = model(name)
    vit = ViT.from_module(made, name=name, image_size=(32, 96))
    assert (vit.grid.rows, vit.grid.columns) == (2, 6)
    assert name == "DINOv3" or any("built for 64 × 64" in note for note in vit.notes)
    pixels = picture((32, 96))
    trace = vitviz.trace(vit, pixels)
    assert trace.attention(0).shape[-1] == vit.grid.tokens
    if name in ("ViT", "DeiT", "CLIP", "SigLIP", "I-JEPA"):
        with torch.no_grad():
            answer = made(pixels[None], interpolate_pos_encoding=True)
        wanted = answer.logits[0] if "logits" in answer else answer.pooler_output[0]
        torch.testing.assert_close(
            trace.embedding if trace.logits is None else trace.logits, wanted, atol=1e-5, rtol=1e-5
        )
    sizes = input_sizes(ViT.from_module(made), picture((64, 64)), sizes=(32, 64, 96))
    assert [answer.tokens - len(vit.grid.prefix) for answer in sizes] == [4, 16, 36]


def test_a_grid_that_is_not_square_is_not_interpolated_as_if_it_were() -> None:
    with pytest.raises(OptionError, match="a grid of 3 × 5 patches, and its code interpolates positions as if"):
        ViT.from_module(model("ViT, not square"), image_size=(64, 64))


def test_siglips_pooling_is_read_as_that_of_timm_is() -> None:
    made = model("SigLIP")
    vit = ViT.from_module(made)
    pixels = picture((64, 64))
    trace = vitviz.trace(vit, pixels)
    with torch.no_grad():
        tokens = made(pixels[None]).last_hidden_state
        head = made.head
        wanted = head.attention(head.probe, tokens, tokens, average_attn_weights=False)[1][0]  # (head, query, key)
    torch.testing.assert_close(trace.pool_attention(), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", ["eager", "sdpa"])
def test_a_model_with_eager_attention_is_observed_too(way: str) -> None:
    made = model("ViT")
    made.set_attn_implementation(way)
    vit = ViT.from_module(made)
    pixels = picture((64, 64))
    torch.testing.assert_close(vitviz.trace(vit, pixels).attention(1), eager_maps("ViT", pixels)[1], rtol=0, atol=1e-6)
    assert made.config._attn_implementation == way


def test_attention_by_kernels_that_show_nothing_is_refused_by_name() -> None:
    made = model("ViT")
    made.config._attn_implementation_internal = "flash_attention_2"
    with pytest.raises(UnsupportedModelError, match="attends by 'flash_attention_2'.*set_attn_implementation"):
        ViT.from_module(made)


def test_a_change_of_the_model_after_wrapping_is_noticed() -> None:
    made = model("ViT")
    vit = ViT.from_module(made)
    made.classifier = nn.Linear(32, 7)
    with pytest.raises(CaptureError, match="was changed after it was wrapped"):
        vitviz.trace(vit, picture((64, 64)))


def test_the_masking_of_an_autoencoder_is_off_and_said() -> None:
    for name in ("MAE", "MAE, pretraining"):
        made = model(name)
        vit = ViT.from_module(made)
        assert any("random masking of patches is off" in note for note in vit.notes)
        assert vit.grid.patches == 16
        assert made.config.mask_ratio == 0.75


def test_placeholders_are_numbers_and_towers_have_no_classes() -> None:
    made = model("ViT")
    assert ViT.from_module(made).class_names[:2] == ("class 0", "class 1")
    made.config.id2label = {index: f"bird {index}" for index in range(7)}
    assert ViT.from_module(made).class_names[:2] == ("bird 0", "bird 1")
    for name in ("CLIP", "CLIP, projection", "CLIP, whole", "SigLIP", "SigLIP, whole"):
        assert ViT.from_module(model(name)).class_names == ()


REFUSED = {
    "SwinModel": ("SwinConfig", {"depths": [1, 1], "num_heads": [2, 2], "embed_dim": 16}, "attends inside windows"),
    "ConvNextModel": ("ConvNextConfig", {"hidden_sizes": [8] * 4, "depths": [1] * 4}, "convolutional network"),
    "ASTModel": ("ASTConfig", {"hidden_size": 32, "num_hidden_layers": 1}, "the spectrogram of a sound"),
    "VideoMAEModel": ("VideoMAEConfig", {"hidden_size": 48, "num_hidden_layers": 1}, "it reads videos"),
    "YolosModel": ("YolosConfig", {"hidden_size": 48, "num_hidden_layers": 1}, "queries of its own"),
    "Siglip2VisionModel": ("Siglip2VisionConfig", {"hidden_size": 48, "num_hidden_layers": 1}, "NaFlex"),
    "ViTForMaskedImageModeling": ("ViTConfig", {"hidden_size": 48, "num_hidden_layers": 1}, "pass its encoder"),
    "ViTMSNModel": ("ViTMSNConfig", {"hidden_size": 48, "num_hidden_layers": 1}, "does not know how its code"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_models_are_refused_by_name_with_the_reason(name: str) -> None:
    config, options, reason = REFUSED[name]
    library = transformers()
    made = getattr(library, name)(getattr(library, config)(**options))
    with pytest.raises(UnsupportedModelError, match=f"{name} cannot be explained truthfully: .*{reason}"):
        ViT.from_module(made)


def test_a_processor_belongs_to_models_of_transformers() -> None:
    plain = timm.create_model("vit_tiny_patch16_224", depth=1)
    with pytest.raises(OptionError, match="A processor was given for VisionTransformer"):
        ViT.from_module(plain, processor=object())
    with pytest.raises(OptionError, match="The processor is a object; wanted an image processor"):
        ViT.from_module(model("ViT"), processor=object())


def test_layers_become_random_from_the_head_down() -> None:
    vit = ViT.from_module(model("ViT"), name="ViT")

    def explain(other: ViT) -> Any:
        return attribute("rollout", other, picture((64, 64))).values

    assert model_randomisation(vit, explain).stages == (
        "nothing", "head", "layer 2", "layer 1", "layer 0", "embedding",
    )  # fmt: skip


def test_what_belongs_to_timms_code_alone_is_refused_by_name() -> None:
    vit = ViT.from_module(model("ViT"), name="mine")
    with pytest.raises(UnsupportedModelError, match="mine cannot be brought to another patch size: the code of trans"):
        vitviz.with_patch_size(vit, 8)
    with pytest.raises(UnsupportedModelError, match="The table of positions of mine cannot be cut off"):
        truncated(vit, (96, 96))
