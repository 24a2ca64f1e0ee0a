"""Where the dashboard computes: as ``serve --device --precision`` said, or the variables that these set."""

from __future__ import annotations

import os
from typing import Any

from vitviz.models.devices import DEVICE, PRECISION


def placing() -> dict[str, Any]:
    """Return the options of ``load_vit`` and ``load_convnet`` that the environment chooses."""
    return {
        "device": os.environ.get(DEVICE) or "cpu",
        "precision": os.environ.get(PRECISION) or "float32",
    }
