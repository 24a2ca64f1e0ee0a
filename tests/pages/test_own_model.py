"""Readers' own models: from the server's folder and by upload, recognised, loaded, named in the link, and refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

import vitviz
from tests.hugging_face import model
from tests.pages.dashboard import Dashboard
from vitviz.models import timm_door
from vitviz.models.model_folder import VARIABLE
from vitviz.ui.choices import CHOICES
from vitviz.ui.kept import own_models

SMALL = {"model": "file:best.safetensors", "size": "32"}


def state(seed: int = 0, **options: Any) -> dict[str, torch.Tensor]:
    return {
        name: value.clone()
        for name, value in timm_door.build("test_vit", classes=3, seed=seed, options=options).state_dict().items()
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with checkpoints before and after, averaged beside raw, not square, and one of transformers."""
    root = tmp_path_factory.mktemp("own") / "models"
    (root / "runs").mkdir(parents=True)
    save_file(state(), root / "best.safetensors")
    after = state()
    after["blocks.2.attn.qkv.weight"] = -3 * after["blocks.2.attn.qkv.weight"]
    save_file(after, root / "runs/after=1.safetensors")
    both = {"state_dict": state(), "state_dict_ema": state(1), "arch": "test_vit"}
    torch.save(both, root / "runs/last.pth.tar")
    save_file(state(img_size=(32, 64)), root / "wide.safetensors")
    save_file(state(in_chans=4), root / "four.safetensors")
    (root / "names.csv").write_text("index,name\n0,cat\n1,dog\n2,_bee_\n", encoding="utf-16")
    (root / "runs/three.txt").write_text("ant\nbat\ncow\n", encoding="utf-8")
    (root.parent / "secret.pth").write_bytes(b"secret")
    odd = {
        "blocks.0.norm1.weight": torch.zeros(()),
        "blocks.0.attn.qkv.weight": torch.zeros(2),
        "pos_embed": torch.zeros(1),
    }
    save_file(odd, root / "odd.safetensors")
    (root / "broken.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    model("ViT, not square").save_pretrained(root / "tall")
    return root


@pytest.fixture
def folder(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(models))
    monkeypatch.chdir(models)
    own_models.names_in_folder.clear()
    return models


def words(app: Dashboard) -> str:
    shown = [*app.app.caption, *app.app.sidebar.markdown, *app.app.sidebar.caption]
    return re.sub(r"\\(.)", r"\1", "\n".join(each.value for each in shown))


def values(app: Dashboard) -> Any:
    """Run the page's Python where the files lie, and return its numbers."""
    names: dict[str, Any] = {}
    exec(app.app.code[0].value, names)
    return np.asarray(names["values"])


def field(app: Dashboard, kind: str, label: str) -> Any:
    return next(each for each in app.app.sidebar.get(kind) if each.label.startswith(label))


def test_a_file_of_the_folder_is_recognised_opened_and_told(dashboard: Any, folder: Path) -> None:
    app = dashboard("attention", **SMALL).sound()
    assert app.link["own_architecture"] == "test_vit"
    assert "best.safetensors (test_vit) · 2 × 2 patches" in words(app)
    assert (
        "About this model: assumed: pictures are prepared as is usual for test_vit (mean 0.5, 0.5, 0.5; "
        "deviation 0.5, 0.5, 0.5; crop 0.95; interpolation bicubic); assumed: 2 attention heads, as is usual for "
        "it; assumed: its answer is read from the class token, not from the mean of the patches; its "
        "positions, of 10 × 10 patches, are interpolated to 2 × 2."
    ) in words(app)
    assert "best.safetensors. Recognised: timm." in words(app)
    assert app.manifest["model"]["weights"].startswith("best.safetensors, SHA-256 ")
    assert str(folder) not in str(app.manifest) + words(app)
    np.testing.assert_allclose(values(app), app.export.arrays()["map"], atol=1e-6)
    offered = app.app.selectbox(key="choice_model").options
    assert [name for name in offered if "📁" in name][:2] == ["📁 best.safetensors", "📁 broken.safetensors"]

    field(app, "selectbox", "Attention heads").set_value(4)
    field(app, "selectbox", "Its answer is read from").set_value("avg")
    field(app, "selectbox", "Class names").set_value("file:names.csv")
    field(app, "text_input", "Mean").set_value("0.2")
    field(app, "number_input", "Crop").set_value(1.0)
    field(app, "selectbox", "Precision").set_value("bfloat16")
    field(app, "selectbox", "Answers").set_value("several")
    field(app, "button", "Open with these settings").click().run()
    app.sound()
    told = {name: text for name, text in app.link.items() if name.startswith("own_")}
    assert (app.link["precision"], app.link["answers"]) == ("bfloat16", "several")
    assert "Several classes may be right at once" in words(app)
    assert "MB kept · bfloat16" in words(app)
    vit, trace = app.exports[-1][0].vit, app.exports[-1][0].trace
    assert vit.dtype == torch.bfloat16
    np.testing.assert_allclose([share for _, share in trace.top(3)], sorted(trace.logits.sigmoid(), reverse=True))
    assert told == {
        "own_architecture": "test_vit", "own_heads": "4", "own_names": "file:names.csv", "own_mean": "0.2,0.2,0.2",
        "own_crop": "1.0", "own_pooling": "avg",
    }  # fmt: skip
    assert "4 attention heads as given; answer read from the mean of the patches as given" in words(app)
    assert (
        "assumed: pictures are prepared as is usual for test_vit (deviation 0.5, 0.5, 0.5; interpolation bicubic)"
        in words(app)
    )
    assert {name["name"] for name in app.manifest["answers"]} == {"cat", "dog", "_bee_"}
    code = app.app.code[0].value
    assert "heads=4, pooling='avg', precision='bfloat16'" in code
    assert "multi_label=True, class_names='names.csv').with_preprocessing(mean=(0.2, 0.2, 0.2), crop=1.0)" in code
    np.testing.assert_allclose(values(app), app.export.arrays()["map"], atol=1e-6)
    again = dashboard("attention", **app.link).sound()
    np.testing.assert_array_equal(again.export.arrays()["map"], app.export.arrays()["map"])

    field(app, "text_input", "Mean").set_value("red")
    field(app, "button", "Open with these settings").click().run()
    app.told("wanted a number from -10 to 10")
    app.app.selectbox(key="choice_model").set_value("default").run()
    app.told("no layer 5: this model has layers 0 to 1")
    assert not [name for name in app.link if name.startswith("own_")]


def test_what_cannot_be_opened_is_told_and_the_last_good_model_stays(dashboard: Any, folder: Path) -> None:
    (folder / "out.pth").symlink_to(folder.parent / "secret.pth")
    app = dashboard("start", **SMALL).sound()
    for name, message in {
        "../secret.pth": r"'\.\./secret\.pth' is no path below the folder",
        "/etc/passwd": "'/etc/passwd' is no path below the folder",
        "out.pth": "'out.pth' leads out of the folder",
        "gone.pth": "There is no 'gone.pth' in the folder",
        "broken.safetensors": "broken.safetensors",
        "odd.safetensors": "odd.safetensors",
        "four.safetensors": r"four.safetensors \(test_vit\) cannot look at photos here: its input has 4 channels",
        "wide.safetensors": "positions of 8 patches.*Trained for height × width",
    }.items():
        app.app.query_params["model"] = f"file:{name}"
        app.run().told(message)
        assert app.link["model"] == SMALL["model"]
        assert str(folder) not in app.warnings
    field(app, "text_input", "Trained for").set_value("32x64")
    field(app, "text_input", "Input").set_value("32x64")
    field(app, "button", "Open with these settings").click().run()
    assert app.sound().link["model"] == "file:wide.safetensors"
    assert "2 × 4 patches" in words(app)


def test_names_of_the_hub_have_a_place_in_the_link() -> None:
    assert CHOICES["model"].read("hf:google/vit-base-patch16-224") == "hf:google/vit-base-patch16-224"
    with pytest.raises(vitviz.VitvizError, match="letters, digits"):
        CHOICES["model"].read("file:a\n.pth")


def test_no_folder_no_file(dashboard: Any, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    app = dashboard("start", model=f"file:{models}/best.safetensors").told("this server shows none")
    assert app.link["model"] == "default"


def test_averaged_and_raw_weights_and_a_folder_of_transformers(dashboard: Any, folder: Path) -> None:
    app = dashboard("start", model="file:runs/last.pth.tar", size="32").sound()
    assert "running average of the weights" in words(app)
    averaged = app.export.arrays()["maps"]
    field(app, "selectbox", "Which weights").set_value("raw")
    field(app, "button", "Open with these settings").click().run()
    assert "raw weights" in words(app.sound())
    assert not np.allclose(averaged, app.export.arrays()["maps"])
    app = dashboard("rollout", model="file:tall").sound()
    assert "tall (ViTForImageClassification) · 3 × 5 patches" in words(app)
    assert "no processor was given" in words(app)
    assert "vitviz.load_vit('hf:tall')" in app.app.code[0].value
    np.testing.assert_allclose(values(app), app.export.arrays()["map"], atol=1e-6)


def test_an_upload_is_one_readers_and_no_link_carries_it(dashboard: Any, folder: Path) -> None:
    app = dashboard("start").sound()
    app.app.sidebar.toggle(key="own_model_open").set_value(True).run()
    app.app.file_uploader(key="upload_weights_0").set_value(("bad.safetensors", b"PK\x03\x04" + b"\0" * 99, "")).run()
    app.told("bad.safetensors is no complete safetensors file")
    assert app.link["model"] == "tiny:class"
    app.app.file_uploader(key="upload_weights_1").set_value(("mine.safetensors", save(state()), "")).run()
    app.sound()
    assert app.link["model"] == "upload:mine.safetensors"
    assert "mine.safetensors (test_vit)" in words(app)
    assert "What you uploaded for the model (mine.safetensors)" in words(app)
    assert "weights='mine.safetensors'" in app.app.code[0].value

    other = dashboard("start", **app.link).told(
        "somebody's own model, mine.safetensors, and a link does not carry an upload"
    )
    assert other.link["model"] == "default"
    own_models._uploads.clear()
    app.run().sound()  # and the first reader has it still


def test_before_and_after(dashboard: Any, folder: Path) -> None:
    app = dashboard(
        "compare", **SMALL, own_heads=4, against="model", other_model="file:runs/after=1.safetensors"
    ).sound()
    told = app.manifest["settings"]
    assert told["first"]["model"] == "best.safetensors (test_vit)"
    assert told["second"]["model"] == "runs/after=1.safetensors (test_vit)"
    assert app.app.code[0].value.count("heads=4, image_size=(32, 32)") + app.app.code[0].value.count("heads=4") >= 2
    np.testing.assert_allclose(values(app), app.export.arrays()["map"], atol=1e-5)
    assert "Heads whose attention changed most:** L" in "\n".join(each.value for each in app.app.markdown)

    app.app.segmented_control(key="choice_other_options").set_value("own").run()
    app.sound()
    assert {"other_heads": "4", "other_size": "32", "other_architecture": "test_vit"}.items() <= app.link.items()
    main = [part for kind in ("selectbox", "text_input", "number_input") for part in app.app.main.get(kind)]
    for label, value in {
        "Attention heads": 2, "Mean": "0.1", "Crop": 0.9, "Precision": "bfloat16", "Answers": "several",
        "Class names": "file:runs/three.txt",
    }.items():  # fmt: skip
        next(part for part in main if part.label.startswith(label)).set_value(value)
    next(part for part in app.app.main.get("button") if part.label.startswith("Open with")).click().run()
    app.sound()
    code = app.app.code[0].value
    assert "heads=2, " in code
    assert "precision='bfloat16', multi_label=True, class_names='runs/three.txt'" in code
    assert "there = other.preprocess(picture)" in code
    assert "B sees the photo as its own options cut it" in words(app)
    np.testing.assert_allclose(values(app), app.export.arrays()["map"], atol=1e-5)
    again = dashboard("compare", **app.link).sound()
    np.testing.assert_array_equal(again.export.arrays()["map"], app.export.arrays()["map"])


def test_uploads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(state())
    monkeypatch.setattr(own_models, "MOST_BYTES", 3 * len(data) // 2)
    held = own_models.uploaded("a.safetensors", data)
    with pytest.raises(vitviz.VitvizError, match="uploads of all readers take"):
        own_models.uploaded("b.safetensors", data)
    assert held.digest
    del held
    own_models.uploaded("b.safetensors", data)
