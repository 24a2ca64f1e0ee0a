"""The drop curve: how sure a model stays as more and more patches of a picture go.

Naseer et al. 2021, "Intriguing Properties of Vision Transformers", section 3.1: patches are dropped at random, those
with the most attention first (salient), or those with the least (non-salient).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vitviz.analysis.faithfulness import Curve, RandomBand, random_band
from vitviz.analysis.removal import Order
from vitviz.analysis.replacement import REMOVED, replacement_picture, without_patches
from vitviz.analysis.scoring import scores
from vitviz.argument import checked
from vitviz.attention.view import attention_view
from vitviz.errors import OptionError
from vitviz.models.inputs import Picture, input_of
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.record import Result
from vitviz.trace import Target, Trace, trace
from vitviz.trace.default import target_of

SHARES = tuple(tenth / 10 for tenth in range(10))
"""None to 90% of the patches, as in the paper."""


@dataclass(frozen=True, eq=False)
class DropCurve(Result):
    """The score of one target as patches go in three orders.

    >>> small = vitviz.load_vit("default", image_size=28)  # 2 × 2 patches
    >>> curve = vitviz.drop_curve(small, "photo.jpg", shares=(0.0, 0.5), draws=2)
    >>> curve.most_attended.shape, curve.replacement
    ((2,), 'black')
    """

    fractions: Curve
    """(step,) share of the patches that are gone, as whole patches allow it."""
    random: RandomBand
    """Patches in random order: mean and 95% interval over the draws."""
    most_attended: Curve
    """(step,) the score when the patches with the most attention go first."""
    least_attended: Curve
    """(step,) the score when those with the least attention go first."""
    attention: NDArray[np.float32]
    """(rows, columns) the attention that orders them, in the last layer, mean over heads."""
    attends: str
    """Whose attention it is, in words."""
    replacement: str
    """What takes the place of a patch."""
    target: Target
    """What the score is of: the probability of a class, or a similarity of embeddings."""


@checked
def drop_curve(
    vit: ViT,
    image: Picture,
    *,
    target: int | str | Target | None = None,
    shares: Sequence[float] = SHARES,
    replacement: str = "black",
    draws: int = 8,
    seed: int = 0,
    batch_size: int = 16,
    progress: Progress | None = None,
    preview: Callable[[DropCurve], object] | None = None,
) -> DropCurve:
    """Return the score of a target as ever more patches go: at random, most attended first, least attended first.

    ``target`` is a class, by number or name, or a Target, by default the top answer, whose probability is the score;
    without a classifier it is what sets the image apart from its mean colour (``vitviz.trace.default``).
    ``shares`` in [0, 1] are rounded to whole patches.
    ``draws`` is the number of random orders; in each, a larger share holds the smaller ones. With ``replacement``
    "removed" one patch always stays. The attention is the class token's in the last layer, or the mean over all
    patches in a model without one. It costs (draws + 2) × steps forward passes, in batches; ``progress`` may stop it.
    ``preview`` is given the curves as they stand whenever another random order is done, from the second on.

    Raises OptionError for options outside their range, and StoppedError if ``progress`` returns False.

    >>> vitviz.drop_curve(vit, "photo.jpg", shares=(0.0, 0.5), draws=2).fractions
    array([0. , 0.5])
    """
    if draws < 2:
        raise OptionError(
            "draws is {draws}; wanted at least 2, for an interval. 8 is the default.",
            draws=draws,
        )
    if not len(shares) or not all(0 <= share <= 1 for share in shares):
        raise OptionError(
            "The shares of dropped patches are {shares}; wanted numbers from 0 to 1.",
            shares=tuple(shares),
        )
    whole = trace(vit, input_of(vit, image))
    resolved = target_of(vit, target, whole.pixels, whole.logits, whole.embedding)
    view = attention_view(whole)
    falling = np.argsort(-view.values.ravel(), kind="stable")  # (patch,)
    generator = np.random.default_rng(seed)
    orders = [falling, falling[::-1]]
    orders += [generator.permutation(vit.grid.patches) for _ in range(draws)]
    most = vit.grid.patches - (replacement == REMOVED)
    counts = np.minimum(np.round(np.sort(shares) * vit.grid.patches).astype(int), most)
    fractions = counts / vit.grid.patches

    def result(curves: Curve) -> DropCurve:
        return DropCurve(
            fractions=fractions,
            random=random_band(fractions, curves[2:]),
            most_attended=curves[0],
            least_attended=curves[1],
            attention=view.values,
            attends=view.label,
            replacement=replacement,
            target=resolved,
        )

    shown = 3  # two draws at least have an interval

    def look(so_far: Callable[[], torch.Tensor]) -> None:
        nonlocal shown
        answers = so_far()
        whole_orders = len(answers) // len(counts)
        if preview is not None and whole_orders > shown:
            shown = whole_orders
            preview(result(_by_order(answers[: whole_orders * len(counts)], len(counts))))

    pictures = _pictures(vit, whole, orders, counts, replacement, seed)
    total = len(orders) * len(counts)
    options: dict[str, Any] = {"batch_size": batch_size, "progress": progress, "total": total, "probability": True}
    return result(_by_order(scores(vit, pictures, resolved, so_far=look, **options), len(counts)))


def _by_order(answers: torch.Tensor, steps: int) -> Curve:
    """Return the scores as curves, (order, step)."""
    curves: Curve = answers.double().numpy().reshape(-1, steps)
    return curves


def _pictures(
    vit: ViT, whole: Trace, orders: list[Order], counts: NDArray[np.intp], replacement: str, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    """Yield the pictures for each order and number of dropped patches, order by order."""
    pixels = whole.pixels
    behind = replacement_picture(vit, pixels, replacement, seed=seed)
    for order in orders:
        for count in counts:
            yield without_patches(vit, pixels, _first(order, count), replacement, behind)


def _first(order: Order, count: int) -> torch.Tensor:
    """Return the first patches of an order, (patch,) of bool."""
    gone = torch.zeros(len(order), dtype=torch.bool)
    gone[torch.from_numpy(order[:count].copy())] = True
    return gone
