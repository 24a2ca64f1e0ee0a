"""Checkpoints as people have them: every layout of a weights file, written, loaded and compared with its own model."""
