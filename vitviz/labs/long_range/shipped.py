"""The trained long-range networks that come with vitviz: three networks, trained from several seeds, for each task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from vitviz.assets import LABS
from vitviz.errors import CheckpointError, OptionError
from vitviz.images import to_rgb
from vitviz.labs.long_range import networks, tasks
from vitviz.labs.long_range.contents import IMAGE_SIZE
from vitviz.labs.long_range.networks import Answerer, AttentionNetwork
from vitviz.models import checkpoints
from vitviz.models.shipped import checked
from vitviz.models.vit import ViT
from vitviz.record import Record


@dataclass(frozen=True)
class WeightsFile(Record):
    """Half-precision weights of all networks of a task, keys "network.seed.weight"."""

    file: str
    """In assets/labs."""
    sha256: str
    """What the file must hash to."""


FILES: dict[str, WeightsFile] = {
    "counting": WeightsFile(
        "long_range_counting.safetensors", "2c730a895c1d1d2fad3b94e379f3ec72acf99762c20f64a0d3d5d8f36f8bd065"
    ),
    "occluder": WeightsFile(
        "long_range_occluder.safetensors", "710d9e0373f99ce5e957dc4abd0608af0b68235cb19e74dae361b1bb4d22f003"
    ),
}
"""By task."""


def load(task: str, network: str, *, seed: int = 0, folder: Path = LABS) -> Answerer:
    """Return a trained network in eval mode, after checking its weights file against its SHA-256.

    Raises OptionError for an unknown task, network or seed, WeightsUnavailableError if the file is missing,
    CheckpointError if it is not the one that was shipped.
    """
    answers = tasks.find(task).answers
    built = networks.build(network, answers=answers)
    shipped = FILES[task]
    state = checkpoints.read_checkpoint(checked(folder / shipped.file, shipped.sha256))
    return restore(built, state, network, seed)


def restore(built: Answerer, state: dict[str, Tensor], network: str, seed: int) -> Answerer:
    """Load one network's weights out of a file of many; raises OptionError for a seed that it does not hold."""
    prefix = f"{network}.{seed}."
    own = {
        name.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for name, value in state.items()
        if name.startswith(prefix)
    }
    if not own:
        held = sorted({int(name.split(".")[1]) for name in state if name.startswith(f"{network}.")})
        raise OptionError(f"There is no {network} of seed {seed}; wanted one of {held}.")
    try:
        built.load_state_dict(own)
    except RuntimeError as error:
        raise CheckpointError(
            "The weights of {network}, seed {seed}, do not fit the network ({error}). Train it again.",
            network=network,
            seed=seed,
            error=error,
        ) from error
    return built.eval().requires_grad_(False)


def as_vit(network: Answerer, task: str, *, name: str = "long-range ViT") -> ViT:
    """Return the Vision Transformer of a trained network as a ViT, for traces of pictures of its own size.

    Raises OptionError for a network that is no Vision Transformer.
    """
    if not isinstance(network, AttentionNetwork):
        raise OptionError(f"{type(network).__name__} has no attention; load the network 'vit'.")
    names = [f"{count} objects" for count in range(4)] if task == "counting" else ["differ", "match"]
    return ViT.from_module(network.vit, name=name, transform=_transform, class_names=names, image_size=IMAGE_SIZE)


def _transform(image: Image.Image) -> Tensor:
    """From a picture to the network's input; a picture of another size is refused by ViT.preprocess."""
    rgb = to_rgb(image)
    pixels = torch.frombuffer(bytearray(rgb.tobytes()), dtype=torch.uint8)
    shaped = pixels.view(rgb.height, rgb.width, 3).permute(2, 0, 1).float() / 255
    return (shaped - networks.MEAN) / networks.STANDARD_DEVIATION
