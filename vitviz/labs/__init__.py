"""Experiments whose right answer is known: pure functions with frozen results; each module has a ``run``."""
