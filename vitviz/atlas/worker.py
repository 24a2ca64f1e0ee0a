"""What a worker does, of this process or another: load the model once, measure the shards that it is given."""

from __future__ import annotations

import functools

import torch

from vitviz.atlas.job import Job, ModelChoice
from vitviz.atlas.shard import Tell, measure_shard
from vitviz.atlas.state_file import state_bytes
from vitviz.models.devices import device_named
from vitviz.models.vit import ViT


@functools.lru_cache(maxsize=1)
def loaded(choice: ModelChoice, device: str) -> ViT:
    """Return a model on a device; a worker loads it once."""
    return choice.load(device)


def on_device(vit: ViT, device: str) -> ViT:
    """Return a model, its weights moved to a device; raises OptionError for one that is not here."""
    vit.module.to(device_named(device))
    return vit


def run_job(job: Job, tell: Tell | None = None) -> tuple[int, bytes]:
    """Return a job's shard and its state as a file's content: what every runner calls."""
    if job.threads is not None:
        torch.set_num_threads(job.threads)
    vit = loaded(job.model, job.device) if isinstance(job.model, ModelChoice) else job.model
    return job.shard, state_bytes(measure_shard(vit, job, tell))
