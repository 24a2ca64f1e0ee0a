"""Pre-LN against Post-LN: the same network trained twice, and only the place of the LayerNorm differs."""

from vitviz.labs.layer_norm.training import train

__all__ = ["train"]
