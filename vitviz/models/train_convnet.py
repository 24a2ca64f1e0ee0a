"""Train the shipped convolutional network: ``python -m vitviz.models.train_convnet --data FOLDER --out FILE``.

EfficientNet-Lite0 starts from ImageNet's weights and learns the same 200 classes from the same photos as the shipped
Vision Transformer, whose answers teach it beside the labels. The run is seeded, writes checkpoints beside the log and
goes on from the last one when it is started again; so do the teacher's answers, which are computed once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from vitviz.models import evaluate, timm_door
from vitviz.models.efficientnet_lite import ARCHITECTURE
from vitviz.models.training import command
from vitviz.models.training.command import HELD_OUT_PER_CLASS, HELD_OUT_SEED
from vitviz.models.training.convnet import CLASSIFIER, ConvNetRecipe, ConvNetTrainer, new_convnet
from vitviz.models.training.teacher import teacher_logits
from vitviz.models.training.tiny_imagenet import Classes, LabelledImages, hold_out, read_classes, read_train

TEACHER_SIZE = 140
"""Side in pixels at which the teacher sees the photos: there the shipped Vision Transformer answers best."""


def build_parser() -> argparse.ArgumentParser:
    """Return the command line: files, machine, the teacher, and one option for each number of the recipe."""
    start = "ImageNet's weights"
    parser = command.build_parser("vitviz.models.train_convnet", __doc__, ConvNetRecipe, start)
    parser.add_argument("--teacher", type=Path, default=evaluate.SHIPPED, help="a ViT-S/14; default: the shipped one")
    return parser


def prepare(options: argparse.Namespace) -> tuple[ConvNetTrainer, LabelledImages, Classes]:
    """Return the trainer, the held-out images and the classes."""
    recipe, on_cpu = command.recipe_of(options, ConvNetRecipe), options.device == "cpu"
    classes = read_classes(options.data)
    images, held = hold_out(read_train(options.data), per_class=HELD_OUT_PER_CLASS, seed=HELD_OUT_SEED)
    state = None if options.start is None else {name: t.float() for name, t in load_file(options.start).items()}
    network = new_convnet(classes.wnids, state=state)
    settings = timm_door.data_settings(network)
    trainer = ConvNetTrainer(
        network,
        images,
        recipe,
        teacher=_teacher(options, images) if recipe.distillation else None,
        mean=settings.mean,
        std=settings.std,
        threads=options.threads if on_cpu else 1,
        device=options.device,
        bfloat16=not options.float32,
    )
    return trainer, held, classes


def _teacher(options: argparse.Namespace, images: LabelledImages) -> Tensor:
    """Return the teacher's logits for the training images, from the files beside the checkpoints if they are there."""
    model = evaluate.load(options.teacher, image_size=TEACHER_SIZE).to(options.device)

    def predict(part: LabelledImages) -> Tensor:
        return evaluate.predict(model, part, threads=options.threads, bfloat16=not options.float32)

    folder = options.checkpoints or options.out.parent
    return teacher_logits(predict, images, folder, name=f"teacher-{TEACHER_SIZE}")


def main(arguments: list[str] | None = None) -> None:
    """Train, or go on training, then write the weights."""
    options = build_parser().parse_args(arguments)
    command.run(options, prepare, architecture=ARCHITECTURE, classifier=CLASSIFIER)


if __name__ == "__main__":
    main()
