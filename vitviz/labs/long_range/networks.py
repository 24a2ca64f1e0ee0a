"""Networks: a small ViT, a CNN that sees three cells and a CNN that sees the whole picture, alike in all else.

All three cut the picture into the same cells with an 8 × 8 convolution of stride 8, have about 0.1 million weights,
answer from all cells together and say for each cell whether the half or bar in it has its partner. They differ in
how cells learn of each other: by attention, by one 3 × 3 convolution, or by three of dilation 1, 2 and 4.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from vitviz.errors import check_choice
from vitviz.labs.long_range.contents import CELL_PIXELS, IMAGE_SIZE
from vitviz.models import timm_door
from vitviz.models.seeding import SeededInitialisation

MEAN = STANDARD_DEVIATION = 0.5
"""What is subtracted from pixels in [0, 1], and what they are then divided by."""


class Answerer(nn.Module, ABC):
    """A network that answers for the whole picture and for each cell."""

    @abstractmethod
    def answers(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (image, answer), and logits that a cell has its partner (image, cell).

        ``pixels`` (image, channel, height, width) in [0, 1].
        """


class AttentionNetwork(Answerer):
    """A Vision Transformer that answers from its class token and, for each cell, from that patch's token."""

    def __init__(self, answers: int, *, width: int = 64, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.vit = timm_door.small_vit(
            image_size=IMAGE_SIZE,
            patch_size=CELL_PIXELS,
            width=width,
            layers=layers,
            heads=heads,
            mlp_ratio=2,
            classes=answers,
        )
        self.partner = nn.Linear(width, 1)

    def answers(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (image, answer) and partner logits (image, cell) for pixels in [0, 1]."""
        tokens = self.vit.forward_features((pixels - MEAN) / STANDARD_DEVIATION)
        logits: Tensor = self.vit.forward_head(tokens)
        patches = tokens[:, self.vit.num_prefix_tokens :]  # (image, cell, channel)
        return logits, self.partner(patches).squeeze(-1)


class ConvolutionNetwork(Answerer):
    """A convolutional network whose answer is a linear function of the sum over cells: evidence is only added up.

    That is the read-out of BagNet (Brendel & Bethge 2019, "Approximating CNNs with Bag-of-local-Features models").
    """

    def __init__(self, answers: int, *, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        stem = nn.Conv2d(3, width, CELL_PIXELS, CELL_PIXELS)
        self.features = nn.Sequential(
            stem, Pointwise(width), *(Gated(width, 3, dilation) for dilation in dilations), nn.BatchNorm2d(width)
        )
        self.head = nn.Linear(width, answers)
        self.partner = nn.Linear(width, 1)

    def answers(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (image, answer) and partner logits (image, cell) for pixels in [0, 1]."""
        maps = self.features((pixels - MEAN) / STANDARD_DEVIATION)  # (image, channel, row, column)
        cells = maps.flatten(2).transpose(1, 2)  # (image, cell, channel)
        return self.head(cells.sum(1) / cells.shape[1] ** 0.5), self.partner(cells).squeeze(-1)


class Pointwise(nn.Module):
    """x + 1×1(GELU(1×1(norm(x)))), each cell for itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(width), nn.Conv2d(width, width, 1), nn.GELU(), nn.Conv2d(width, width, 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps with the branch added: (image, channel, row, column)."""
        branch: Tensor = self.branch(maps)
        return maps + branch


class Gated(nn.Module):
    """x + 1×1(kernel × kernel(n) · (1 + 1×1(n))) with n = norm(x): what lies around, scaled by what lies here.

    The product is that of gated convolutions (Dauphin et al. 2017) and of large-kernel attention (Guo et al. 2022).
    Without it these small CNNs compare two identities too slowly for a training of minutes, at any distance.
    """

    def __init__(self, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.norm = nn.BatchNorm2d(width)
        self.around = nn.Conv2d(width, width, kernel, padding=padding, dilation=dilation)
        self.here = nn.Conv2d(width, width, 1)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps with the gated branch added: (image, channel, row, column)."""
        even = self.norm(maps)
        branch: Tensor = self.out(self.around(even) * (1 + self.here(even)))
        return maps + branch


BUILDERS: dict[str, Callable[[int], Answerer]] = {
    "vit": AttentionNetwork,
    "limited": lambda answers: ConvolutionNetwork(answers, width=72, dilations=(1,)),
    "large": lambda answers: ConvolutionNetwork(answers, width=45, dilations=(1, 2, 4)),
}
"""How each network is built for a number of answers."""


def build(name: str, *, answers: int, seed: int = 0) -> Answerer:
    """Build a network in eval mode with random weights from a seed. Raises OptionError for an unknown name."""
    check_choice("Network", name, BUILDERS)
    with SeededInitialisation(seed):
        network = BUILDERS[name](answers)
    return network.eval()


def parameters(network: nn.Module) -> int:
    """Return how many trained numbers a network has."""
    return sum(weight.numel() for weight in network.parameters())
