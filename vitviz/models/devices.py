"""Where a model computes, and in how many bits: the processor, or a device that is here by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import torch
from torch import nn

from vitviz.errors import OptionError
from vitviz.out_of_memory import memory_told
from vitviz.record import Record

Precision = Literal["float32", "bfloat16", "float16"]
"""Of weights and passes; results are float32 whatever it is."""
AUTO = "auto"
DEVICE, PRECISION = "VITVIZ_DEVICE", "VITVIZ_PRECISION"
"""Environment variables that say where the dashboard computes; the library and the terminal have arguments."""
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Placement(Record):
    """A device and a precision that are here."""

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(cls, device: str, precision: str) -> Placement:
        """Return the placement that names say; raises OptionError, with what is here, for an unknown or absent one."""
        if precision not in get_args(Precision):
            raise OptionError(
                "precision is {precision}; wanted one of {listed}. float32 loses nothing.",
                precision=repr(precision),
                listed=", ".join(get_args(Precision)),
            )
        return cls(device_named(device), getattr(torch, precision))

    def put(self, module: Module) -> Module:
        """Return a module, moved and converted in place; raises ShortMemoryError where the device is too small."""
        with memory_told():
            return module.to(self.device, self.dtype)


HERE = Placement(torch.device("cpu"), torch.float32)
"""The processor, at full precision."""


def devices() -> tuple[str, ...]:
    """Return the names of the devices that are here: "cpu", "cuda:0" and so on for each GPU, "mps"."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    apple = ("mps",) if torch.backends.mps.is_available() else ()
    return ("cpu", *(f"cuda:{number}" for number in range(count)), *apple)


def device_named(name: str) -> torch.device:
    """Return the device of a name; "auto" is the first GPU, else Apple's, else the processor.

    Raises OptionError, with what is here, for a name that is none or a device that is absent.
    """
    here = devices()
    if name == AUTO:
        return torch.device(here[1] if len(here) > 1 else here[0])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in here:
        raise OptionError(
            "There is no device {name}; here are {listed}. Name one of them, or {auto}.",
            name=repr(name),
            listed=", ".join(here),
            auto=repr(AUTO),
        )
    return torch.device(wanted)


def precision_of(dtype: torch.dtype) -> Precision:
    """Return the name of a precision; what has none of its own, such as float64, is float32."""
    name = str(dtype).removeprefix("torch.")
    return next((known for known in get_args(Precision) if known == name), "float32")
