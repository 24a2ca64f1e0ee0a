"""The shipped Vision Transformer and the shipped CNN on the same photos: ``python -m benchmarks.vit_and_cnn``.

Both read the same tensor. Receptive fields at every depth; the answer when patches go (at random, most attended
first, least attended first, by the ViT's attention), when one square is covered, when pieces change places, and when
the photo moves by single pixels. Answers are kept photo by photo beside the table, so a run that was cut off goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import vitviz
from benchmarks.timing import table
from vitviz.analysis.convnet import ConvNet
from vitviz.analysis.replacement import paint_mask, replacement_picture
from vitviz.analysis.shuffling import move_patches, shuffled_order
from vitviz.attention.view import attention_view
from vitviz.labs.long_range.results import wilson
from vitviz.labs.shift import shift_right
from vitviz.models.evaluate import part_of
from vitviz.models.training.tiny_imagenet import read_validation
from vitviz.models.vit import ViT

SHARES = (0.25, 0.5, 0.75, 0.9)
PIECES = (2, 4, 8, 16)
SHIFTS = (1, 2, 4, 7, 10, 14)
SQUARES = (0.25, 0.5)
NETWORKS = ("vit", "cnn")
REPLACEMENT = "grey"


@dataclass(frozen=True)
class Answers:
    """What one network says to the variants of one photo."""

    top: list[int]
    """Class with the highest logit, variant by variant."""
    own: list[float]
    """Probability of the class that the whole photo gets."""


def variants(vit: ViT, pixels: Tensor, number: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the photo and its variants, each (3, height, width), by name; ``number`` seeds what is random."""
    yield "whole", pixels
    attention = attention_view(vitviz.trace(vit, pixels)).values.ravel()  # (patch,)
    falling = np.argsort(-attention, kind="stable")
    generator = np.random.default_rng(number)
    orders = {"random": generator.permutation(len(falling)), "most": falling, "least": falling[::-1]}
    behind = replacement_picture(vit, pixels, REPLACEMENT)
    size = (int(pixels.shape[1]), int(pixels.shape[2]))
    for name, order in orders.items():
        for share in SHARES:
            gone = torch.zeros(len(order), dtype=torch.bool)
            gone[torch.from_numpy(order[: round(share * len(order))].copy())] = True
            yield f"{name} {share:.0%}", torch.where(paint_mask(vit.grid, size, gone), behind, pixels)
    for share in SQUARES:
        yield f"square {share:.0%}", _covered(pixels, behind, share, generator)
    for count in PIECES:
        pieces = vitviz.PatchGrid(count, count, (size[0] // count, size[1] // count))
        yield f"pieces {count}", move_patches(pixels, pieces, shuffled_order(count * count, 1.0, seed=number))
    for shift in SHIFTS:
        yield f"shift {shift}", shift_right(pixels, shift)


def _covered(pixels: Tensor, behind: Tensor, share: float, generator: np.random.Generator) -> Tensor:
    """Return the photo with one square of a share of its area covered, at a random place."""
    height, width = pixels.shape[1:]
    side = round((share * height * width) ** 0.5)
    top, left = (int(generator.integers(0, length - side + 1)) for length in (height, width))
    covered = pixels.clone()
    covered[:, top : top + side, left : left + side] = behind[:, top : top + side, left : left + side]
    return covered


def answers(network: torch.nn.Module, batch: Tensor) -> Answers:
    """Return a network's answers to the variants; the first is the whole photo."""
    with torch.inference_mode():
        chances = network(batch).float().softmax(-1)  # (variant, class)
    own = chances[:, int(chances[0].argmax())].tolist()
    return Answers(chances.argmax(1).tolist(), [round(chance, 5) for chance in own])


def measure(options: argparse.Namespace, vit: ViT, net: ConvNet) -> dict[str, list[dict[str, Any]]]:
    """Return one record a photo of each network, reading those that the files have already.

    Both networks answer a photo before the next one, so a run that stops has as many photos of the one as of the other.
    """
    data = part_of(read_validation(options.data), options.photos, seed=0)
    paths = {name: options.out / f"vit_and_cnn_{name}_of_{options.photos}.jsonl" for name in NETWORKS}
    records = {name: _read(path) for name, path in paths.items()}
    modules = {"vit": vit.module, "cnn": net.module}
    end = time.monotonic() + 60 * options.minutes
    for number in range(min(map(len, records.values())), len(data.boxes)):
        if time.monotonic() > end:
            break
        photo = Image.fromarray(data.images.pixels[number])
        pixels = vit.preprocess(photo)
        assert torch.equal(pixels, net.preprocess(photo))
        names, pictures = zip(*variants(vit, pixels, number), strict=True)
        for name in NETWORKS:
            if number == len(records[name]):
                said = answers(modules[name], torch.stack(pictures))
                records[name].append({"label": int(data.images.labels[number]), "names": names, **asdict(said)})
                with paths[name].open("a", encoding="utf-8") as file:
                    file.write(json.dumps(records[name][-1]) + "\n")
        print(f"{number + 1} of {len(data.boxes)} photos", flush=True)
    count = min(map(len, records.values()))
    return {name: rows[:count] for name, rows in records.items()}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def answer_rows(records: dict[str, list[dict[str, Any]]]) -> list[tuple[str, ...]]:
    """Return a row a variant: top-1 and share of kept answers of both networks, and the difference of the latter."""
    labels = np.array([record["label"] for record in records["vit"]])
    tops = {name: np.array([record["top"] for record in records[name]]) for name in NETWORKS}  # (photo, variant)
    rows = []
    for place, variant in enumerate(records["vit"][0]["names"]):
        kept = {name: top[:, place] == top[:, 0] for name, top in tops.items()}
        right = [tops[name][:, place] == labels for name in NETWORKS]
        apart = kept["vit"].astype(float) - kept["cnn"]
        rows.append((variant, *map(_share, right), *(_share(kept[name]) for name in NETWORKS), _mean(apart)))
    return rows


def _share(hits: np.ndarray) -> str:
    low, high = wilson(float(hits.mean()), len(hits))
    return f"{hits.mean():.0%} ({low:.0%}–{high:.0%})"


def _mean(values: np.ndarray) -> str:
    half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    clear = " *" if abs(values.mean()) > half else ""
    return f"{100 * values.mean():+.0f} ± {100 * half:.0f}{clear}"


def shift_rows(records: dict[str, list[dict[str, Any]]]) -> list[tuple[str, ...]]:
    """Return a row a shift: by how many points the probability of its own answer changes, in each network."""
    names = list(records["vit"][0]["names"])
    own = {name: np.array([record["own"] for record in records[name]]) for name in NETWORKS}  # (photo, variant)
    rows = []
    for shift in SHIFTS:
        place = names.index(f"shift {shift}")
        moved = [abs(own[name][:, place] - own[name][:, 0]) for name in NETWORKS]
        rows.append((str(shift), *(_mean(values).replace(" *", "") for values in moved), _mean(moved[0] - moved[1])))
    return rows


def field_rows(options: argparse.Namespace, vit: ViT, net: ConvNet) -> list[tuple[str, ...]]:
    """Return a row a depth of each network: radius, areas and, of the CNN, what it could see at most."""
    data = part_of(read_validation(options.data), options.fields, seed=0)
    inputs = [vit.preprocess(Image.fromarray(pixels)) for pixels in data.images.pixels]
    return [row for name in NETWORKS for row in depths({"vit": vit, "cnn": net}[name], name, inputs)]


def depths(model: ViT | ConvNet, name: str, inputs: list[Tensor]) -> Iterator[tuple[str, ...]]:
    """Yield a row a layer of one network."""
    for layer in range(model.layers):
        field = vitviz.receptive_field(model, inputs, layer=layer)
        spread = 1.96 * field.per_image_radius.std(ddof=1) / len(inputs) ** 0.5
        radius = f"{field.per_image_radius.mean():.1f} ± {spread:.1f}"
        areas = (f"{field.area_ratios[share]:.1%}" for share in (0.5, 0.99))
        most = "all" if field.theoretical is None else str(field.theoretical.size[0])
        place = model.layer_names[layer] if isinstance(model, ConvNet) else f"block {layer}"
        yield (name, place, f"{(layer + 1) / model.layers:.0%}", radius, *areas, most)


def report(options: argparse.Namespace, vit: ViT, net: ConvNet) -> str:
    """Return the three tables as Markdown."""
    records = measure(options, vit, net)
    answered = ("variant", "ViT top-1", "CNN top-1", "ViT keeps", "CNN keeps", "keeps: ViT − CNN, points")
    moved = ("shift, px", "ViT, points", "CNN, points", "ViT − CNN")
    fields = ("network", "layer", "depth", "radius, px", "50 % in", "99 % in", "could see, px")
    tables = [table(answered, answer_rows(records)), table(moved, shift_rows(records))]
    tables.append(table(fields, field_rows(options, vit, net)))
    return f"{len(records['vit'])} photos; receptive fields of {options.fields}.\n\n" + "\n\n".join(tables) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.vit_and_cnn", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of Tiny-ImageNet's archives")
    parser.add_argument("--photos", type=int, default=200, help="of the validation photos, drawn by seed 0")
    parser.add_argument("--fields", type=int, default=16, help="photos for the receptive fields")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="take no photo after so many")
    parser.add_argument("--out", type=Path, default=Path(), help="folder of the answers and the tables")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    text = report(options, vitviz.load_vit(), vitviz.load_convnet())
    (options.out / "vit_and_cnn_tables.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
