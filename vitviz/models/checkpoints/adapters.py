"""PEFT's low-rank adapters beside their base: merged into it, as ``merge_and_unload`` does."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.layout import State

_LORA = re.compile(r"(.*)\.lora_A(?:\.(\w+))?\.weight$")


def merged(state: State, settings: Mapping[str, Any]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return a state dict with its adapters merged: W + α/r · B A, and in words what was done.

    ``settings`` are those of adapter_config.json. Raises CheckpointError for adapters without their base, without
    their α, and for those that are no plain pair of matrices.
    """
    pairs = {match[1]: match for match in map(_LORA.match, state) if match}
    if not pairs:
        return dict(state), ()
    _check(state, pairs, settings)
    result = {name: value for name, value in state.items() if ".lora_" not in name and ".original_module." not in name}
    for place, match in pairs.items():
        first, second = state[match[0]], state[match[0].replace(".lora_A", ".lora_B")]  # (rank, in), (out, rank)
        rank = first.shape[0]
        scale = settings["lora_alpha"] / (math.sqrt(rank) if settings.get("use_rslora") else rank)
        change = scale * (second.float() @ first.float())
        name = f"{place}.base_layer.weight"
        change = change.T if settings.get("fan_in_fan_out") else change
        result[name] = (state[name].float() + change).to(state[name].dtype)
    plain = {re.sub(r"\.base_layer\.|\.modules_to_save\.\w+\.", ".", name): value for name, value in result.items()}
    return plain, (
        Clause("{count} low-rank adapters merged (α = {alpha:g})", count=len(pairs), alpha=settings["lora_alpha"]),
    )


def _check(state: State, pairs: Mapping[str, re.Match[str]], settings: Mapping[str, Any]) -> None:
    alone = [place for place in pairs if f"{place}.base_layer.weight" not in state]
    advice = "Merge them first: model.merge_and_unload(), then save its state_dict."
    if alone:
        raise CheckpointError(
            "The file holds low-rank adapters without their base ({alone} and {last} more); wanted both. {hint}",
            alone=alone[0],
            last=len(alone) - 1,
            hint=advice,
        )
    names = {match[2] for match in pairs.values()}
    odd = next((name for name in state if "lora_magnitude" in name or "lora_embedding" in name), None)
    convolution = next((match[0] for match in pairs.values() if state[match[0]].ndim != 2), None)
    if len(names) > 1 or odd or convolution or settings.get("alpha_pattern") or settings.get("rank_pattern"):
        oddity = (
            odd
            or convolution
            or (
                Clause("several adapters: {listed}", listed=", ".join(sorted(map(str, names))))
                if len(names) > 1
                else Clause("α by layer")
            )
        )
        raise CheckpointError(
            "The file's adapters are not one plain pair of matrices a layer ({oddity}). {hint}",
            oddity=oddity,
            hint=advice,
        )
    if not isinstance(settings.get("lora_alpha"), int | float):
        raise CheckpointError(
            "The file holds low-rank adapters, and their strength lora_alpha stands in no "
            "adapter_config.json beside it. Put that file there. Or: {hint}",
            hint="merge them first: model.merge_and_unload(), then save its state_dict.",
        )
