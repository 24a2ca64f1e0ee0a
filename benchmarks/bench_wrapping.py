"""What the examination at wrapping costs: seconds of ``ViT.from_module`` beside those of one plain forward pass.

``python -m benchmarks.bench_wrapping`` prints the table; ``--out benchmarks/results/wrapping.md`` writes it too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import vitviz
from benchmarks.timing import table
from vitviz.models import timm_door

NAMES = ("vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224")
HEADER = ("model", "plain forward", "timm's own module", "code of one's own around it")


class Around(nn.Module):
    """Code of one's own: everything is examined, nothing is known of a library."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Any:
        """Answer as the module inside does."""
        return self.inner(x)


def seconds(call: Callable[[], Any], repeats: int = 3) -> float:
    """Return the least seconds of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def row(name: str) -> tuple[str, ...]:
    """Return a row of the table."""
    module = timm_door.build(name)
    picture = torch.zeros(1, 3, 224, 224)
    with torch.no_grad():
        plain = seconds(lambda: module(picture))
    own = Around(module).eval()
    parts = [seconds(lambda wrapped=wrapped: vitviz.ViT.from_module(wrapped)) for wrapped in (module, own)]
    return name, f"{plain:.2f} s", *(f"{part:.2f} s, {part / plain:.1f} times" for part in parts)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    text = (
        "# What wrapping costs\n\n`ViT.from_module` on the processor, one picture of 224 × 224 pixels, "
        f"{torch.get_num_threads()} thread (torch {torch.__version__}), the least of three: passes on noise that prove "
        "the answer and look at the order of blocks, tokens and batches. Made by `python -m "
        f"benchmarks.bench_wrapping`.\n\n{table(HEADER, [row(name) for name in NAMES])}\n"
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
