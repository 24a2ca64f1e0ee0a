"""Folders of transformers: what is loaded, how pictures come in, what is refused; and the same weights in timm."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import vitviz
from tests.hugging_face import model, picture
from vitviz.cli import main
from vitviz.errors import CheckpointError, OptionError, UnsupportedModelError, VitvizError, WeightsUnavailableError
from vitviz.models.hugging_face.library import quiet, transformers
from vitviz.models.hugging_face.loading import check_no_folder
from vitviz.models.timm_door import timm
from vitviz.models.vit import ViT
from vitviz.ui.kept.cache import load_model

SQUARE = {"height": 64, "width": 64}
CROP = {"size": {"shortest_edge": 72}, "crop_size": SQUARE, "do_center_crop": True}
PROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "whole picture": ("ViTImageProcessor", {"size": SQUARE}),
    "cut": ("CLIPImageProcessor", CROP),
    "bicubic, ImageNet's colours": ("BitImageProcessor", CROP | {"image_mean": [0.485, 0.456, 0.406]}),
    "SigLIP's": ("SiglipImageProcessor", {"size": SQUARE}),
    "DINOv3's order": ("DINOv3ViTImageProcessor", {"size": SQUARE}),
    "no normalisation": ("ViTImageProcessor", {"size": SQUARE, "do_normalize": False}),
}


@pytest.fixture
def photo() -> Image.Image:
    drawn = np.random.default_rng(0).integers(0, 255, (9, 13, 3), dtype=np.uint8)
    return Image.fromarray(drawn).resize((133, 90), Image.Resampling.BICUBIC)


def saved(folder: Path, name: str = "ViT", **config: Any) -> Path:
    made = model(name)
    for key, value in config.items():
        setattr(made.config, key, value)
    with quiet():
        made.save_pretrained(folder)
    return folder


def processor(kind: str, **options: Any) -> Any:
    name, given = PROCESSORS[kind]
    return getattr(transformers(), name)(**{**given, **options})


@pytest.mark.parametrize("kind", PROCESSORS)
def test_a_picture_is_prepared_by_the_processor_itself(kind: str, tmp_path: Path, photo: Image.Image) -> None:
    saved(tmp_path)
    own = processor(kind)
    own.save_pretrained(tmp_path)
    vit = vitviz.load_vit(f"hf:{tmp_path}")
    values = own(images=photo, return_tensors="pt")["pixel_values"][0]
    assert torch.equal(vit.preprocess(photo), values)
    assert vit.notes == ()
    shown = torch.from_numpy(vit.picture(values)).permute(2, 0, 1) / 255
    mean, std = (torch.tensor(part)[:, None, None] for part in (vit.mean, vit.std))
    assert float((shown - (values * std + mean).clamp(0, 1)).abs().max()) < 0.01
    assert vit.frame(photo).shape == (192, 192, 3)
    small = torch.nn.functional.interpolate(
        torch.from_numpy(vit.frame(photo)).permute(2, 0, 1)[None].float(), size=(64, 64), mode="area"
    )
    assert float((small[0] / 255 - shown).abs().mean()) < 0.05  # the same crop, larger
    wide = vitviz.load_vit(f"hf:{tmp_path}", image_size=(48, 96))
    assert wide.preprocess(photo).shape == (3, 48, 96)


def test_the_processors_size_is_the_models_as_its_users_have_it(photo: Image.Image) -> None:
    vit = ViT.from_module(model("DINOv2"), processor=processor("cut", crop_size={"height": 96, "width": 96}))
    assert vit.image_size == (96, 96)
    assert vit.grid.patches == 36
    assert any("interpolated to 96 × 96" in note for note in vit.notes)


def test_a_processor_that_cannot_be_reproduced_is_told(photo: Image.Image) -> None:
    free = processor("cut", do_center_crop=False)
    vit = ViT.from_module(model("ViT"), processor=free)
    assert any("keeps the shape of a picture" in note for note in vit.notes)
    assert vit.preprocess(photo).shape == (3, 64, 64)

    class Inverting:
        image_mean, image_std, do_resize, do_normalize, do_rescale = 0.5, 0.5, True, True, True
        size, rescale_factor = SQUARE, 1 / 255

        def __call__(self, images: Image.Image, return_tensors: str) -> dict[str, Tensor]:
            values: Tensor = 1 - processor("whole picture")(images=images, return_tensors="pt")["pixel_values"]
            return {"pixel_values": values}

    vit = ViT.from_module(model("ViT"), processor=Inverting())
    assert any("changes colours by more than a mean" in note for note in vit.notes)


def test_without_a_processor_what_is_assumed_is_told(tmp_path: Path, photo: Image.Image) -> None:
    vit = vitviz.load_vit(f"hf:{saved(tmp_path, 'CLIP')}")
    assert any("no processor was given: pictures are resized to 64 × 64" in note for note in vit.notes)
    assert vit.preprocess(photo).shape == (3, 64, 64)
    assert vit.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073))


def test_names_come_from_the_folder_and_random_weights_have_none(tmp_path: Path) -> None:
    saved(tmp_path, id2label={index: f"bird {index}" for index in range(7)})
    vit = vitviz.load_vit(f"hf:{tmp_path}")
    assert vit.class_names[6] == "bird 6"
    assert "model.safetensors, SHA-256 " in vit.weights
    one, same, other = (vitviz.load_vit(f"hf:{tmp_path}", weights="random", seed=seed) for seed in (1, 1, 2))
    assert one.class_names[6] == "class 6"
    firsts = [next(each.module.parameters()) for each in (one, same, other)]
    assert torch.equal(firsts[0], firsts[1])
    assert not torch.equal(firsts[0], firsts[2])
    assert one.weights == "random, seed 1"


def test_a_pooler_that_the_folder_lacks_is_not_made_up(tmp_path: Path) -> None:
    vit = vitviz.load_vit(f"hf:{saved(tmp_path, 'ViT, no pooler')}")
    assert "without a pooler" in vit.weights
    assert any("it has no pooler" in note for note in vit.notes)
    wanted = model("ViT, no pooler")(picture((64, 64))[None]).last_hidden_state[0, 0]
    torch.testing.assert_close(vitviz.trace(vit, picture((64, 64))).embedding, wanted.detach(), rtol=1e-5, atol=1e-5)


def _pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _without_head(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    save_file({key: value for key, value in state.items() if "classifier" not in key}, folder / "model.safetensors")


def _config(folder: Path, **changes: Any) -> None:
    held = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(held))


FAULTS: dict[str, tuple[Any, type[VitvizError], str]] = {
    "pickle": (_pickled, CheckpointError, r"in pytorch_model\.bin, a pickle, which can run code"),
    "head missing": (_without_head, CheckpointError, "lack 2 tensors of a ViTForImageClassification, which would be"),
    "cut off": (lambda folder: (folder / "model.safetensors").write_bytes(b"\1"), CheckpointError, "cannot be loaded"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), WeightsUnavailableError, "no model.safe"),
    "no config": (lambda folder: (folder / "config.json").unlink(), CheckpointError, r"holds no config\.json"),
    "damaged config": (lambda folder: (folder / "config.json").write_text("{"), CheckpointError, "is damaged"),
    "other shapes": (lambda folder: _config(folder, hidden_size=64), CheckpointError, "cannot be loaded"),
    "own code": (
        lambda folder: _config(folder, model_type="mine", auto_map={"AutoModel": "mine.Model"}),
        UnsupportedModelError, "needs code that lies beside its weights",
    ),
    "own class": (
        lambda folder: _config(folder, architectures=["MyModel"]), UnsupportedModelError, "such code is never run",
    ),
    "text": (
        lambda folder: _config(folder, model_type="bert", architectures=["BertModel"]),
        UnsupportedModelError, "a BertModel, cannot be explained truthfully",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_that_cannot_be_used_is_refused_with_the_reason(fault: str, tmp_path: Path) -> None:
    damage, kind, said = FAULTS[fault]
    damage(saved(tmp_path))
    with pytest.raises(kind, match=said):
        vitviz.load_vit(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("hf:/nowhere/at/all", WeightsUnavailableError, "There is no folder '/nowhere/at/all'"),
        ("hf:", WeightsUnavailableError, "There is no folder ''"),
        ("hf:somebody/something", WeightsUnavailableError, "the cache holds no model of that name, and the hub does"),
    ],
)
def test_names_of_nothing(name: str, kind: type[VitvizError], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(kind, match=said):
        vitviz.load_vit(name)


@pytest.mark.parametrize("name", ["hf:.", "hf:/etc", "hf:../mine", "hf:mine", "hf:a/b/c", "hf:~/mine", "hf:"])
def test_readers_of_the_dashboard_name_no_folder_of_the_server(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match="names a folder; here models of Hugging Face are taken by their name"):
        load_model(name, "pretrained", None)
    check_no_folder("hf:google/vit-base-patch16-224")
    check_no_folder("timm:vit_tiny_patch16_224")


def test_options_of_timms_files_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(OptionError, match="has weights beside its configuration; got weights='other.safetensors'"):
        vitviz.load_vit(f"hf:{tmp_path}", weights="other.safetensors")
    for option in ({"trained_size": 224}, {"heads": 3}, {"head_activation": "relu"}):
        with pytest.raises(OptionError, match=f"{next(iter(option))}=.* belongs to a local file of weights"):
            vitviz.load_vit(f"hf:{tmp_path}", **option)


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)


@pytest.mark.usefixtures("missing")
def test_without_the_extra_its_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(VitvizError, match=r'pip install "vitviz\[hf\]"'):
        vitviz.load_vit(f"hf:{tmp_path}")
    assert vitviz.load_vit("timm:vit_tiny_patch16_224", weights="random", image_size=32).layers == 12


def test_the_command_line_takes_such_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = saved(tmp_path / "mine", id2label={index: f"bird {index}" for index in range(7)})
    out = tmp_path / "map.json"
    assert main(["explain", "example:cat", "--model", f"hf:{folder}", "--method", "rollout", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "bird " in told
    assert "no processor was given" in told
    assert json.loads(out.read_text())


def _of_timm(made: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a model of transformers under timm's names."""
    state: dict[str, Tensor] = {}
    held = made.state_dict()
    names = {
        "layernorm_before": "norm1", "layernorm_after": "norm2", "layer_norm1": "norm1", "layer_norm2": "norm2",
        "o_proj": "attn.proj", "out_proj": "attn.proj", "layer_scale1": "ls1", "layer_scale2": "ls2",
        "norm1": "norm1", "norm2": "norm2", "fc1": "mlp.fc1", "fc2": "mlp.fc2",
    }  # fmt: skip
    outside = {
        "cls_token": "cls_token", "class_embedding": "cls_token", "distillation_token": "dist_token",
        "patch_embeddings.projection.weight": "patch_embed.proj.weight", "pre_layrnorm.weight": "norm_pre.weight",
        "patch_embeddings.projection.bias": "patch_embed.proj.bias", "pre_layrnorm.bias": "norm_pre.bias",
        "patch_embedding.weight": "patch_embed.proj.weight", "patch_embedding.bias": "patch_embed.proj.bias",
        "position_embeddings": "pos_embed", "position_embedding.weight": "pos_embed",
        "layernorm.weight": "norm.weight", "layernorm.bias": "norm.bias", "post_layernorm.weight": "norm.weight",
        "post_layernorm.bias": "norm.bias", "cls_classifier.weight": "head.weight", "cls_classifier.bias": "head.bias",
        "distillation_classifier.weight": "head_dist.weight", "distillation_classifier.bias": "head_dist.bias",
        "classifier.weight": "head.weight", "classifier.bias": "head.bias",
    }  # fmt: skip
    for key, value in held.items():
        parts = key.split(".")
        where = next((index for index, part in enumerate(parts) if part.isdigit()), None)
        if where is None:
            target = next((new for old, new in outside.items() if key == old or key.endswith(f".{old}")), None)
            if target is not None:
                shaped = value.reshape(1, 1, -1) if target == "cls_token" else value
                state[target] = shaped[None] if target == "pos_embed" and shaped.ndim == 2 else shaped
        elif parts[-2] in names:
            suffix = "gamma" if parts[-1] == "lambda1" else parts[-1]
            state[f"blocks.{parts[where]}.{names[parts[-2]]}.{suffix}"] = value
    prefix = {key.rsplit(".", 2)[0] for key in held if key.endswith("q_proj.weight")}
    for layer, place in enumerate(sorted(prefix)):
        for kind in ("weight", "bias"):
            rows = [held[f"{place}.{part}_proj.{kind}"] for part in "qkv"]
            state[f"blocks.{layer}.attn.qkv.{kind}"] = torch.cat(rows)
    return state


NARROW = {"img_size": 64, "patch_size": 16, "embed_dim": 32, "depth": 3, "num_heads": 4, "mlp_ratio": 1.5}
TWINS: dict[str, tuple[str, dict[str, Any]]] = {
    "ViT": ("vit_tiny_patch16_224", {"num_classes": 7}),
    "DeiT, distilled": ("deit_tiny_distilled_patch16_224", {"num_classes": 7}),
    "DINOv2": ("vit_small_patch14_dinov2", {"num_classes": 0, "mlp_ratio": 4.0}),
    "CLIP": ("vit_base_patch32_clip_quickgelu_224", {"num_classes": 0}),
    "SigLIP": (
        "vit_base_patch16_siglip_224",
        {"num_classes": 0, "global_pool": "avg", "fc_norm": False, "act_layer": "gelu_tanh"},
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_the_same_weights_through_timm_give_the_same_maps(name: str) -> None:
    made = model(name)
    architecture, options = TWINS[name]
    eps = float(made.config.layer_norm_eps)
    given = {**NARROW, **options, "norm_layer": partial(nn.LayerNorm, eps=eps)}
    twin = timm.create_model(architecture, **given).eval()
    unfit = twin.load_state_dict(_of_timm(made), strict=False)
    unread = "norm." if name == "CLIP" else "fc_norm."
    assert [key for key in unfit.missing_keys if not key.startswith(unread)] == []
    pixels = picture((64, 64))
    own, other = (vitviz.trace(ViT.from_module(each, image_size=64), pixels) for each in (made, twin))
    assert own.grid == other.grid
    for layer in range(3):
        torch.testing.assert_close(own.attention(layer), other.attention(layer), rtol=0, atol=2e-6)
    if name in ("ViT", "DeiT, distilled"):
        assert own.logits is not None
        torch.testing.assert_close(own.logits, other.logits, rtol=1e-5, atol=1e-5)
