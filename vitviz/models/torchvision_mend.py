"""Let torchvision, and with it timm, be imported beside a build of torch that its compiled part does not fit.

torchvision's wheels are compiled against one build of torch, on Linux the one with CUDA. Beside another, such as the
one for the CPU alone, its compiled operators cannot be loaded, and `import torchvision` stops where it describes two
of them to torch's compiler: "operator torchvision::nms does not exist". Vision transformers use neither operator, so
declaring what the two look like is enough. Called, they still refuse, with torchvision's own message.

torchvision tries first, always. An operator declared too early would collide with the compiled one, and torch then
ends the whole process: seen with torchvision 0.29, which keeps its operators in a second file.
"""

from __future__ import annotations

import importlib
import threading
from functools import cache
from typing import Literal

import torch

Mend = Literal["unneeded", "declared"]

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
"""Signatures of the two operators, the same as the compiled ones have."""

_LOCK = threading.Lock()
_DECLARED: list[torch.library.Library] = []  # torch forgets a declaration when its Library is collected


def mend_torchvision() -> Mend:
    """Import torchvision, mended if need be, and say what it took. Call it before timm is imported.

    Returns "unneeded" if torchvision imports as it is, and "declared" if two operators had to be declared first.
    Works once a process: later calls, from any thread, return the same answer and do nothing. Whatever else keeps
    torchvision from being imported is raised as it stands.
    """
    with _LOCK:
        return _mend_once()


@cache
def _mend_once() -> Mend:
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if not _operators_missing(error):
            raise
    else:
        return "unneeded"
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    _DECLARED.append(library)
    importlib.import_module("torchvision")
    return "declared"


def _operators_missing(error: RuntimeError) -> bool:
    return "operator torchvision::" in str(error) and "does not exist" in str(error)
