"""Weights files of all kinds: read without running anything, or refused with the reason."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vitviz.errors import CheckpointError, WeightsUnavailableError
from vitviz.models.checkpoints import classes_in, difference, read_checkpoint, sha256_of

STATE = {"blocks.0.weight": torch.arange(6.0).reshape(2, 3), "head.weight": torch.ones(5, 3)}


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"open({str(self.victim)!r}, 'w').write('pwned')",)


def assert_is_state(found: dict[str, Tensor]) -> None:
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "a.safetensors")
    assert_is_state(read_checkpoint(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "module", "model_state_dict"])
@pytest.mark.parametrize("old", [False, True])
def test_a_torch_file_is_read_also_inside_a_training_record(tmp_path: Path, wrapper: str | None, old: bool) -> None:
    record = STATE if wrapper is None else {wrapper: STATE, "epoch": 3, "loss": 0.5}
    torch.save(record, tmp_path / "a.pth", _use_new_zipfile_serialization=not old)
    assert_is_state(read_checkpoint(tmp_path / "a.pth"))


def test_real_safetensors_that_begin_like_a_pickle_are_read(tmp_path: Path) -> None:
    """The first byte is the length of the header modulo 256; a pickle's first byte is 128."""
    path = tmp_path / "a.safetensors"
    for length in range(1, 400):
        save_file({"n" * length: torch.ones(2)}, path)
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[:1] == b"\x80"
    assert list(read_checkpoint(path)) == ["n" * length]


@pytest.mark.parametrize("old", [False, True])
def test_a_pickle_renamed_to_safetensors_is_refused(tmp_path: Path, old: bool) -> None:
    torch.save(STATE, tmp_path / "a.safetensors", _use_new_zipfile_serialization=not old)
    with pytest.raises(CheckpointError, match="a.safetensors is called safetensors but is a pickle"):
        read_checkpoint(tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", ["a.pth", "a.bin", "a.safetensors"])
@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_malicious_pickle_is_not_run(tmp_path: Path, name: str, kind: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / name
    if kind == "torch":
        torch.save({"head.weight": Trap(victim)}, path)
    else:
        path.write_bytes(pickle.dumps({"head.weight": Trap(victim)}, protocol=2))
    with pytest.raises(CheckpointError, match=f"{name} is .*a pickle"):
        read_checkpoint(path)
    assert not victim.exists()


def test_a_whole_pickled_model_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match="model.pth is a pickle that would run code"):
        read_checkpoint(tmp_path / "model.pth")


@pytest.mark.parametrize("keep", [4, 8, 40, 100])
def test_truncated_safetensors_are_refused(tmp_path: Path, keep: int) -> None:
    save_file(STATE, tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="a.safetensors is not a complete safetensors file"):
        read_checkpoint(tmp_path / "a.safetensors")


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut off", b"\x00\x01\x02", b"\xff" * 99])
def test_what_is_no_torch_file_is_refused_without_advice_to_trust_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match="a.pth is damaged or no weights file") as caught:
        read_checkpoint(tmp_path / "a.pth")
    assert "weights_only" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_truncated_torch_file_is_refused(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "a.pth")
    (tmp_path / "a.pth").write_bytes((tmp_path / "a.pth").read_bytes()[:-200])
    with pytest.raises(CheckpointError, match="a.pth is damaged"):
        read_checkpoint(tmp_path / "a.pth")


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="a.pth holds no tensors"):
        read_checkpoint(tmp_path / "a.pth")
    torch.save([torch.ones(2)], tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="a.pth holds a list; wanted a state dict"):
        read_checkpoint(tmp_path / "a.pth")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match="no weights file at .*nowhere.safetensors"):
        read_checkpoint(tmp_path / "nowhere.safetensors")
    with pytest.raises(CheckpointError, match="is a folder without weights"):
        read_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(CheckpointError, match="is a folder; wanted one file. It holds model.safetensors"):
        read_checkpoint(tmp_path)
    with pytest.raises(WeightsUnavailableError, match="cannot be opened"):
        read_checkpoint(tmp_path / ("a" * 300))


def test_the_classifier_tells_the_number_of_classes() -> None:
    assert classes_in(STATE) == 5
    assert classes_in({"head.fc.weight": torch.ones(9, 2)}) == 9
    assert classes_in({"blocks.0.norm1.weight": torch.ones(2)}) == 0  # timm's names, no classifier
    assert classes_in({"layer1.0.conv1.weight": torch.ones(2)}) == 0
    assert classes_in({"stages.0.blocks.0.gamma": torch.ones(2)}) == 0
    assert classes_in({"visual.proj": torch.ones(2)}) is None  # another library's names


def test_a_difference_is_told_in_words() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
    state = {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(7), "extra": torch.ones(1)}
    assert difference("mine", state, module) == (
        "The checkpoint does not fit mine: 2 missing: 1.bias, 1.weight; 1 not known to the model: extra; "
        "1 of another shape: 0.bias (7,) instead of (3,)."
    )
    many = {f"key{number}": torch.ones(1) for number in range(9)}
    assert "9 not known to the model: key0, key1, key2, key3 …" in difference("mine", many, module)
    assert "could not be converted" in difference("mine", module.state_dict(), module)


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
