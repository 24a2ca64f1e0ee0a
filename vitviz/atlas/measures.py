"""One pass of a batch of photos: statistics are formed block by block as the pass goes on, and no map is kept.

Every number equals, up to float32, that of the function for one photo: ``head_statistics``, ``token_norms``,
``logit_lens``, ``rollout_row``, ``energy_in_box``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.atlas.block import BlockMeasures, BlockNumbers
from vitviz.atlas.layout import Layout
from vitviz.batches import fitting
from vitviz.capture.own_forward import answers_of
from vitviz.capture.tap import AttentionTap
from vitviz.errors import CaptureError, UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace.forward import head, lens_features

RESIDUAL = 0.5
"""Share of the residual connection in the rollout (Abnar & Zuidema 2020)."""
DEVIATIONS = 4.0
"""Standard deviations above the mean from which a patch's norm is unusual."""


@dataclass(frozen=True, eq=False)
class Measured(Record):
    """What a batch of photos was measured to be."""

    values: dict[str, NDArray[np.float64]]
    """Statistic by name: (photo, …)."""
    maps: dict[str, NDArray[np.float64]]
    """Sum over the photos of each map by name."""
    answers: NDArray[np.int32]
    """(photo,) the class answered; −2 without a classifier."""


class _MeasuringTap(AttentionTap):
    """Measures every attention call as it is made, and keeps nothing of it but numbers."""

    def __init__(self, measures: BlockMeasures, coverage: Tensor | None) -> None:
        super().__init__()
        self._measures, self._coverage = measures, coverage
        self._numbers: list[dict[str, Tensor]] = []
        self.blocks: list[BlockNumbers] = []
        self.outliers: list[Tensor] = []
        """After each block, (photo, patch) of bool; before them that of the first block's input."""

    def enter_block(self, layer: int, stream: Tensor) -> Tensor | None:
        """Note the patches of unusual norm at the first block's input."""
        if layer == 0:
            self.outliers.append(_outliers(stream, self._measures.prefix))
        return super().enter_block(layer, stream)

    def leave_block(self, layer: int, stream: Tensor) -> None:
        """Put the calls of the block that ends together, and let their tensors go."""
        super().leave_block(layer, stream)
        if not self._numbers:
            raise CaptureError(
                f"Block {layer} writes its attention out by hand; wanted torch's fused attention, which an atlas "
                "measures as the pass goes on. Trace single pictures, or build the model with fused attention."
            )
        self.blocks.append(self._measures.joined(self._numbers))
        self._numbers = []
        self.calls.clear()
        self.outliers.append(_outliers(stream, self._measures.prefix))

    def kernel(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, scale: float | None
    ) -> Tensor:
        """Measure a call inside a block, and return its output."""
        if self.layer is None:  # attention pooling
            return super().kernel(query, key, value, attn_mask, scale)
        numbers, output = self._measures.of(query, key, value, attn_mask, scale, self.outliers[-1], self._coverage)
        self._numbers.append(numbers)
        return super().kernel(query, key, value, attn_mask, scale) if output is None else output


def measure(vit: ViT, layout: Layout, pixels: Tensor, coverage: Tensor | None = None) -> Measured:
    """Return what one pass of a batch (photo, 3, height, width) shows.

    ``coverage`` (photo, patch) is the part of every patch that lies in the photo's boxes, NaN for a photo without.
    Where memory does not suffice for all of them, they are run in smaller batches, and a ShortMemoryWarning tells.
    Raises CaptureError for attention or answers that are no finite numbers and for attention written by hand,
    UnsupportedModelError for an answer made of several blocks.
    """
    if not getattr(vit.observed.proven, "separable", True):
        raise UnsupportedModelError(
            f"The answer of {vit.name} is made of more than the tokens of its last block, so no block's answer can be "
            "read; wanted a head behind the last block. Trace single pictures instead."
        )

    def run(places: range) -> Measured:
        some = slice(places.start, places.stop)  # a view: a list of places would copy the whole batch
        return _at_once(vit, layout, pixels[some], None if coverage is None else coverage[some])

    first, *others = fitting(run, range(len(pixels)))
    for part in others:
        first = Measured(
            {name: np.concatenate([first.values[name], part.values[name]]) for name in first.values},
            {name: first.maps[name] + part.maps[name] for name in first.maps},
            np.concatenate([first.answers, part.answers]),
        )
    return first


def _at_once(vit: ViT, layout: Layout, pixels: Tensor, coverage: Tensor | None) -> Measured:
    measures = BlockMeasures(layout)
    with vit.lock, torch.inference_mode():
        shell = vit.shell
        tap = _MeasuringTap(measures, coverage)
        with tap:
            seen = answers_of(shell, vit.as_input(pixels), embedding=False, logits=vit.has_classifier)
        logits = None if seen.logits is None or not vit.has_classifier else seen.logits.float()
        values = _of_blocks(layout, tap) | _of_streams(tap, layout)
        answers = np.full(len(pixels), -2, np.int32)
        if logits is not None:
            values |= _of_answers(vit, tap, logits)
            answers = logits.argmax(-1).cpu().numpy().astype(np.int32)
        maps = _maps(layout, tap)
    _check(vit, values)
    return Measured({name: table.cpu().double().numpy() for name, table in values.items()}, maps, answers)


def _of_blocks(layout: Layout, tap: _MeasuringTap) -> dict[str, Tensor]:
    """Return the statistics of all heads by name, (photo, layer, head), NaN for heads that a layer has not."""
    widest = max(layout.heads)

    def table(name: str) -> Tensor:
        rows = [getattr(block, name) for block in tap.blocks]  # (photo, head) each
        return torch.stack([_widened(row, widest) for row in rows], 1)

    return {name: table(name) for name in BlockNumbers.STATISTICS}


def _widened(row: Tensor, heads: int) -> Tensor:
    missing = heads - row.shape[1]
    return row if not missing else torch.nn.functional.pad(row, (0, missing), value=torch.nan)


def _of_streams(tap: _MeasuringTap, layout: Layout) -> dict[str, Tensor]:
    """Return norms, outliers and growth, (photo, layer), and lengths, (photo, layer + 1)."""
    norms = torch.stack(
        [tap.streams[layer].float().norm(dim=-1) for layer in range(-1, layout.layers)], 1
    ).cpu()  # (photo, layer + 1, token)
    length = norms.double().square().mean(-1).sqrt()
    prefix = len(layout.grid.prefix)
    return {
        "patch_norm": norms[:, 1:, prefix:].mean(-1),
        "outlier_share": torch.stack([unusual.cpu().double().mean(-1) for unusual in tap.outliers[1:]], 1),
        "stream_length": length,
        "growth": length[:, 1:] / length[:, :-1],
    }


def _outliers(stream: Tensor, prefix: int) -> Tensor:
    """Return which patches have an unusual norm: (photo, token, channel) → (photo, patch) of bool."""
    norms = stream[:, prefix:].float().norm(dim=-1)  # (photo, patch)
    limit = norms.mean(-1, keepdim=True) + DEVIATIONS * norms.std(-1, correction=0, keepdim=True)
    unusual: Tensor = norms > limit
    return unusual


def _of_answers(vit: ViT, tap: _MeasuringTap, logits: Tensor) -> dict[str, Tensor]:
    """Return the answer's probability and what the lens reads after each block: (photo,) and (photo, layer + 1)."""
    final = logits.argmax(-1, keepdim=True)  # (photo, 1)
    rows = [
        head(vit, lens_features(vit, tap.streams[layer]), pre_logits=False).float() for layer in range(-1, vit.layers)
    ]
    shares = [vit.probabilities(row).gather(-1, final)[:, 0] for row in rows]
    return {
        "confidence": vit.probabilities(logits).amax(-1),
        "lens_confidence": torch.stack(shares, 1),
        "lens_agreement": torch.stack([(row.argmax(-1, keepdim=True) == final)[:, 0].float() for row in rows], 1),
    }


def _maps(layout: Layout, tap: _MeasuringTap) -> dict[str, NDArray[np.float64]]:
    """Return the sums of the maps over the photos by name, laid out as ``Layout.maps`` says."""
    grid, prefix = layout.grid, len(layout.grid.prefix)
    attention = np.zeros(layout.maps["attention"])
    for layer, block in enumerate(tap.blocks):
        rows = block.query_row[..., prefix:].cpu().sum(0, dtype=torch.float64)  # (head, patch)
        attention[layer, : len(rows)] = grid.to_map(rows.numpy())
    outliers = torch.stack([unusual.sum(0) for unusual in tap.outliers[1:]]).cpu().double().numpy()  # (layer, patch)
    rollout = _rollout_rows(layout, [block.fused for block in tap.blocks])[:, prefix:]  # (photo, patch)
    total = rollout.cpu().sum(0, dtype=torch.float64).numpy()
    return {"rollout": grid.to_map(total), "attention": attention, "outliers": grid.to_map(outliers)}


def _rollout_rows(layout: Layout, fused: list[Tensor]) -> Tensor:
    """Return the row of the rollout of the query, (photo, token); ``fused`` is (photo, query, key), one a layer."""
    tokens, prefix = layout.grid.tokens, len(layout.grid.prefix)
    row = fused[0].new_zeros(len(fused[0]), 1, tokens)
    if layout.query == "class":
        row[..., layout.grid.token("class")] = 1
    else:
        row[..., prefix:] = 1 / layout.grid.patches
    for attention in reversed(fused):
        row = (1 - RESIDUAL) * (row @ attention) + RESIDUAL * row
    return row[:, 0]


def _check(vit: ViT, values: dict[str, Any]) -> None:
    for name in ("entropy", "patch_norm", "confidence"):
        if name in values and bool(torch.isinf(values[name]).any()):
            raise _not_finite(vit, name)
    for name in ("patch_norm", "confidence"):
        if name in values and bool(torch.isnan(values[name]).any()):
            raise _not_finite(vit, name)


def _not_finite(vit: ViT, name: str) -> CaptureError:
    return CaptureError(
        f"{vit.name} gives NaN or infinite numbers ({name.replace('_', ' ')}); wanted finite ones. Check the weights."
    )
