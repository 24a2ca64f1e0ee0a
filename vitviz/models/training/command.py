"""What the training commands share: their options, the run with its checkpoints, the lines that it prints."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from vitviz.files import check_outputs
from vitviz.models.evaluate import predict
from vitviz.models.training.loop import Loop
from vitviz.models.training.measures import top_k
from vitviz.models.training.recipe import Schedule
from vitviz.models.training.tiny_imagenet import Classes, LabelledImages
from vitviz.models.training.weights_file import fit_temperature, fold_temperature, save_classes, save_half
from vitviz.numbers import percent

R = TypeVar("R", bound=Schedule)

HELD_OUT_PER_CLASS = 5
HELD_OUT_SEED = 0
"""Not the recipe's seed: a run that goes on from given weights must hold out what they never saw."""
CHECKPOINT_FILE = "last.pt"
CLASSES_FILE = "classes.txt"
IMAGE_SIZE = 224


def train(trainer: Loop, checkpoint: Path, *, save_every: float, log_every: int) -> None:
    """Run to the recipe's last step, writing a checkpoint now and then, after each pass and at the end."""
    recipe, per_pass = trainer.recipe, len(trainer.images) // trainer.recipe.batch_size
    saved = time.perf_counter()
    losses: list[float] = []
    began, first = time.perf_counter(), trainer.next_step
    while trainer.next_step < recipe.steps:
        losses.append(trainer.step())
        done = trainer.next_step
        if done % log_every == 0 or done == recipe.steps:
            pace = (time.perf_counter() - began) / (done - first)
            report(trainer, sum(losses) / len(losses), pace)
            losses.clear()
        late = time.perf_counter() - saved > save_every
        if late or done % per_pass == 0 or done == recipe.steps:
            trainer.save(checkpoint)
            saved = time.perf_counter()


def report(trainer: Loop, loss: float, pace: float) -> None:
    """Print one progress line; ``pace`` is in seconds a step."""
    recipe, done = trainer.recipe, trainer.next_step
    left = (recipe.steps - done) * pace
    print(
        f"{time.strftime('%H:%M:%S')} step {done}/{recipe.steps} pass "
        f"{done * recipe.batch_size / len(trainer.images):.2f} loss {loss:.3f} rate "
        f"{recipe.rate_factor(done):.2f} {recipe.batch_size / pace:.1f} images/s {left / 60:.0f} min left",
        flush=True,
    )


def build_parser(program: str, description: str | None, recipe: type[Schedule], start: str) -> argparse.ArgumentParser:
    """Return a command line: files, machine, and one option for each number of the recipe.

    ``start`` tells what training starts from without --start.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of Tiny-ImageNet's archives")
    parser.add_argument("--out", type=Path, required=True, help="weights to write (.safetensors)")
    parser.add_argument("--checkpoints", type=Path, help="folder of checkpoints; default beside --out")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2, help="parts of a batch in parallel (CPU only)")
    parser.add_argument("--start", type=Path, help=f"weights (.safetensors) to start from instead of {start}")
    parser.add_argument("--float32", action="store_true", help="no bfloat16: faster where the processor has none")
    parser.add_argument("--save-every", type=float, default=600, help="seconds between checkpoints")
    parser.add_argument("--log-every", type=int, default=20, help="steps between progress lines")
    parser.add_argument("--overwrite", action="store_true", help="replace --out if it is there already")
    parser.add_argument("--export-only", action="store_true", help="write --out from the last checkpoint")
    for field in dataclasses.fields(recipe):
        option = "--" + field.name.replace("_", "-")
        if isinstance(field.default, tuple):
            parser.add_argument(option, type=int, nargs="+", default=field.default)
        else:
            parser.add_argument(option, type=type(field.default), default=field.default)
    return parser


def recipe_of(options: argparse.Namespace, recipe: type[R]) -> R:
    """Return the recipe that the command line asks for."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(recipe):
        value = getattr(options, field.name)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return recipe(**values)


def run(
    options: argparse.Namespace,
    prepare: Callable[[argparse.Namespace], tuple[Loop, LabelledImages, Classes]],
    *,
    architecture: str,
    classifier: str,
) -> None:
    """Train, or go on training, then write the weights.

    ``prepare`` returns the loop, the held-out images and the classes; ``classifier`` names the model's last layer.
    """
    if options.device == "cpu":
        torch.set_num_threads(1)  # a command of its own; the threads share batches, not operators
    folder = options.checkpoints or options.out.parent
    for place in (folder, options.out.parent):
        place.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT_FILE
    check_outputs(
        [options.out, options.out.parent / CLASSES_FILE],
        [] if options.start is None else [options.start],
        overwrite=options.overwrite or checkpoint.exists(),  # a run that goes on replaces its own files
    )
    trainer, held, classes = prepare(options)
    if checkpoint.exists():
        trainer.load(checkpoint)
        print(f"resumed at step {trainer.next_step}", flush=True)
    print(trainer.recipe, flush=True)
    if not options.export_only:
        train(trainer, checkpoint, save_every=options.save_every, log_every=options.log_every)
    print(f"{trainer.seconds:.0f} s of training", flush=True)
    metadata = {"architecture": architecture, "image_size": str(IMAGE_SIZE), "classes": CLASSES_FILE}
    export(trainer, held, classes, options.out, metadata=metadata, classifier=classifier, threads=options.threads)


def export(
    trainer: Loop,
    held: LabelledImages,
    classes: Classes,
    out: Path,
    *,
    metadata: dict[str, str],
    classifier: str,
    threads: int,
) -> float:
    """Write the averaged weights, calibrated on held-out images, and return their top-1 accuracy there."""
    trainer.model.load_state_dict(trainer.average, strict=False)  # counters are not averaged
    labels = torch.from_numpy(held.labels)
    logits = predict(trainer.model, held, threads=threads)
    temperature = fit_temperature(logits, labels)
    told = {**metadata, "steps": str(trainer.next_step), "temperature_folded_in": f"{temperature:.4f}"}
    save_half(fold_temperature(trainer.average, temperature, classifier=classifier), out, told)
    save_classes(classes, out.parent / CLASSES_FILE)
    accuracy = top_k(logits, labels, 1)
    print(
        f"{out.name}: {percent(accuracy)} of {len(held)} held-out training images; temperature {temperature:.3f}",
        flush=True,
    )
    return accuracy
