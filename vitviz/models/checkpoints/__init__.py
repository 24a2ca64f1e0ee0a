"""Weights files as people have them: read without running anything, recognised, and fitted to an architecture."""

from vitviz.models.checkpoints.file import classes_in, read_checkpoint, read_contents, sha256_of
from vitviz.models.checkpoints.fit import difference
from vitviz.models.checkpoints.other_networks import check_network
from vitviz.models.checkpoints.recognition import Recognition, recognise

__all__ = [
    "Recognition", "check_network", "classes_in", "difference", "read_checkpoint", "read_contents", "recognise",
    "sha256_of",
]  # fmt: skip
