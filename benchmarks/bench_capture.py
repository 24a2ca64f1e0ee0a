"""What capturing attention costs: time against a plain forward pass and against unfusing and storing; memory.

DINOv2's ViT-S/14 with random weights (time does not depend on them) at 224 and 518 pixels, one image.
"""

from __future__ import annotations

import argparse

import torch

import vitviz
from benchmarks.peers import full_rollout, stored_maps, unfused
from benchmarks.timing import rounds, table

MODEL = "timm:vit_small_patch14_dinov2"


def measure(size: int, count: int) -> list[tuple[str, ...]]:
    """Return the rows of the table for one image size."""
    vit = vitviz.load_vit(MODEL, weights="random", image_size=size)
    twin = unfused(vit.module)
    pixels = torch.randn(3, size, size, generator=torch.Generator().manual_seed(0))

    def plain() -> object:
        with torch.no_grad():
            return vit.module(pixels[None])

    seconds = rounds(
        {
            "plain forward (fused)": plain,
            "vitviz.trace": lambda: vitviz.trace(vit, pixels),
            "unfuse and store": lambda: stored_maps(twin, pixels[None]),
            "trace, rollout of the class token": lambda: vitviz.rollout_row(vitviz.trace(vit, pixels), "class"),
            "unfuse, store, multiply": lambda: full_rollout(stored_maps(twin, pixels[None])),
        },
        count=count,
    )
    trace, maps = vitviz.trace(vit, pixels), stored_maps(twin, pixels[None])
    error = max(float((trace.attention(layer) - stored[0]).abs().max()) for layer, stored in enumerate(maps))
    row_error = float((vitviz.rollout_row(trace, "class") - full_rollout(maps)[0]).abs().max())
    memory = {
        "vitviz.trace": trace.nbytes,
        "unfuse and store": sum(tensor.numel() * tensor.element_size() for tensor in maps),
    }
    base = seconds["plain forward (fused)"]
    usual = seconds["unfuse, store, multiply"]
    rows = []
    for name, elapsed in seconds.items():
        against = (
            f"{elapsed / usual:.2f} × the usual way"
            if "rollout" in name or "multiply" in name
            else f"{elapsed / base:.2f} × plain"
        )
        size_text = f"{memory[name] / 1e6:.0f} MB" if name in memory else ""
        rows.append((f"{size}", name, f"{1000 * elapsed:.0f} ms", against, size_text))
    share = memory["vitviz.trace"] / memory["unfuse and store"]
    rows.append((f"{size}", "memory of the trace against stored maps", "", f"{share:.2f} ×", ""))
    rows.append((f"{size}", "largest difference of any map / rollout", "", f"{error:.1e} / {row_error:.1e}", ""))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.rounds} rounds, medians\n")
    rows = [row for size in (224, 518) for row in measure(size, options.rounds)]
    print(table(("pixels", "what", "median", "ratio", "memory kept"), rows))
    print("\nTargets: trace ≤ 1.10 × plain; memory ≤ 0.20 × at 518 px; rollout ≤ 1.00 × the usual way at 518 px.")


if __name__ == "__main__":
    main()
