"""What a file is, without a model: the pure functions of the table of recognisers, names, heads, architectures."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from vitviz.errors import CheckpointError, OptionError
from vitviz.models import timm_door
from vitviz.models.checkpoints import adapters, recognise
from vitviz.models.checkpoints.timm_names import unchunked
from vitviz.models.loading import load_vit
from vitviz.models.names_file import read_names
from vitviz.models.vit import ViT
from vitviz.trace import trace


def state(**options: int) -> dict[str, Tensor]:
    return dict(timm_door.build("test_vit", seed=5, **options).state_dict())  # type: ignore[arg-type]


def test_chunks_are_counted_through_or_anew() -> None:
    one, two = torch.ones(1), torch.zeros(1)
    for second in ("blocks.1.1.norm1.weight", "blocks.1.0.norm1.weight"):
        flat, steps = unchunked({"blocks.0.0.norm1.weight": one, second: two})
        assert flat == {"blocks.0.norm1.weight": one, "blocks.1.norm1.weight": two}
        assert steps == ("its 2 blocks taken out of 2 chunks",)


def test_an_adapter_is_added_with_its_strength() -> None:
    base, first, second = torch.eye(2), torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]])
    file = {"q.base_layer.weight": base, "q.lora_A.default.weight": first, "q.lora_B.default.weight": second}
    merged, steps = adapters.merged(file, {"lora_alpha": 2, "r": 1})
    assert torch.equal(merged["q.weight"], torch.tensor([[7.0, 12.0], [8.0, 17.0]]))  # 1 + 2·3·1, 0 + 2·3·2 …
    assert list(merged) == ["q.weight"]
    assert steps == ("1 low-rank adapters merged (α = 2)",)
    with pytest.raises(CheckpointError, match=r"strength lora_alpha stands in no adapter_config\.json"):
        adapters.merged(file, {})
    with pytest.raises(CheckpointError, match="adapters without their base"):
        adapters.merged({name: value for name, value in file.items() if "base" not in name}, {"lora_alpha": 2})


def test_a_file_says_what_it_is_and_which_architectures_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"state_dict": {f"module.{name}": value for name, value in state(classes=3).items()}}, path)
    recognition = recognise(path)
    assert recognition.sentence == "Recognised: timm; taken from state_dict; prefix module. removed."
    assert (recognition.classes, recognition.heads, recognition.channels) == (3, None, 3)
    assert recognition.architectures[0] == "test_vit"
    with pytest.raises(
        CheckpointError, match=r"these have its names and shapes: test_vit.*load_vit\('timm:test_vit', "
    ):
        load_vit("timm:vit_tiny_patch16_224", weights=path)


def test_names_are_the_file_s_or_numbers_unless_the_user_says_imagenet(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(state(), path)
    assert load_vit("timm:test_vit", weights=path).class_names[:2] == ("class 0", "class 1")
    assert load_vit("timm:test_vit", weights=path, class_names="imagenet").class_names[0] == "tench"
    save_file(state(classes=2), path, metadata={"id2label": json.dumps({"0": "cat", "1": "dog"})})
    assert load_vit("timm:test_vit", weights=path).class_names == ("cat", "dog")
    with pytest.raises(OptionError, match="No ImageNet has 2 classes"):
        load_vit("timm:test_vit", weights=path, class_names="imagenet")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.txt", "cat\ndog\n"),
        ("a.csv", "index,name\n1,dog\n0,cat\n"),
        ("a.csv", "class;wnid\ncat;n01\ndog;n02\n"),
        ("a.tsv", "0\tcat\n1\tdog\n"),
        ("a.json", '{"id2label": {"1": "dog", "0": "cat"}}'),
        ("a.json", '["cat", "dog"]'),
    ],
)
def test_files_of_names(tmp_path: Path, file: str, text: str, encoding: str) -> None:
    (tmp_path / file).write_bytes(text.encode(encoding))
    save_file(state(classes=2), tmp_path / "a.safetensors")
    vit = load_vit("timm:test_vit", weights=tmp_path / "a.safetensors", class_names=tmp_path / file)
    assert vit.class_names == ("cat", "dog")


def test_a_table_that_names_a_class_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0,cat\n0,dog\n")
    with pytest.raises(OptionError, match="names class 0 twice"):
        read_names(tmp_path / "a.csv")


@pytest.mark.parametrize(("heads", "said"), [(3, "heads=3 cannot be"), (0, "heads=0 cannot be")])
def test_heads_that_cannot_be_are_refused(tmp_path: Path, heads: int, said: str) -> None:
    save_file(state(), tmp_path / "a.safetensors")
    with pytest.raises(OptionError, match=said):
        load_vit("timm:test_vit", weights=tmp_path / "a.safetensors", heads=heads)
    with pytest.raises(OptionError, match="heads=4 belongs to a local file"):
        load_vit("timm:test_vit", weights="random", heads=4)


def test_a_single_logit_is_a_probability_by_sigmoid(tmp_path: Path) -> None:
    save_file(state(classes=1), tmp_path / "a.safetensors")
    found = trace(load_vit("timm:test_vit", weights=tmp_path / "a.safetensors"), torch.ones(3, 160, 160))
    assert found.logits is not None
    assert found.top() == [(0, pytest.approx(float(found.logits.sigmoid())))]


def test_a_tower_of_clip_has_an_embedding_and_no_classes() -> None:
    vit = load_vit("timm:vit_xsmall_patch16_clip_224.tinyclip_yfcc15m", weights="random")
    assert not vit.has_classifier
    found = trace(vit, torch.ones(3, 224, 224))
    assert found.embedding.shape == (512,)
    module = timm_door.build("vit_xsmall_patch16_clip_224.tinyclip_yfcc15m", seed=0)
    before = copy.deepcopy(module.state_dict())
    own = ViT.from_module(module)  # a user's: the same rule
    assert not own.has_classifier
    with torch.no_grad():
        answer = module(torch.ones(1, 3, 224, 224))[0]
    torch.testing.assert_close(trace(own, torch.ones(3, 224, 224)).embedding, answer)
    assert list(module.state_dict()) == list(before)
    assert isinstance(own.working_copy().head, torch.nn.Identity)
