"""The options that name a model, the same for every command, and the model that they name."""

from __future__ import annotations

import argparse
import re
from typing import Any, get_args

from vitviz.cli.picture_options import GRID
from vitviz.errors import OptionError
from vitviz.images import Photo
from vitviz.images.crop import TRAINED
from vitviz.models.checkpoints.classifier import HeadActivation
from vitviz.models.checkpoints.selection import WeightsKind
from vitviz.models.devices import Precision
from vitviz.models.loading import load_vit
from vitviz.models.timm_weights import Pooling
from vitviz.models.vit import ViT


def add_to(group: Any) -> None:
    """Add the options to a parser or a group of it."""
    group.add_argument(
        "--model", metavar="NAME", default="default",
        help="default, timm:NAME (see: models), or hf:NAME: a folder or name of Hugging Face",
    )  # fmt: skip
    group.add_argument(
        "--weights",
        metavar="FILE",
        default="pretrained",
        help="pretrained (default), random, or a file: safetensors, a torch file or JAX's npz",
    )
    group.add_argument("--seed", type=int, help="of random weights (default: 0)")
    group.add_argument("--image-size", metavar="HxW", type=size, help="input in pixels, such as 224 or 160x224")
    group.add_argument(
        "--trained-size", metavar="HxW", type=size,
        help="what a weights file was trained for, where the number of its positions does not tell their grid",
    )  # fmt: skip
    group.add_argument(
        "--heads", metavar="N", type=int, help="attention heads of a weights file, which tensors do not tell"
    )
    group.add_argument(
        "--weights-kind", choices=get_args(WeightsKind), default="averaged",
        help="which weights of a file that has both raw and averaged ones (default: averaged)",
    )  # fmt: skip
    group.add_argument(
        "--head-activation", choices=get_args(HeadActivation),
        help="what stands between the matrices of a file's classifier of several layers",
    )  # fmt: skip
    group.add_argument(
        "--pooling", choices=get_args(Pooling),
        help="what a weights file's classifier reads: the class token, or the mean of the patches",
    )  # fmt: skip
    group.add_argument(
        "--multi-label", action="store_true", help="classes may hold side by side, each with a probability of its own"
    )
    group.add_argument(
        "--device", metavar="NAME", help="where it computes: cpu (default), cuda, cuda:1, mps, or auto for a GPU if any"
    )
    group.add_argument(
        "--precision", choices=get_args(Precision), default="float32",
        help="of weights and passes; results are float32 (default: float32)",
    )  # fmt: skip
    group.add_argument(
        "--class-names", metavar="FILE",
        help="class names: text, CSV, TSV or JSON; or imagenet, for a file trained on it",
    )  # fmt: skip


def size(text: str) -> tuple[int, int]:
    """Return (height, width) of a text such as "224" or "160x224"."""
    match = re.fullmatch(r"(\d+)(?:[x×](\d+))?", text.strip().lower(), re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; wanted one number, or height and width such as 160x224")
    height, width = match.groups()
    return int(height), int(width or height)


def load(arguments: argparse.Namespace, photo: Photo | None = None) -> ViT:
    """Return the model that the options name, in the shape of a photo if its grid is to follow it.

    Raises OptionError for a seed of weights that are not random.
    """
    vit = load_vit(arguments.model, **options(arguments))
    if photo is None or arguments.picture_crop != GRID:
        return vit
    size = vit.fitting_size(photo)
    return vit if size == vit.image_size else load_vit(arguments.model, **options(arguments) | {"image_size": size})


def options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say to ``load_vit``; raises OptionError for a seed of weights that are not random."""
    if arguments.seed is not None and arguments.weights != "random":
        raise OptionError(
            f"--seed {arguments.seed} belongs to random weights; got --weights {arguments.weights}. "
            "Leave the seed out, or add --weights random."
        )
    crop = getattr(arguments, "picture_crop", TRAINED)
    return {
        "weights": arguments.weights,
        "seed": arguments.seed or 0,
        "image_size": arguments.image_size,
        "class_names": arguments.class_names,
        "trained_size": arguments.trained_size,
        "heads": arguments.heads,
        "weights_kind": arguments.weights_kind,
        "head_activation": arguments.head_activation,
        "pooling": arguments.pooling,
        "crop": TRAINED if crop == GRID else crop,
        "multi_label": arguments.multi_label or None,
        "device": arguments.device or "cpu",
        "precision": arguments.precision,
    }
