"""Writing the trained classifier: one half-precision safetensors file, one list of classes."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from vitviz.files import write_text, writing
from vitviz.models.training.tiny_imagenet import Classes


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature T that minimises the cross-entropy of ``softmax(logits / T)``.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2. A golden-section search on log T over
    [0.1, 10]: the cross-entropy is convex in 1/T. ``logits`` (image, class), ``labels`` (image,).
    """
    golden = (5**0.5 - 1) / 2
    low, high = -2.302585, 2.302585

    def loss(log_temperature: float) -> float:
        scaled = logits.double() / torch.tensor(log_temperature, dtype=torch.float64).exp()
        return float(F.cross_entropy(scaled, labels))

    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(torch.tensor((low + high) / 2).exp())


def fold_temperature(state: dict[str, Tensor], temperature: float, *, classifier: str = "head") -> dict[str, Tensor]:
    """Return the weights with the layer ``classifier`` divided by ``temperature``: the order of answers stays."""
    scaled = {name: state[name] / temperature for name in (f"{classifier}.weight", f"{classifier}.bias")}
    return {**state, **scaled}


def save_half(state: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write the weights in half precision, atomically."""
    half = {name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in state.items()}
    with writing(path) as beside:
        save_file(half, beside, metadata={"format": "pt", **metadata})


def save_classes(classes: Classes, path: Path) -> None:
    """Write one line a class in index order: wnid, tab, readable name."""
    lines = [f"{wnid}\t{name}\n" for wnid, name in zip(classes.wnids, classes.names, strict=True)]
    write_text(path, "".join(lines))
