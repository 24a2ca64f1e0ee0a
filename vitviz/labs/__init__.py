"""Experiments whose right answer is known: pure functions with frozen results; each module has a ``run``."""

from vitviz.labs.object import noisy_picture, pasted_object, smallest_object

__all__ = ["noisy_picture", "pasted_object", "smallest_object"]
