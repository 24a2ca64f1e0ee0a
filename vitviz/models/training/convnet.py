"""A convolutional network in training: its first stages frozen, its last ones taught by labels and by a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models import timm_door
from vitviz.models.efficientnet_lite import ARCHITECTURE, timm_state_dict
from vitviz.models.shipped import WHOLE_PICTURE
from vitviz.models.training.loop import Loop
from vitviz.models.training.recipe import ParameterGroup, Schedule
from vitviz.models.training.tiny_imagenet import LabelledImages

if TYPE_CHECKING:
    from timm.models.efficientnet import EfficientNet

CLASSIFIER = "classifier"


@dataclass(frozen=True)
class ConvNetRecipe(Schedule):
    """The convolutional network's choices beside the schedule."""

    steps: int = 1800
    warmup_steps: int = 40
    decay_steps: int = 1400
    final_steps: int = 300
    image_sizes: tuple[int, ...] = (128, 144, 160, 192)
    final_image_sizes: tuple[int, ...] = (224,)
    learning_rate: float = 5e-4
    head_learning_rate: float = 1e-3
    layer_decay: float = 0.8
    average_decay: float = 0.995
    frozen_stages: int = 2
    """Of its seven stages; the stem before them is frozen with any."""
    distillation: float = 0.5
    """Weight of the teacher in the loss, in [0, 1]; the labels have the rest."""
    temperature: float = 2.0
    """Both answers are divided by it before they are compared: Hinton et al. 2015, "Distilling the Knowledge"."""


def new_convnet(wnids: Sequence[str], *, state: dict[str, Tensor] | None = None) -> EfficientNet:
    """Return EfficientNet-Lite0 whose classifier has the rows of ImageNet's 1,000 classes that are in ``wnids``.

    ``state`` replaces ImageNet's weights: a whole set of a network with these classes.
    """
    network = cast("EfficientNet", timm_door.build(ARCHITECTURE, classes=len(wnids), overlay=WHOLE_PICTURE))
    if state is None:
        state = timm_state_dict()
        order = timm_door.imagenet_wnids()
        rows = torch.tensor([order.index(wnid) for wnid in wnids])
        for name in (f"{CLASSIFIER}.weight", f"{CLASSIFIER}.bias"):
            state[name] = state[name][rows]
    network.load_state_dict(state, strict=False)  # a file of ours has no counters
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class ConvNetTrainer(Loop):
    """EfficientNet in training; batch normalisation keeps the statistics that it has.

    ``teacher`` (image, class) are another network's logits for each of the images.
    """

    model: EfficientNet
    recipe: ConvNetRecipe

    def __init__(
        self,
        model: EfficientNet,
        images: LabelledImages,
        recipe: ConvNetRecipe,
        *,
        teacher: Tensor | None = None,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        threads: int = 1,
        device: str = "cpu",
        bfloat16: bool = True,
    ) -> None:
        self.teacher = teacher
        super().__init__(model, images, recipe, mean=mean, std=std, threads=threads, device=device, bfloat16=bfloat16)

    def _prepare(self) -> None:
        self.model.eval()

    def _groups(self) -> list[ParameterGroup]:
        return convnet_groups(self.model, self.recipe)

    def _logits(self, images: Tensor, indices: np.ndarray) -> Tensor:
        """Run the frozen stages without a graph, in bfloat16 where it is allowed; the trained ones in float32.

        On a CPU the backward pass of a depthwise convolution is faster in float32.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        network, frozen = self.model, self.recipe.frozen_stages
        stages = list(network.blocks.children())
        with torch.no_grad() if frozen else torch.enable_grad():
            features = network.bn1(network.conv_stem(images))
            for stage in stages[:frozen]:
                features = stage(features)
        with torch.autocast(self.device.type, enabled=False):
            features = features.float()
            for stage in stages[frozen:]:
                features = stage(features)
            logits: Tensor = network.forward_head(network.bn2(network.conv_head(features)))
        return logits

    def _loss(self, logits: Tensor, labels: Tensor, indices: np.ndarray) -> Tensor:
        loss = F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing, reduction="sum")
        if self.teacher is None:
            return loss
        weight, heat = self.recipe.distillation, self.recipe.temperature
        wanted = (self.teacher[indices].to(logits.device) / heat).log_softmax(dim=1)
        answered = (logits / heat).log_softmax(dim=1)
        apart = F.kl_div(answered, wanted, log_target=True, reduction="sum") * heat**2
        return (1 - weight) * loss + weight * apart


def convnet_groups(network: nn.Module, recipe: ConvNetRecipe) -> list[ParameterGroup]:
    """Return the trained parameters in groups; those of the stem and of the frozen stages are in none.

    The rate falls by ``layer_decay`` from one stage to the one before it. Vectors have no weight decay.
    """
    grouped: dict[tuple[float, float], list[str]] = {}
    stages = len(list(network.get_submodule("blocks").children()))
    for name, parameter in network.named_parameters():
        rate = _peak_rate(name, stages, recipe)
        if rate is not None:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            grouped.setdefault((rate, decay), []).append(name)
    return [ParameterGroup(tuple(names), *key) for key, names in grouped.items()]


def _peak_rate(name: str, stages: int, recipe: ConvNetRecipe) -> float | None:
    part, _, rest = name.partition(".")
    if part == CLASSIFIER:
        return recipe.head_learning_rate
    if part in ("conv_head", "bn2"):
        return recipe.learning_rate
    stage = int(rest.split(".")[0]) if part == "blocks" else -1
    if stage < recipe.frozen_stages and recipe.frozen_stages:
        return None
    return recipe.learning_rate * recipe.layer_decay ** (stages - 1 - stage)
