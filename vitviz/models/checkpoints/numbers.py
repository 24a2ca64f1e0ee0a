"""Whether the tensors of a checkpoint hold the numbers of a model: finite, in floating point, all of them there."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import CheckpointError

_PARTED = re.compile(r"\.(?:qweight|qzeros|SCB|weight_scale|weight_format|absmax)$|_packed_params")


def check_numbers(name: str, state: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError, with the tensor's name, for a state dict whose tensors are no plain finite numbers.

    torch would copy whole numbers of a quantised model into weights without a word.
    """
    for key, value in state.items():
        if re.search(r"\.lora_[AB]$", key):
            raise CheckpointError(
                "{name} holds low-rank matrices of loralib ({tensor}), and nothing says whether they are merged "
                "already; wanted the merged weights. Save the state_dict after model.eval() without lora_A, lora_B.",
                name=name,
                tensor=key,
            )
        _check_kind(name, key, value)
        if value.is_floating_point() and not bool(torch.isfinite(_plain(value)).all()):
            wrong = int((~torch.isfinite(_plain(value))).sum())
            raise CheckpointError(
                "{name} holds {wrong} numbers that are NaN or infinite, of {count}, in {tensor}; wanted finite "
                "weights. The training diverged, or the file is damaged: save an earlier state.",
                name=name,
                wrong=f"{wrong:,}",
                count=f"{value.numel():,}",
                tensor=key,
            )


def _plain(value: Tensor) -> Tensor:
    """Return numbers of eight bits, of which torch cannot ask whether they are finite, in more."""
    return value.float() if value.element_size() == 1 else value


def _check_kind(name: str, key: str, value: Tensor) -> None:
    if value.is_meta or (value.numel() == 0 and value.layout == torch.strided):
        raise CheckpointError(
            "{name} has no numbers in {tensor}; wanted all weights. They lie in other files, as those of DeepSpeed "
            "ZeRO-3 do: join them with its zero_to_fp32.py, or save the model's whole state_dict.",
            name=name,
            tensor=key,
        )
    kind: object = str(value.dtype).removeprefix("torch.")
    if value.is_quantized or _PARTED.search(key):
        kind = Clause("quantised")
    elif value.layout != torch.strided:
        kind = Clause("sparse")
    elif value.is_floating_point() or key.endswith(("num_batches_tracked", "relative_position_index")):
        return
    raise CheckpointError(
        "{name} has {tensor} as {kind}; wanted floating-point numbers in a plain tensor. Save the weights from before "
        "they were quantised or converted.",
        name=name,
        tensor=key,
        kind=kind,
    )
