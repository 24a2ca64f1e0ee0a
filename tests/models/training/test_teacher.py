"""A teacher's answers are computed once: a part that is there already is read, not asked for again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vitviz.models.training import teacher
from vitviz.models.training.tiny_imagenet import LabelledImages


def test_a_cut_run_goes_on_with_the_missing_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "PART", 4)
    images = LabelledImages(np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1), np.zeros(10, dtype=np.int64))
    asked: list[int] = []

    def predict(part: LabelledImages) -> Tensor:
        asked.append(len(part))
        return torch.from_numpy(part.pixels.reshape(-1, 1).astype(np.float32)) / 4

    first = teacher.teacher_logits(predict, images, tmp_path, name="vit")
    assert asked == [4, 4, 2]
    assert torch.equal(first[:, 0], torch.arange(10) / 4)
    (tmp_path / "vit-001.safetensors").unlink()
    again = teacher.teacher_logits(predict, images, tmp_path, name="vit")
    assert asked == [4, 4, 2, 4]
    assert torch.equal(again, first)
