"""What explanations cost: occlusion against Captum's, token Grad-CAM against pytorch-grad-cam's, and against a pass.

Random weights (time does not depend on them) and one picture of noise. Occlusion takes one patch away at a time, with
black in its place, on both sides; the maps are compared. Captum runs with its default of one changed picture a pass and
with several batch sizes, the best of which counts. Gradient-weighted rollout is compared with the plain model's forward
pass and the gradient of one logit at the pixels, and with the method written out on unfused maps (benchmarks/peers.py),
as its published code does it. pytorch-grad-cam takes part where `make training` installed it.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

import vitviz
from benchmarks.peers import (
    full_rollout,
    pytorch_grad_cam,
    stored_maps,
    unfused,
    unfused_gradient_rollout,
    unfused_legrad,
)
from benchmarks.timing import rounds, table
from vitviz.analysis.peak_memory import PeakMemory
from vitviz.analysis.replacement import replacement_picture

Clock = Callable[[], float]
CLASS = 3
MODELS = (
    ("timm:vit_tiny_patch16_224", 224),
    ("timm:vit_small_patch16_224", 224),
    ("timm:vit_small_patch14_dinov2", 224),
)
BATCHES = (4, 16)
SHARED = ("class_attention", "rollout", "gradient_rollout", "legrad", "saliency", "token_grad_cam")
"""Methods that read attention or one gradient."""


def loaded(name: str, size: int) -> tuple[vitviz.ViT, Tensor]:
    """Return a model with random weights and 10 classes, and a picture of noise."""
    from vitviz.models.timm_door import build

    module = build(name.removeprefix("timm:"), image_size=(size, size), classes=10, seed=0)
    vit = vitviz.ViT.from_module(module, name=name, image_size=(size, size))
    return vit, torch.randn(3, size, size, generator=torch.Generator().manual_seed(0))


def captum_occlusion(vit: vitviz.ViT, pixels: Tensor, batch: int) -> Tensor:
    """Return Captum's map, (rows, columns)."""
    from captum.attr import Occlusion

    height, width = vit.grid.patch_size
    black = replacement_picture(vit, pixels, "black")
    maps: Tensor = Occlusion(lambda pictures: vit.module(pictures)[:, CLASS]).attribute(
        pixels[None],
        sliding_window_shapes=(3, height, width),
        strides=(3, height, width),
        baselines=black[None],
        perturbations_per_eval=batch,
    )
    return maps[0, 0, height // 2 :: height, width // 2 :: width].float()


def occlusion(vit: vitviz.ViT, pixels: Tensor, batch: int = 16) -> Tensor:
    """Return vitviz's map, (rows, columns)."""
    attribution = vitviz.attribute("occlusion", vit, pixels, target=CLASS, replacement="black", batch_size=batch)
    return torch.from_numpy(attribution.values)


def measure_occlusion(name: str, size: int, count: int, clock: Clock) -> list[tuple[str, ...]]:
    """Return the rows of one model."""
    vit, pixels = loaded(name, size)
    usual, *batched = (f"Captum, {batch_size} a pass" for batch_size in (1, *BATCHES))
    contenders = {
        usual: functools.partial(captum_occlusion, vit, pixels, 1),
        **{
            label: functools.partial(captum_occlusion, vit, pixels, batch)
            for label, batch in zip(batched, BATCHES, strict=True)
        },
        "vitviz": functools.partial(occlusion, vit, pixels),
    }
    with torch.no_grad():
        seconds = rounds(contenders, count=count, warm=0, clock=clock)
        error = (captum_occlusion(vit, pixels, 16) - occlusion(vit, pixels)).abs().max()
        scale = occlusion(vit, pixels).abs().max()
    own, best = seconds["vitviz"], min(seconds[label] for label in (usual, *batched))
    rows = [
        (name, f"{vit.grid.rows} × {vit.grid.columns}", label, f"{elapsed:.2f} s", f"{elapsed / own:.2f} ×")
        for label, elapsed in seconds.items()
    ]
    ratios = f"{seconds[usual] / own:.2f} / {best / own:.2f}"
    rows.append((name, "", "default call / best setting, against vitviz", "", ratios))
    rows.append((name, "", "largest difference of maps, relative", "", f"{float(error / scale):.1e}"))
    return rows


def measure_gradient_rollout(name: str, size: int, count: int, clock: Clock) -> list[tuple[str, ...]]:
    """Return the rows of gradient-weighted rollout for one model."""
    vit, pixels = loaded(name, size)
    twin = unfused(vit.module)

    def forward_backward() -> object:
        batch = pixels[None].clone().requires_grad_()
        return torch.autograd.grad(vit.module(batch)[0, CLASS], [batch])

    def ours() -> vitviz.Attribution:
        return vitviz.attribute("gradient_rollout", vit, pixels, target=CLASS)

    def written_out() -> Tensor:
        return unfused_gradient_rollout(twin, pixels[None], CLASS)

    plain, own, usual = ("one forward and backward pass", "vitviz", "unfused maps, kept and multiplied")
    seconds = rounds({plain: forward_backward, own: ours, usual: written_out}, count=count, clock=clock)
    expected = vit.grid.to_map(written_out()[0])
    error = (torch.from_numpy(ours().values) - expected).abs().max() / expected.abs().max()
    rows = [
        (name, f"{size}", label, f"{1000 * elapsed:.0f} ms", f"{elapsed / seconds[plain]:.2f} ×")
        for label, elapsed in seconds.items()
    ]
    rows.append((name, "", "largest difference of the maps, relative", "", f"{float(error):.1e}"))
    return rows


def measure_grad_cam(name: str, size: int, count: int, clock: Clock) -> list[tuple[str, ...]]:
    """Return the rows of token Grad-CAM at the last block for one model."""
    vit, pixels = loaded(name, size)
    theirs = pytorch_grad_cam(vit, CLASS, vit.layers - 1)

    def ours() -> Tensor:
        attribution = vitviz.attribute("token_grad_cam", vit, pixels, target=CLASS)
        return torch.from_numpy(attribution.values)

    contenders = {"pytorch-grad-cam": functools.partial(theirs, pixels), "vitviz": ours}
    seconds = rounds(contenders, count=count, clock=clock)
    expected = theirs(pixels)
    error = (ours() - expected).abs().max() / expected.abs().max()
    rows = [
        (name, f"{size}", label, f"{1000 * elapsed:.0f} ms", f"{elapsed / seconds['vitviz']:.2f} ×")
        for label, elapsed in seconds.items()
    ]
    rows.append((name, "", "largest difference of the maps, relative", "", f"{float(error):.1e}"))
    return rows


def captum_integrated_gradients(vit: vitviz.ViT, pixels: Tensor, batch: int) -> Tensor:
    """Return Captum's integrated gradients with 32 steps from the mean colour: (height, width)."""
    from captum.attr import IntegratedGradients

    plain = replacement_picture(vit, pixels, "mean")
    engine = IntegratedGradients(lambda pictures: vit.module(pictures)[:, CLASS])
    values: Tensor = engine.attribute(pixels[None], baselines=plain[None], n_steps=32, internal_batch_size=batch)
    return values.detach()[0].sum(0)


def measure_authors(name: str, size: int, count: int, clock: Clock) -> list[tuple[str, ...]]:
    """Return the rows of the methods whose authors' way is written out: their time over vitviz's, and peaks in MB."""
    vit, pixels = loaded(name, size)
    twin = unfused(vit.module)
    pairs: dict[str, tuple[str, Callable[[], Tensor], Callable[[], Tensor]]] = {
        "rollout": ("maps kept", lambda: full_rollout(stored_maps(twin, pixels[None]))[:1, 1:], lambda: own("rollout")),
        "gradient_rollout": (
            "maps kept",
            lambda: unfused_gradient_rollout(twin, pixels[None], CLASS),
            lambda: own("gradient_rollout"),
        ),
        "legrad": ("maps kept", lambda: unfused_legrad(twin, pixels[None], CLASS), lambda: own("legrad")),
        "integrated_gradients": (
            "Captum, 4 a pass",
            lambda: captum_integrated_gradients(vit, pixels, 4),
            lambda: own("integrated_gradients"),
        ),
    }

    def own(method: str) -> Tensor:
        return torch.from_numpy(vitviz.attribute(method, vit, pixels, target=CLASS).values)

    rows = []
    for method, (label, theirs, ours) in pairs.items():
        seconds = rounds({"theirs": theirs, "ours": ours}, count=count, clock=clock)
        peaks = []
        for run in (ours, theirs):
            with PeakMemory() as memory:
                run()
            peaks.append(memory.peak / 1e6)
        expected = theirs().flatten()
        error = float((ours().flatten() - expected).abs().max() / expected.abs().max())
        rows.append(
            (
                name,
                f"{method} ({label})",
                f"{1000 * seconds['theirs']:.0f} / {1000 * seconds['ours']:.0f} ms",
                f"{seconds['theirs'] / seconds['ours']:.2f} ×",
                f"{peaks[0]:.0f} / {peaks[1]:.0f} MB",
                f"{error:.1e}",
            )
        )
    return rows


def measure_shared(name: str, size: int, count: int, clock: Clock) -> list[tuple[str, ...]]:
    """Return the rows of six methods of one target, each with passes of its own and all from one trace."""
    vit, pixels = loaded(name, size)

    def alone() -> None:
        for method in SHARED:
            vitviz.attribute(method, vit, pixels, target=CLASS)

    def together() -> None:
        traced = vitviz.trace(vit, pixels, target=CLASS, layer_scores=True)
        for method in SHARED:
            vitviz.attribute(method, vit, traced)

    seconds = rounds({"each with its own passes": alone, "one trace handed on": together}, count=count, clock=clock)
    best = seconds["one trace handed on"]
    return [
        (name, f"{size}", label, f"{1000 * elapsed:.0f} ms", f"{elapsed / best:.2f} ×")
        for label, elapsed in seconds.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of occlusion")
    parser.add_argument("--passes", type=int, default=15, help="rounds of gradient-weighted rollout")
    parser.add_argument("--models", type=int, default=len(MODELS), help="how many of the list")
    parser.add_argument("--only", choices=("occlusion", "gradient_rollout", "authors", "shared", "grad_cam"))
    parser.add_argument(
        "--cpu", action="store_true",
        help="processor time, for a machine that others use too; with OMP_NUM_THREADS=1",
    )  # fmt: skip
    options = parser.parse_args()
    clock = time.process_time if options.cpu else time.perf_counter
    kind = "processor time" if options.cpu else "wall time"
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, medians of {kind}\n")
    chosen = MODELS[: options.models]
    few, many = options.rounds, options.passes
    authors = (
        "model",
        "method",
        "theirs / vitviz",
        "theirs over vitviz",
        "peak: vitviz / theirs",
        "largest difference",
    )
    tables = {
        "occlusion": (("model", "patches", "occlusion", "median", "against vitviz"), measure_occlusion, chosen, few),
        "gradient_rollout": (
            ("model", "pixels", "gradient-weighted rollout", "median", "ratio"),
            measure_gradient_rollout,
            chosen[-1:],
            many,
        ),
        "authors": (authors, measure_authors, chosen, few),
        "shared": (
            ("model", "pixels", "six methods of one target", "median", "against one trace"),
            measure_shared,
            chosen[:2],
            few,
        ),
        "grad_cam": (
            ("model", "pixels", "token Grad-CAM", "median", "against vitviz"),
            measure_grad_cam,
            chosen[-1:],
            many,
        ),
    }
    for name, (header, measure, cases, count) in tables.items():
        if options.only not in (None, name):
            continue
        if name == "grad_cam" and find_spec("pytorch_grad_cam") is None:
            print("pytorch-grad-cam is not installed; `make training` adds it.")
            continue
        rows = [row for case in cases for row in measure(*case, count, clock)]
        print(table(header, rows), end="\n\n", flush=True)
    print(
        "Targets: occlusion at least 2 × against Captum's default call and never below 1 × against its best "
        "setting; gradient-weighted rollout at most 1.15 × one forward and backward pass."
    )


if __name__ == "__main__":
    main()
