"""What a trace and four explanations cost on each device that is here: milliseconds, and memory beyond the weights.

ViT-S, B and L with patches of 14 pixels (DINOv2's) at 224 and 518 pixels: random weights, on which time does not
depend, and one picture of noise. Occlusion takes away each patch by itself, integrated gradients have 32 steps.
Milliseconds are the median of some rounds after one that does not count, the device waited for. Memory is the most that
was allocated beyond what was held before: as CUDA's allocator counts it, elsewhere the tensors that live at once.

    python -m benchmarks.bench_devices --out devices.md
    python -m benchmarks.bench_devices --devices cpu --models small --sizes 224 --rounds 1
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

import torch

import vitviz
from benchmarks.timing import rounds, table
from vitviz.analysis.peak_memory import PeakMemory
from vitviz.models.devices import Precision, devices
from vitviz.models.vit import ViT

MODELS = {size: f"timm:vit_{size}_patch14_dinov2" for size in ("small", "base", "large")}
SIZES = (224, 518)
EXPLANATIONS = {
    "rollout": {},
    "gradient_rollout": {},
    "occlusion": {},
    "integrated_gradients": {"n_steps": 32},
}


def main() -> None:
    """Measure what the options name, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", nargs="+", default=list(devices()), metavar="NAME")
    parser.add_argument("--precision", choices=get_args(Precision), default="float32")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), metavar="PIXELS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="file for the table")
    options = parser.parse_args()
    rows = [
        row
        for device in options.devices
        for model in options.models
        for size in options.sizes
        for row in measured(device, options.precision, model, size, options.rounds)
    ]
    listed = table(("device", "model", "pixels", "what", "ms", "MB"), rows)
    text = f"{_machine(options.devices, options.precision)}\n\n{listed}\n"
    print(text)
    if options.out is not None:
        options.out.write_text(text, "utf-8")


def measured(device: str, precision: str, model: str, size: int, count: int) -> list[tuple[str, ...]]:
    """Return the rows of one model and input size on one device."""
    vit = vitviz.load_vit(MODELS[model], weights="random", image_size=size, device=device, precision=precision)
    picture = torch.randn(3, size, size, generator=torch.Generator().manual_seed(0))
    target = vitviz.patch_likeness(vit, picture, 0)  # the architecture has no classes
    work: dict[str, Callable[[], object]] = {"trace": partial(vitviz.trace, vit, picture)}
    for name, knobs in EXPLANATIONS.items():
        work[name] = partial(vitviz.attribute, name, vit, picture, target=target, **knobs)
    seconds = rounds({name: partial(_whole, vit, run) for name, run in work.items()}, count=count)
    return [
        (
            device,
            f"ViT-{model[0].upper()}",
            str(size),
            name,
            f"{1000 * seconds[name]:.0f}",
            f"{_peak(vit, run) / 1e6:.0f}",
        )
        for name, run in work.items()
    ]


def _whole(vit: ViT, run: Callable[[], object]) -> None:
    """Run, and wait until the device has done all of it."""
    run()
    if vit.device.type == "cuda":
        torch.cuda.synchronize(vit.device)
    elif vit.device.type == "mps":
        torch.mps.synchronize()


def _peak(vit: ViT, run: Callable[[], object]) -> int:
    """Return the bytes that a run needs at most, beyond those that were held before."""
    if vit.device.type != "cuda":
        with PeakMemory() as memory:
            run()
        return memory.peak
    torch.cuda.reset_peak_memory_stats(vit.device)
    before = torch.cuda.memory_allocated(vit.device)
    run()
    return torch.cuda.max_memory_allocated(vit.device) - before


def _machine(names: list[str], precision: str) -> str:
    cards = [torch.cuda.get_device_name(name) for name in names if name.startswith("cuda")]
    cards += [f"{platform.machine()}, {torch.get_num_threads()} threads"] if "cpu" in names else []
    return f"{precision}; {'; '.join(cards) or platform.machine()}; torch {torch.__version__}."


if __name__ == "__main__":
    main()
