"""What is measured of a kind of module: its logits and maps beside its own, and whether it stayed as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

import vitviz
from benchmarks.modules.kinds import Kind
from vitviz.capture.edit import Edit
from vitviz.capture.shell import unwrapped
from vitviz.errors import VitvizError

NO_GRADIENTS = "no gradients"


@dataclass(frozen=True)
class Verdict:
    """What became of a module."""

    verdict: str
    """"observed", or what the refusal says."""
    logits: float = 0.0
    """Largest difference of its answer to a plain call, as a share of the largest number in it."""
    maps: float = 0.0
    """Largest difference of any map to the attention that an unfused twin stores."""
    remarks: tuple[str, ...] = ()
    """What works in part: told by a reason."""


def measure(kind: Kind, *, seed: int = 0) -> Verdict:
    """Wrap a module of a kind and compare it with itself, and with a twin of the same seed."""
    module = built(kind, seed)
    twin = unwrapped(built(kind if kind.twin is None else replace(kind, build=kind.twin), seed))
    state = state_of(module)
    try:
        vit = vitviz.ViT.from_module(module, name="it", **kind.options)
    except VitvizError as error:
        return Verdict(f"refused: {str(error).split(' Wanted ')[0]}")
    pixels = torch.randn(kind.channels, *vit.image_size, generator=torch.Generator().manual_seed(7))
    trace = vitviz.trace(vit, pixels)
    answer = trace.embedding if trace.logits is None else trace.logits
    plain = plain_row(twin, vit.as_input(pixels[None]), vit)
    maps = reference_maps(twin, vit.as_input(pixels[None]))
    calls = len(maps) // vit.layers  # attention that pools comes last
    layers = [torch.cat(maps[n * calls : (n + 1) * calls], 1)[0] for n in range(vit.layers)]  # (heads, query, key)
    differences = [float((trace.attention(n) - layer.float()).abs().max()) for n, layer in enumerate(layers)]
    remarks = [*_without(vit, pixels), *(["changed"] if state_of(module) != state else [])]
    share = float((answer.float() - plain.float()).abs().max() / plain.float().abs().max())
    return Verdict("observed", share, max(differences), (*vit.notes, *remarks))


def built(kind: Kind, seed: int) -> nn.Module:
    """Return a module of a kind, its weights drawn from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind.build()


def plain_row(module: nn.Module, batch: Tensor, vit: vitviz.ViT) -> Tensor:
    """Return what a plain call of a module answers to one picture, in eval mode and uncompiled."""
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        answer: Any = vit.structure.read(in_eval_mode(module)(batch))
    row: Tensor = answer[0]
    return row


def in_eval_mode(module: nn.Module) -> nn.Module:
    """Put a module and all that it holds into eval mode."""
    for part in module.modules():
        part.training = False
    return module


def reference_maps(twin: nn.Module, batch: Tensor) -> list[Tensor]:
    """Return the attention of every layer, (1, heads, query, key) each, as the unfused code stores it."""
    maps: list[Tensor] = []

    def keep(part: nn.Module, inputs: Any, output: Any) -> None:
        maps.append(inputs[0] if inputs[0].ndim == 4 else inputs[0][None])  # heads in the batch, of one picture

    def keep_softmax(part: nn.Module, inputs: Any, output: Any) -> None:
        maps.append(output)

    def keep_of_torch(part: Any, inputs: Any) -> None:
        maps.append(nn.MultiheadAttention.forward(part, *inputs, need_weights=True, average_attn_weights=False)[1])

    for name, part in twin.named_modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
        if name.endswith("attn_drop"):
            part.register_forward_hook(keep)
        elif name.endswith("attend"):
            part.register_forward_hook(keep_softmax)
        elif isinstance(part, nn.MultiheadAttention):
            part.register_forward_pre_hook(keep_of_torch)
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        in_eval_mode(twin)(batch)
    return maps


def state_of(module: nn.Module) -> list[Any]:
    """Return what must not change: modes, hooks, attributes and weights of all parts."""
    state: list[Any] = []
    for name, part in module.named_modules():
        attributes = {
            key: id(value)
            for key, value in vars(part).items()
            if key not in ("_modules", "_parameters") and not isinstance(value, Tensor | int)  # what a plain call sets
        }
        hooks = [list(value) for key, value in vars(part).items() if "_hooks" in key and value is not None]
        state.append((name, type(part), part.training, attributes, hooks))
    for name, weight in module.named_parameters():
        state.append(
            (
                name,
                id(weight),
                weight.requires_grad,
                0 if weight.is_meta else float(weight.detach().double().sum()),
                weight.grad,
            )
        )
    return state


def _without(vit: vitviz.ViT, pixels: Tensor) -> list[str]:
    """Return what cannot be done with a model, by its own words: gradients, masked tokens."""
    told = []
    try:
        vitviz.trace(vit, pixels, gradients=True)
    except VitvizError as error:
        told.append(f"{NO_GRADIENTS}: {str(error).split(': ')[1].split('. Expl')[0]}")
    try:
        vitviz.trace(vit, pixels, edit=Edit(mask_tokens=[vit.grid.tokens - 1]))
    except VitvizError as error:
        told.append(f"no masked tokens: {str(error).split('. ')[0]}")
    return told
