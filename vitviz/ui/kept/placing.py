"""Where the dashboard computes: as ``serve --device --precision`` said, or the variables that these set."""

from __future__ import annotations

import os
from typing import Any

from vitviz.models.devices import DEVICE, PRECISION


def placing(precision: str = "") -> dict[str, Any]:
    """Return the options of ``load_vit`` and ``load_convnet`` that the environment chooses, and a reader.

    The device is the server's; a reader's ``precision`` goes before the server's, unless it is empty.
    """
    return {
        "device": os.environ.get(DEVICE) or "cpu",
        "precision": precision or os.environ.get(PRECISION) or "float32",
    }
