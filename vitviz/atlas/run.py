"""atlas: a model measured over all photos of a source, in shards that any number of workers share."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from vitviz.argument import checked
from vitviz.atlas.entry import Entry
from vitviz.atlas.folder import AtlasFolder, named_folder
from vitviz.atlas.job import Job, ModelChoice, Settings
from vitviz.atlas.layout import Layout
from vitviz.atlas.photo_list import MOST_CLASSES, Shards, changed, read_list, touched, write_list
from vitviz.atlas.photo_reader import PhotoReader
from vitviz.atlas.processes import measured_by_processes
from vitviz.atlas.ray_door import measured_by_ray
from vitviz.atlas.result import Atlas, read_atlas
from vitviz.atlas.sources import Given, Source, source_of
from vitviz.atlas.state import State, content_digest
from vitviz.atlas.worker import loaded, on_device, run_job
from vitviz.attribution.benchmark import RANDOM, Plan
from vitviz.errors import ImageError, OptionError, StoppedError, VitvizError
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.record import Record

PIXELS_OF_A_BATCH = 1 << 26
"""Attention weights, fused over heads, that a batch of the default size may hold for its rollout: 256 MB."""


@dataclass(frozen=True, kw_only=True)
class Runner(Record):
    """Who measures the shards."""

    workers: int = 1
    """Processes of this machine; 1 is this process itself."""
    ray: str | None = None
    """Address of a Ray cluster; None for no cluster."""
    gpus: float = 0
    """GPUs of a shard on the cluster."""
    device: str | None = None
    """Where the passes run, such as "cuda"; None for a GPU if ``gpus`` asks for it, else the processor."""

    def check(self) -> None:
        """Raise OptionError for numbers that cannot be."""
        if self.workers < 1:
            raise OptionError(f"workers is {self.workers}; wanted at least 1. 1 is this process itself.")
        if self.gpus < 0:
            raise OptionError(f"gpus is {self.gpus}; wanted 0 or more. 0.5 lets two shards share a GPU.")
        if self.ray is not None and self.workers > 1:
            raise OptionError(
                f"workers={self.workers} belongs to this machine, and ray to a cluster; wanted one. Leave one out."
            )
        if self.gpus and self.ray is None:
            raise OptionError("gpus belongs to a Ray cluster; wanted ray with it. Give device for a GPU here.")

    @property
    def place(self) -> str:
        """The device of the passes."""
        return self.device or ("cuda" if self.gpus else "cpu")


@checked
def atlas(
    source: Given,
    out: str | os.PathLike[str],
    *,
    model: ViT | str = "default",
    model_options: Mapping[str, Any] | None = None,
    table: str | os.PathLike[str] | None = None,
    column: str | None = None,
    class_ids: Mapping[str, str] | None = None,
    faithfulness: Sequence[str] | Plan = (),
    receptive_field: bool = False,
    cka: bool = False,
    batch: int | None = None,
    shards: int | None = None,
    workers: int = 1,
    ray: str | None = None,
    gpus: float = 0,
    device: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Atlas:
    """Measure a model over all photos of a source, and return what its heads and layers do there, with intervals.

    ``source`` is a folder of photos, whose folders of the first level are classes; a .txt list of paths; a CSV or TSV
    table with ``file``; WebDataset's .tar shards (a folder of them, or a pattern such as "train-{000..009}.tar"); or
    Parquet and Arrow tables with pictures as bytes or paths, in ``column``. ``out`` is the result's folder. ``table``
    tells classes and boxes of photos by name; ``class_ids`` turns ids such as WordNet's into class names.

    ``model`` is a name, with ``model_options`` for ``load_vit``, or a model that is loaded. ``faithfulness`` lists
    methods to put to the test beside random maps, or is a benchmark's Plan; it, ``receptive_field`` and ``cka`` cost
    many passes a photo. ``batch`` photos make a pass.

    ``workers`` processes of this machine share the shards, one thread each (a script then needs the usual
    ``if __name__ == "__main__"``), or ``ray`` names a cluster ("auto", an address, "local") whose tasks take ``gpus``
    GPUs each. A run that was stopped or killed goes on when it is called again, and ends with the same bytes.

    Raises OptionError for a source without photos, for photos, model or settings that are not those of the atlas that
    the folder holds (``overwrite`` begins anew), and where another run writes into it; OutputError for a full disk;
    StoppedError if ``progress`` returns False. What is measured stays.

    >>> vitviz.atlas("photos", "results").photos
    1
    """
    device = device or (model_options or {}).get("device")
    runner = Runner(workers=workers, ray=ray, gpus=gpus, device=device)
    runner.check()
    origin = source_of(source, table=table, column=column)
    folder = AtlasFolder(named_folder(out))
    choice = model if isinstance(model, ViT) else ModelChoice(model, tuple(sorted((model_options or {}).items())))
    if isinstance(choice, ViT) and model_options:
        raise OptionError("model_options belong to a model's name; got a loaded model with them. Leave them out.")
    inputs = [path for path in (*origin.files, *([Path(table)] if table else [])) if path.is_file()]
    with folder.held(inputs=inputs, overwrite=overwrite):
        vit = _vit(choice, runner)
        settings = _settings(vit, faithfulness, receptive_field, cka, batch, class_ids or {})
        told = {"model": _model(vit), **settings.describe(), "source": origin.kind, "column": column, "shards": shards}
        folder.begin(told, {"base": str(origin.base), "files": [str(path) for path in origin.files]}, anew=overwrite)
        cut = _listed(folder, origin, settings, shards)
        if not folder.atlas.is_file():
            job = Job(-1, 0, (), choice, settings, origin.base, column, runner.place)
            _measure(folder, cut, job, runner, progress)
            _finish(folder, cut)
        folder.clear_states()
    return read_atlas(folder.path)


def _vit(choice: ViT | ModelChoice, runner: Runner) -> ViT:
    """Return the model in this process: for its shape and its fingerprint, and to measure with if nobody else does."""
    here = runner.workers == 1 and runner.ray is None
    if isinstance(choice, ViT):
        return on_device(choice, runner.device) if here and runner.device else choice
    return loaded(choice, runner.place if here else "cpu")


def _settings(
    vit: ViT,
    faithfulness: Sequence[str] | Plan,
    receptive_field: bool,
    cka: bool,
    batch: int | None,
    ids: Mapping[str, str],
) -> Settings:
    plan = faithfulness if isinstance(faithfulness, Plan) else Plan(methods=tuple(faithfulness))
    plan.check(vit)
    served, _refused = plan.served(vit)
    methods = (*served, RANDOM) if plan.methods else ()
    layout = Layout.of(vit, methods=methods, receptive_field=receptive_field, cka=cka)
    if batch is None:
        batch = max(1, min(16, PIXELS_OF_A_BATCH // (layout.layers * layout.grid.tokens**2)))
    if batch < 1:
        raise OptionError(f"batch is {batch}; wanted at least 1 photo. 16 is usual.")
    return Settings(layout, batch, ids, replace(plan, methods=tuple(served)) if plan.methods else None)


def _model(vit: ViT) -> dict[str, Any]:
    """Return what tells a model from another: its name, where its weights come from, and a hash of their values."""
    digest = hashlib.blake2b(digest_size=16)
    for name, weight in sorted(vit.module.state_dict().items()):
        flat = weight.detach().cpu().contiguous().flatten()
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    classes = list(vit.class_names)
    return {
        "name": vit.name,
        "weights": vit.weights,
        "digest": digest.hexdigest(),
        "image_size": list(vit.image_size),
        "crop": vit.crop,
        "mean": list(vit.mean),
        "std": list(vit.std),
        "class_names": classes,
        **({"multi_label": True} if vit.multi_label else {}),
        **({"notes": list(map(str, vit.notes))} if vit.notes else {}),
    }


def _listed(folder: AtlasFolder, origin: Source, settings: Settings, wanted: int | None) -> Shards:
    """Return the shards of the list of photos, which is written, or compared with the source if it is there."""
    if not folder.photos.is_file():
        labels: set[str] = set()
        photos = 0
        for entry in origin.entries():
            photos += 1
            if len(labels) <= MOST_CLASSES:
                labels.add(entry.label)
        if not photos:
            where = ", ".join(str(path) for path in origin.files[:3])
            raise OptionError(f"There is no photo in {where}; wanted at least one. Name another source.")
        write_list(folder.photos, _labelled(origin, len(labels) > MOST_CLASSES))
        return Shards.of(photos, settings.batch, wanted)
    few = any(entry.label for entry in islice(read_list(folder.photos), MOST_CLASSES))
    retimed = touched(folder.photos, _labelled(origin, not few))
    shards = Shards.of(sum(1 for _ in read_list(folder.photos)), settings.batch, wanted)
    if retimed:
        _check_same(folder, origin, shards, retimed)
    return shards


def _labelled(origin: Source, many: bool) -> Iterator[Entry]:
    return (replace(entry, label="") if many and entry.label else entry for entry in origin.entries())


def _check_same(folder: AtlasFolder, origin: Source, shards: Shards, retimed: list[tuple[int, Entry]]) -> None:
    """Raise OptionError unless photos whose files have another time hold what they held when they were measured."""
    digests = folder.digests(shards)
    reader = PhotoReader(origin.base, origin.column)
    other: list[str] = []
    for line, entry in retimed:
        try:
            same = not digests[line] or content_digest(reader.read(entry)) == int(digests[line])
        except ImageError:
            same = False
        if not same:
            other.append(f"{entry.name} has another content")
    if other:
        raise OptionError(changed(folder.path, other))


def _measure(folder: AtlasFolder, shards: Shards, plain: Job, runner: Runner, progress: Progress | None) -> None:
    """Measure the shards of which there is no state."""
    missing = [shard for shard in range(shards.count) if folder.state(shard, shards) is None]
    jobs = _jobs(folder.photos, shards, missing, plain)
    done = shards.photos - sum(stop - start for start, stop in map(shards.bounds, missing))

    def tell(more: int = 0) -> None:
        if progress is not None and progress(done + more, shards.photos) is False:
            raise StoppedError(
                f"Stopped after {done + more} of {shards.photos} photos, as asked. Whole shards are kept in "
                f"{folder.path}: the same call goes on there."
            )

    tell()
    for shard, data in _run(jobs, runner, tell):
        folder.write_state(shard, data)
        start, stop = shards.bounds(shard)
        done += stop - start
        tell()


def _run(jobs: Iterator[Job], runner: Runner, tell: Any) -> Iterator[tuple[int, bytes]]:
    if runner.ray is not None:
        return measured_by_ray(jobs, runner.ray, gpus=runner.gpus)
    if runner.workers > 1:
        return measured_by_processes((replace(job, threads=1) for job in jobs), runner.workers)
    return (run_job(job, tell) for job in jobs)


def _jobs(photos: Path, shards: Shards, missing: Sequence[int], plain: Job) -> Iterator[Job]:
    """Yield the jobs of shards in order, from one pass through the list."""
    entries, place = read_list(photos), 0
    for shard in missing:
        start, stop = shards.bounds(shard)
        own = tuple(islice(entries, start - place, stop - place))
        place = stop
        yield replace(plain, shard=shard, start=start, entries=own)


def _finish(folder: AtlasFolder, shards: Shards) -> None:
    """Merge the states of all shards in order; raises VitvizError if no photo could be measured."""
    whole: State | None = None
    for shard in range(shards.count):
        state = folder.state(shard, shards)
        if state is None:
            raise VitvizError(f"The state of shard {shard} in {folder.path} is gone; wanted it to stay. Start again.")
        whole = state if whole is None else whole.merge(state)
    assert whole is not None
    if not whole.photos:
        problem = whole.problems[0]
        raise VitvizError(
            f"None of the {shards.photos} photos can be measured; the first, {problem.name}: {problem.reason}"
        )
    folder.finish(whole)
