"""Go over every architecture of timm: which can be explained, which are refused and why, which fail.

    python -m benchmarks.sweep_timm                # resumes; results/timm_sweep.csv grows line by line
    python -m benchmarks.sweep_timm --fresh --only "vit_*"
    python -m benchmarks.sweep_timm --table        # writes results/timm_sweep.md from the lines so far

A model whose structure is refused is only built on the meta device, without memory. The others are built with
random weights, two blocks deep and narrow where their constructor takes that (else as they are), traced at their own
picture size, and the maps are compared with those that the same module computes with fused attention off.
"""

from __future__ import annotations

import argparse
import copy
import fnmatch
import gc
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

import vitviz
from benchmarks.sweep_rows import Row, read_rows, table, write_rows
from vitviz.models import timm_door
from vitviz.models.seeding import SeededInitialisation
from vitviz.models.support import check_family

import timm  # isort: skip  # after timm_door, which mends torchvision

RESULTS = Path(__file__).parent / "results"
LARGEST = 400_000_000
"""Parameters: what cannot be built smaller than this is judged by its structure only."""
MOST_TOKENS = 1100
"""Beyond this the maps that fused attention avoids would not fit: a smaller picture is used for the comparison."""
MODEL_SECONDS = 90
QUERIES_AND_KEYS = ("qkv.weight", "q_proj.weight", "k_proj.weight", "in_proj.weight", "q_norm.weight", "k_norm.weight")


class SoftmaxWatch(TorchFunctionMode):
    """Keeps the results of every softmax over the last axis of four-dimensional scores."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[Tensor] = []

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in (Tensor.softmax, torch.softmax, functional.softmax) and result.ndim == 4:
            self.maps.append(result[0].detach().float())
        return result


def examine(name: str) -> Row:
    """Return the verdict on one architecture."""
    row = Row(name, source=timm_source(name))
    start = time.perf_counter()
    try:
        with time_limit(MODEL_SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _judge(row)
    except vitviz.errors.UnsupportedModelError as error:
        row.verdict, row.reason = "refused", reason_of(name, str(error))
    except (Exception, TimeoutError) as error:  # noqa: BLE001 - a sweep reports every failure and goes on
        row.reason = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
    row.seconds = f"{time.perf_counter() - start:.1f}"
    gc.collect()
    return row


def timm_source(name: str) -> str:
    return timm.model_entrypoint(name).__module__.rpartition(".")[2]


def _judge(row: Row) -> None:
    skeleton = on_meta(row.name)
    if skeleton is not None:
        row.type = type(skeleton).__name__
        check_family(row.name, skeleton)
    module, row.built, options = small(row.name, skeleton)
    if module is None:
        row.verdict, row.reason = "supported", "by its structure only: too large to be run here"
        return
    row.type = type(module).__name__
    _trace(row, module, options)
    row.verdict = "supported"


def _trace(row: Row, module: nn.Module, options: dict[str, Any]) -> None:
    vit = vitviz.ViT.from_module(module, name=row.name)
    vitviz.trace(vit, noise(vit.image_size))  # at the model's own size
    row.tokens = f"{vit.grid.rows} × {vit.grid.columns} + {len(vit.grid.prefix)}"
    row.heads = str(vit.heads[0])
    if vit.grid.tokens > MOST_TOKENS:
        patch = vit.grid.patch_size
        smaller = timm.create_model(row.name, img_size=(12 * patch[0], 16 * patch[1]), **options).eval()
        vit = vitviz.ViT.from_module(smaller, name=row.name)
    _compare(row, vit, sharpened(vit))


def _compare(row: Row, vit: vitviz.ViT, trace: vitviz.Trace) -> None:
    maps, answer = eager(vit.module, trace.pixels)
    errors, highest = [], 0.0
    for layer, calls in enumerate(trace.calls):
        wanted = torch.cat([maps.pop(0) for _ in calls])  # (heads, query, key)
        errors.append(float((trace.attention(layer) - wanted).abs().max()))
        highest = max(highest, float(wanted.max()))
    output = trace.embedding if trace.logits is None else trace.logits
    distance = (output - answer).abs().max() / answer.abs().max().clamp_min(1e-6)
    row.map_error, row.highest_share = f"{max(errors):.1e}", f"{highest:.2f}"
    row.answer_error = f"{float(distance):.1e}"
    if not (max(errors) <= 1e-5 and distance <= 1e-4):
        raise ValueError(f"maps differ by {row.map_error}, answers by {row.answer_error}")


def on_meta(name: str) -> nn.Module | None:
    """Return the whole model without memory, or None if its constructor needs real numbers."""
    try:
        with torch.device("meta"):
            module: nn.Module = timm.create_model(name).eval()
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None
    return module


def small(name: str, skeleton: nn.Module | None) -> tuple[nn.Module | None, str, dict[str, Any]]:
    """Return the model with random weights, as small as its constructor allows, and how it was built."""
    with SeededInitialisation(0):
        for how, options in (
            ("narrow", narrow(skeleton)),
            ("narrow", narrow(skeleton, grouped=True)),
            ("2 blocks", {"depth": 2}),
        ):
            try:
                return timm.create_model(name, **options).eval(), how, options
            except (TypeError, ValueError, AssertionError, RuntimeError, IndexError, KeyError, ZeroDivisionError):
                continue
        if skeleton is not None and sum(parameter.numel() for parameter in skeleton.parameters()) > LARGEST:
            return None, "meta", {}
        return timm.create_model(name).eval(), "whole", {}


def narrow(module: nn.Module | None, *, grouped: bool = False) -> dict[str, Any]:
    """Return arguments for two blocks with the model's own number of heads, 16 channels each.

    ``grouped`` gives every block the fewest key heads that one block has: some constructors list them by block.
    """
    parts = [] if module is None else list(module.modules())
    heads = next((int(part.num_heads) for part in parts if hasattr(part, "num_heads")), 4)
    options = {"depth": 2, "embed_dim": 16 * heads}
    if grouped:
        options["num_kv_heads"] = min(
            (int(part.num_kv_heads) for part in parts if hasattr(part, "num_kv_heads")), default=1
        )
    return options


def sharpened(vit: vitviz.ViT) -> vitviz.Trace:
    """Enlarge queries, keys and layer scales until some scores reach 20, and return the trace of then.

    Uniform maps would hide mistakes. Much larger scores would show nothing but their own rounding.
    """
    trace = vitviz.trace(vit, noise(vit.image_size))
    with torch.no_grad():
        for key, parameter in vit.module.named_parameters():
            if "gamma" in key:
                parameter.fill_(0.5)
        for _ in range(12):
            trace = vitviz.trace(vit, noise(vit.image_size))
            if max(float(trace.attention_scores(layer).abs().max()) for layer in range(trace.layers)) > 20:
                break
            for key, parameter in vit.module.named_parameters():
                if "blocks" in key and key.endswith(QUERIES_AND_KEYS):
                    parameter.mul_(1.5)
    return trace


def noise(size: tuple[int, int]) -> Tensor:
    return torch.randn(3, *size, generator=torch.Generator().manual_seed(0))


def eager(module: nn.Module, pixels: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return every attention map and the answer of a copy of the module with fused attention off."""
    plain = copy.deepcopy(module)
    for part in plain.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    with torch.no_grad(), SoftmaxWatch() as watch:
        answer: Tensor = plain(pixels[None])[0]
    return watch.maps, answer


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} seconds of computing")

    before = signal.signal(signal.SIGPROF, stop)  # a busy machine takes nothing off
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def reason_of(name: str, message: str) -> str:
    """Return the reason inside a refusal, without the name before it and the advice after it."""
    return message.removeprefix(f"{name} cannot be explained truthfully: ").partition(". Wanted ")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="Classify every architecture of timm.")
    parser.add_argument("--only", default="*", help="a pattern of names")
    parser.add_argument("--fresh", action="store_true", help="forget what was found before")
    parser.add_argument("--table", action="store_true", help="write the table only")
    parser.add_argument("--minutes", type=float, default=60, help="stop after this long; the next run goes on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "timm_sweep.csv"
    if options.fresh or not path.is_file():
        write_rows(path, [], append=False)
    done = {row.name for row in read_rows(path)}
    end = time.monotonic() + 60 * options.minutes
    names = [name for name in timm_door.model_names() if name not in done and fnmatch.fnmatch(name, options.only)]
    for name in [] if options.table else names:
        if time.monotonic() > end:
            break
        row = examine(name)
        write_rows(path, [row], append=True)
        print(f"{row.verdict:10s} {name:55s} {row.built:9s} {row.map_error:8s} {row.reason[:90]}", flush=True)
    rows = sorted(read_rows(path), key=lambda row: row.name)
    write_rows(path, rows, append=False)
    (RESULTS / "timm_sweep.md").write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
