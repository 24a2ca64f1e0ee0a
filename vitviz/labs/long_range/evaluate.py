"""Measure trained long-range networks and put them together for shipping.

``python -m vitviz.labs.long_range.evaluate --trained FOLDER`` reads what the training wrote, rounds the weights to half
precision, measures the rounded weights on new pictures, and writes assets/labs. Without ``--trained`` it measures
what lies in assets/labs again. The pictures are drawn from (seed, 2), training's from (seed, 1).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from vitviz.analysis.convnet import ConvNet
from vitviz.analysis.theoretical_field import theoretical_field
from vitviz.assets import LABS
from vitviz.files import check_outputs, write_text, writing
from vitviz.labs.long_range import networks, shipped, tasks
from vitviz.labs.long_range.contents import COLUMNS, IMAGE_SIZE
from vitviz.labs.long_range.moves import partner_cell
from vitviz.labs.long_range.networks import Answerer, ConvolutionNetwork
from vitviz.labs.long_range.rendering import picture, render
from vitviz.labs.long_range.results import FILE, LOOKERS
from vitviz.labs.long_range.tasks import Task
from vitviz.labs.long_range.train import Recipe
from vitviz.labs.long_range.verdict import attention
from vitviz.models import checkpoints

DISTANCES = tuple(range(1, COLUMNS))
_SPENT = ("steps", "pictures", "seconds")  # what a training took
_TRACED = 40  # pictures for the attention of every head


def field_of(network: Answerer) -> int | None:
    """Return the theoretical receptive field of a cell in pixels; None for a network with attention."""
    if not isinstance(network, ConvolutionNetwork):
        return None
    net = ConvNet.from_module(network.features, image_size=IMAGE_SIZE)
    return max(theoretical_field(net, net.layers - 1).size)


@torch.no_grad()
def measure(network: Answerer, task: Task, *, distance: int | None, images: int, seed: int = 0) -> dict[str, float]:
    """Return accuracy, cross-entropy (nats) and partner accuracy on new pictures, all answers equally frequent.

    ``distance`` in cells; None lets every couple draw its own, as in training.
    """
    generator = np.random.default_rng([seed, 2, distance or 0])
    answers = np.arange(images) % task.answers
    boards = task.sample(images, generator=generator, distance=distance, pairs=answers)
    logits, partner = network.answers(torch.from_numpy(render(boards, generator=generator)))
    objects = task.is_object(boards).reshape(images, -1)
    says = partner.numpy() > 0
    truth = task.has_partner(boards).reshape(images, -1)
    return {
        "accuracy": float((logits.argmax(1).numpy() == answers).mean()),
        "cross_entropy": float(F.cross_entropy(logits.double(), torch.from_numpy(answers))),
        "partner_accuracy": float((says == truth)[objects].mean()),
    }


def head_weights(network: Answerer, task: Task, *, images: int = _TRACED) -> dict[str, list[list[float]]]:
    """Return what every head (layer, head) gives by looker: mean attention over new pictures.

    "object": from a half or bar to its partner. "class": from the class token to the two, across the occluder the
    smaller weight (bars on both sides must be read), in counting the larger (one half that knows of its partner is
    enough).
    """
    of_two = np.minimum if task.name == "occluder" else np.maximum
    vit = shipped.as_vit(network, task.name)
    generator = np.random.default_rng([0, 3])
    boards = task.sample(images, generator=generator, pairs=task.answers - 1)
    rows: dict[str, list[NDArray[np.float32]]] = {looker: [] for looker in LOOKERS}
    for board, pixels in zip(boards, render(boards, generator=generator), strict=True):
        maps = attention(vit, picture(pixels))  # (layer, head, query, key)
        first = len(vit.grid.prefix)
        for cell in np.flatnonzero(task.has_partner(board[None])[0]):
            partner = partner_cell(board, int(cell))
            assert partner is not None
            rows["object"].append(maps[:, :, first + cell, first + partner])
            rows["class"].append(of_two(maps[:, :, 0, first + cell], maps[:, :, 0, first + partner]))
    return {looker: np.mean(weights, axis=0).astype(float).round(5).tolist() for looker, weights in rows.items()}


def evaluate(
    task: Task, state: dict[str, Tensor], told: Mapping[str, Mapping[int, Mapping[str, float]]], images: int
) -> dict[str, Any]:
    """Return everything that the page shows of a task; ``told`` holds what trainings took, by network and seed."""
    result: dict[str, Any] = {"distances": DISTANCES, "images": images, "networks": {}}
    for name, seeds in told.items():
        built = {seed: shipped.restore(networks.build(name, answers=task.answers), state, name, seed) for seed in seeds}
        runs = [
            [measure(net, task, distance=distance, images=images, seed=seed) for distance in DISTANCES]
            for seed, net in built.items()
        ]
        entry: dict[str, Any] = {
            "parameters": networks.parameters(next(iter(built.values()))),
            "field": field_of(next(iter(built.values()))),
            "seeds": list(seeds),
            **{quantity: [told[name][seed][quantity] for seed in seeds] for quantity in _SPENT},
            "mixed_accuracy": [
                measure(net, task, distance=None, images=images, seed=seed)["accuracy"] for seed, net in built.items()
            ],
        }
        for quantity in ("accuracy", "cross_entropy", "partner_accuracy"):
            entry[quantity] = [[round(point[quantity], 5) for point in row] for row in runs]
        result["networks"][name] = entry
        if name == "vit":
            weights = [head_weights(net, task) for net in built.values()]
            result["head_weight"] = {looker: [rows[looker] for rows in weights] for looker in LOOKERS}
        print(task.name, name, np.round(entry["accuracy"], 3).tolist(), flush=True)
    return result


def collect(task: str, folder: Path) -> tuple[dict[str, Tensor], dict[str, dict[int, Any]]]:
    """Return the trained weights of a task in half precision, and what the training of each network and seed took."""
    state: dict[str, Tensor] = {}
    told: dict[str, dict[int, Any]] = {name: {} for name in networks.BUILDERS}
    for path in sorted(folder.glob(f"{task}-*.safetensors")):
        name = path.stem.split("-")[1]
        network, recipe, spent = trained(path, name)
        told[name][recipe.seed] = spent
        for key, value in network.state_dict().items():
            state[f"{name}.{recipe.seed}.{key}"] = value.half() if value.is_floating_point() else value
    return state, told


def trained(path: Path, name: str) -> tuple[Answerer, Recipe, dict[str, float]]:
    """Return a trained network in eval mode, its recipe, and the steps, pictures and seconds that its training took."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    recipe = Recipe(**json.loads(metadata["recipe"]))
    network = networks.build(name, answers=tasks.find(recipe.task).answers)
    network.load_state_dict(checkpoints.read_checkpoint(path))
    network.eval()
    steps = int(metadata["steps"])
    spent = {"steps": steps, "pictures": steps * recipe.batch_size, "seconds": float(metadata["seconds"])}
    return network, recipe, spent


def measure_alone(task: Task, folder: Path, images: int) -> list[dict[str, Any]]:
    """Return how right the networks are at the distance that was the only one of their training."""
    rows = []
    for path in sorted(folder.glob(f"alone*-{task.name}-*.safetensors")):
        name = path.stem.split("-")[2]
        network, recipe, spent = trained(path, name)
        told = measure(network, task, distance=recipe.distance, images=images, seed=recipe.seed)
        budget = {"distance": recipe.distance, "seed": recipe.seed, "steps": spent["steps"]}
        rows.append({"network": name, **budget, "accuracy": round(told["accuracy"], 5)})
        print(task.name, rows[-1], flush=True)
    return sorted(rows, key=lambda row: (row["network"], row["distance"], row["seed"]))


def main() -> None:
    """Read the command line, measure, write assets/labs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trained", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=list(tasks.TASKS), default=list(tasks.TASKS))
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=LABS)
    parser.add_argument("--overwrite", action="store_true", help="replace weights that are there already")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.trained:
        weights = [asked.out / shipped.FILES[name].file for name in asked.tasks]
        check_outputs(weights, asked.trained.glob("*.safetensors"), overwrite=asked.overwrite)
    written = asked.out / FILE
    result = json.loads(written.read_text(encoding="utf-8")) if written.is_file() else {}
    for name in asked.tasks:
        task = tasks.find(name)
        path = asked.out / shipped.FILES[name].file
        if asked.trained:
            alone = measure_alone(task, asked.trained, asked.images)
            state, told = collect(name, asked.trained)
            with writing(path) as beside:
                save_file(state, beside, metadata={"format": "pt"})
        else:
            alone = result[name]["alone"]  # these networks are not shipped
            state = checkpoints.read_checkpoint(path)
            told = {
                net: dict(zip(old["seeds"], _rows(old), strict=True)) for net, old in result[name]["networks"].items()
            }
        result[name] = {**evaluate(task, state, told, asked.images), "alone": alone}
        print(path.name, checkpoints.sha256_of(path))
    write_text(written, json.dumps(result, indent=1) + "\n")


def _rows(old: dict[str, Any]) -> list[dict[str, float]]:
    return [{quantity: old[quantity][number] for quantity in _SPENT} for number in range(len(old["seeds"]))]


if __name__ == "__main__":
    main()
