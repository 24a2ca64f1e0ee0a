"""Networks: a small ViT, a CNN that sees three cells and a CNN that sees the whole picture, of one size.

All three cut the picture into the same cells with an 8 × 8 convolution of stride 8, have about 0.08 million weights,
answer from all cells together and say for each cell whether the half or bar in it has its partner. They differ in
how cells learn of each other: by attention, or by products of what a 3 × 3 convolution gathers, or three of dilation 1,
2 and 4. How far two cells may lie apart that a network can compare is its ``reach``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from vitviz.errors import check_choice
from vitviz.labs.long_range.contents import CELL_PIXELS, COLUMNS, IMAGE_SIZE
from vitviz.models import timm_door
from vitviz.models.seeding import SeededInitialisation

MEAN = STANDARD_DEVIATION = 0.5
"""What is subtracted from pixels in [0, 1], and what they are then divided by."""


class Answerer(nn.Module, ABC):
    """A network that answers for the whole picture and for each cell."""

    reach: int = COLUMNS - 1
    """Largest distance of two cells (along the longer axis) that it can compare; the picture's where it sees all."""

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
    """A convolutional network whose answer is a linear function of a sum over cells: evidence is only added up.

    What a cell adds is any function of its field, with values from 0 to 1. That is the read-out of BagNet (Brendel &
    Bethge 2019, "Approximating CNNs with Bag-of-local-Features models"). ``margin`` empty cells lie round the
    picture and have windows too, so that a couple at its edge lies in as many as one in the middle; ``here`` as in
    ``Compared``.
    """

    def __init__(
        self,
        answers: int,
        *,
        dilations: tuple[int, ...],
        hidden: int,
        products: int,
        width: int = 64,
        margin: int = 0,
        here: bool = True,
    ) -> None:
        super().__init__()
        self.reach = min(2 * sum(dilations), COLUMNS - 1)
        self.margin = margin
        self.features = nn.Sequential(
            nn.Conv2d(3, width, CELL_PIXELS, CELL_PIXELS),
            Pointwise(width, hidden),
            Compared(width, products, dilations, margin=margin, here=here),
            Pointwise(width, hidden),
            nn.BatchNorm2d(width),
        )
        self.evidence = nn.Sequential(nn.Linear(width, width), nn.Sigmoid())
        self.head = nn.Linear(width, answers)
        self.partner = nn.Linear(width, 1)

    def answers(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (image, answer) and partner logits (image, cell) for pixels in [0, 1]."""
        maps = self.features((pixels - MEAN) / STANDARD_DEVIATION)  # (image, channel, row, column)
        windows = maps.flatten(2).transpose(1, 2)  # (image, window, channel)
        inner = slice(self.margin, -self.margin or None)
        cells = maps[:, :, inner, inner].flatten(2).transpose(1, 2)  # (image, cell, channel)
        return self.head(self.evidence(windows).sum(1)), self.partner(cells).squeeze(-1)


class Pointwise(nn.Module):
    """x + 1×1(GELU(1×1(norm(x)))), each cell for itself."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(width), nn.Conv2d(width, hidden, 1), nn.GELU(), nn.Conv2d(hidden, width, 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps with the branch added: (image, channel, row, column)."""
        branch: Tensor = self.branch(maps)
        return maps + branch


class Compared(nn.Module):
    """A layer that compares cells: a · (here + b), where a and b gather from the whole field; residual.

    A product of two gathered maps compares any two cells of the field, also where the centre holds neither of them.
    With ``here`` alone as the second factor, as in gated convolutions (Dauphin et al. 2017) and large-kernel attention
    (Guo et al. 2022), two cells around an empty centre would only be added up. ``here`` False leaves it out: b holds
    the centre too.
    """

    def __init__(
        self, width: int, products: int, dilations: tuple[int, ...], *, margin: int = 0, here: bool = True
    ) -> None:
        super().__init__()
        self.margin = nn.ZeroPad2d(margin)
        self.norm = nn.BatchNorm2d(width)
        self.a = _gathering(width, products, dilations)
        self.b = _gathering(width, products, dilations)
        self.here = nn.Conv2d(width, products, 1) if here else None
        self.out = nn.Sequential(nn.BatchNorm2d(products), nn.Conv2d(products, width, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps with the branch added: (image, channel, row, column), with the margin round them."""
        even, maps = self.margin(self.norm(maps)), self.margin(maps)
        second = self.b(even) if self.here is None else self.b(even) + self.here(even)
        branch: Tensor = self.out(self.a(even) * second)
        return maps + branch


def _gathering(width: int, products: int, dilations: tuple[int, ...]) -> nn.Sequential:
    """Return a 1×1 convolution and one 3 × 3 convolution a dilation, each channel for itself.

    Its first weights are positive, so that an untrained network adds up what lies in its field.
    """
    layers = [
        nn.Conv2d(products, products, 3, padding=dilation, dilation=dilation, groups=products, bias=False)
        for dilation in dilations
    ]
    for layer in layers:
        nn.init.uniform_(layer.weight, 0, 2 / 9)
    return nn.Sequential(nn.Conv2d(width, products, 1), *layers)


BUILDERS: dict[str, Callable[[int], Answerer]] = {
    "vit": AttentionNetwork,
    "limited": lambda answers: ConvolutionNetwork(
        answers, dilations=(1,), hidden=144, products=128, margin=1, here=False
    ),
    "large": lambda answers: ConvolutionNetwork(answers, dilations=(1, 2, 4), hidden=208, products=32),
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
