"""Verdict: what the trained networks say of one board, and what the ViT's attention links in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vitviz.capture.edit import Edit
from vitviz.labs.long_range import rendering
from vitviz.labs.long_range.contents import COLUMNS, ROWS, Board
from vitviz.labs.long_range.networks import Answerer
from vitviz.models.vit import ViT
from vitviz.record import Result
from vitviz.trace.run import trace as trace_of


@dataclass(frozen=True, eq=False)
class Verdict(Result):
    """What one network says of one picture."""

    network: str
    """"vit", "limited" or "large"."""
    probabilities: NDArray[np.float64]
    """(answer,): sums to 1."""
    partner: NDArray[np.float64]
    """(row, column): probability that the half or bar in a cell has its partner; meaningless in other cells."""

    @property
    def answer(self) -> int:
        """The answer with the highest probability."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """Probability of that answer."""
        return float(self.probabilities.max())


def picture(board: Board, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return the picture of a board (row, column) with noise from a seed: (height, width, 3), 0 to 255."""
    generator = np.random.default_rng([seed, 5])
    return rendering.picture(rendering.render(board[None], generator=generator)[0])


def verdicts(networks: Mapping[str, Answerer], picture: NDArray[np.uint8]) -> dict[str, Verdict]:
    """Return what each network says of a picture (height, width, 3)."""
    pixels = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    return {name: _verdict(name, network, pixels) for name, network in networks.items()}


def _verdict(name: str, network: Answerer, pixels: torch.Tensor) -> Verdict:
    with torch.no_grad():
        logits, partner = network.answers(pixels)
    return Verdict(
        name, logits[0].double().softmax(-1).numpy(), partner[0].double().sigmoid().reshape(ROWS, COLUMNS).numpy()
    )


def attention(vit: ViT, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return all attention of a ViT on a picture: (layer, head, query, key), by a real trace."""
    made = trace_of(vit, Image.fromarray(picture))
    return np.stack([made.attention(layer).numpy() for layer in range(vit.layers)])


def answer(vit: ViT, picture: NDArray[np.uint8], edit: Edit) -> int:
    """Return a ViT's answer to a picture with an edit inside the model, such as a head that is switched off."""
    made = trace_of(vit, Image.fromarray(picture), edit=edit)
    assert made.logits is not None
    return int(made.logits.argmax())
