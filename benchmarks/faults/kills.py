"""Killed at any moment (SIGKILL), as by a power cut: the next start is clean and goes on.

    python benchmarks/faults/kills.py [--quick] [--rounds 12] [--seed 0]

Five kinds of work are killed: a benchmark over a folder of photos, an atlas of it, files of results being written again
and again, a training that writes checkpoints, and the dashboard while readers compute and trains while it is killed.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PIL import Image

from benchmarks.faults.harness import ROOT, SMALL, arguments, kill, start, stop, tell
from benchmarks.faults.reader import Reader

MODEL = ("--model", "timm:test_vit", "--weights", "random")
PHOTOS = 12
STEPS = 60
PATIENCE = 300.0


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] in CHILDREN:
        CHILDREN[sys.argv[1]](Path(sys.argv[2]))
        return
    options = arguments(__doc__, rounds=(12, "kills of each kind"))
    rounds = 3 if options.quick else options.rounds
    draw = random.Random(options.seed)
    rows = [("killed while it", "kills", "clean starts after it", "what came out at the end", "as unbroken")]
    faults: dict[str, list[str]] = {}
    for name, test in (
        ("benchmarks a folder of photos", benchmark),
        ("measures an atlas of the folder", atlas),
        ("writes files of results", results),
        ("trains and writes checkpoints", training),
        ("serves readers who compute and train", dashboard),
    ):
        with tempfile.TemporaryDirectory() as folder:
            clean, end, faults[name] = test(Path(folder), rounds, draw)
        rows.append((name, str(rounds), str(clean), end, "NO" if faults[name] else "yes"))
        print(name, faults[name] or "sound", flush=True)
    text = "Each process gets SIGKILL after a time drawn by seed, between its start and what an unbroken run takes."
    tell(options, "kills", "Killed at any moment", text, rows, {"faults": faults})


Outcome = tuple[int, str, list[str]]


def killed(command: list[str], seconds: float, ready: Callable[[], bool] = lambda: True) -> int | None:
    """Run a command and kill it so long after it is ready; return its exit code if it ended before."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    while not ready() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        return None


def benchmark(folder: Path, rounds: int, draw: random.Random) -> Outcome:
    """Kill a benchmark again and again, then let it end; compare with one that was never killed."""
    run = ["benchmark", str(_photos(folder)), "--methods", "class_attention,occlusion", *MODEL]
    faults = _broken_off(run, folder, rounds, draw)
    whole, broken = folder / "whole", folder / "broken"
    if not faults and _numbers(whole) != _numbers(broken):
        faults.append("its numbers are not those of the unbroken run")
    clean = rounds + 1 - sum("start" in fault for fault in faults)
    return clean, f"{len(_numbers(broken))} lines of {len(_numbers(whole))}", faults


def atlas(folder: Path, rounds: int, draw: random.Random) -> Outcome:
    """Kill an atlas again and again, then let it end; its states are byte for byte those of one never killed."""
    run = ["atlas", str(_photos(folder)), "--shards", "6", *MODEL]
    faults = _broken_off(run, folder, rounds, draw)
    whole, broken = (_files(folder / name) for name in ("whole", "broken"))
    if not faults and whole != broken:
        faults.append(f"its states are not those of the unbroken run: {sorted(set(whole) ^ set(broken))}")
    clean = rounds + 1 - sum("start" in fault for fault in faults)
    return clean, f"{len(broken)} files of {len(whole)}, equal bytes", faults


def _photos(folder: Path) -> Path:
    """Return a folder of pictures, made anew."""
    photos = folder / "photos"
    photos.mkdir()
    values = np.random.default_rng(0)
    for number in range(PHOTOS):
        picture = Image.fromarray(values.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((200, 180))
        picture.save(photos / f"{number:02}.png")
    return photos


def _broken_off(command: list[str], folder: Path, rounds: int, draw: random.Random) -> list[str]:
    """Run a command of vitviz into "whole", then into "broken" with a kill a round before its last start."""
    run = [sys.executable, "-m", "vitviz", *command]
    started = time.perf_counter()
    whole = [*run, "--out", str(folder / "whole")]
    unbroken = subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    faults = [] if unbroken.returncode == 0 else [f"the unbroken run: {unbroken.stderr[-300:]}"]
    broken = [*run, "--out", str(folder / "broken")]
    for _ in range(rounds):
        code = killed(broken, draw.uniform(0.2 * seconds, 0.6 * seconds))
        if code not in (None, 0):
            faults.append(f"a start after a kill ended with {code}")
    last = subprocess.run(broken, cwd=ROOT, capture_output=True, text=True, check=False)
    return faults if not last.returncode else [*faults, f"the last start: {last.stderr[-300:]}"]


def _files(folder: Path) -> dict[str, bytes]:
    """Return the states of an atlas by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.npz"))}


def _numbers(folder: Path) -> list[dict[str, str]]:
    """Return the measurements without times, by photo and method."""
    path = folder / "measurements.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(lines)]
    return sorted(rows, key=lambda row: (row["photo"], row["method"]))


def results(folder: Path, rounds: int, draw: random.Random) -> Outcome:
    """Kill ``explain`` while it writes; afterwards each file is whole, old or new, or not there."""
    outs = [folder / f"map.{suffix}" for suffix in ("png", "npz", "html", "json")]
    faults, clean, seen = [], 0, 0
    for _ in range(rounds):
        killed([sys.executable, __file__, "--write", str(folder)], draw.uniform(0.01, 0.6), (folder / "ready").is_file)
        (folder / "ready").unlink(missing_ok=True)
        torn = [path.name for path in outs if path.is_file() and not _readable(path)]
        seen += sum(path.is_file() for path in outs)
        faults += [f"{name} is torn" for name in torn]
        clean += not torn
    rest = sorted(path.name for path in folder.iterdir() if path not in outs)
    return clean, f"{seen} files read, {len(rest)} left over", faults


def write(folder: Path) -> None:
    """Write the files of one map again and again until killed; runs in a child."""
    from vitviz.cli import main as command

    outs = [["--out", str(folder / f"map.{suffix}")] for suffix in ("png", "npz", "html", "json")]
    arguments_ = ["explain", "example:" + _example(), *sum(outs, []), *MODEL]
    if "--overwrite" in _help():
        arguments_.append("--overwrite")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        command(arguments_)
        (folder / "ready").touch()


def _example() -> str:
    from vitviz.examples import examples

    return examples()[0].id


def _help() -> str:
    from vitviz.cli.program import parser

    return str(parser()._subparsers._group_actions[0].choices["explain"].format_help())  # type: ignore[union-attr,index]


def _readable(path: Path) -> bool:
    """Return whether a file is whole."""
    try:
        if path.suffix == ".png":
            Image.open(path).load()
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                _ = [arrays[name].shape for name in arrays.files]
        elif path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        else:
            return path.read_text("utf-8").rstrip().endswith("</html>")
    except Exception:
        return False
    return True


def training(folder: Path, rounds: int, draw: random.Random) -> Outcome:
    """Kill a training again and again; its weights at the end are those of one that was never killed."""
    whole, broken = folder / "whole", folder / "broken"
    for run_folder in (whole, broken):
        run_folder.mkdir()
    run = [sys.executable, __file__, "--train"]
    unbroken = subprocess.run([*run, str(whole)], cwd=ROOT, capture_output=True, text=True, check=False)
    faults = [] if unbroken.returncode == 0 else [f"the unbroken run: {unbroken.stderr[-300:]}"]
    kills = 0
    for _ in range(rounds):
        (broken / "ready").unlink(missing_ok=True)
        code = killed([*run, str(broken)], draw.uniform(0.1, 2), (broken / "ready").is_file)
        kills += code is None
        if code not in (None, 0):
            faults.append(f"a start after a kill ended with {code}")
    last = subprocess.run([*run, str(broken)], cwd=ROOT, capture_output=True, text=True, check=False)
    if last.returncode:
        faults.append(f"the last start: {last.stderr[-300:]}")
    elif (whole / "digest").read_text() != (broken / "digest").read_text():
        faults.append("its weights are not those of the unbroken run")
    return rounds + 1 - sum("start" in fault for fault in faults), f"{STEPS} steps, equal weights", faults


def train(folder: Path) -> None:
    """Train a tiny model, going on from the checkpoint that is there, saved after every step; runs in a child."""
    import hashlib

    import torch

    from vitviz.models.timm_door import VisionTransformer  # the door mends torchvision before timm wants it
    from vitviz.models.training.loop import Trainer
    from vitviz.models.training.recipe import Recipe
    from vitviz.models.training.tiny_imagenet import LabelledImages

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=96, depth=4, num_heads=2, num_classes=10, dynamic_img_size=True
    )
    values = np.random.default_rng(0)
    images = LabelledImages(values.integers(0, 256, (10, 16, 16, 3), dtype=np.uint8), values.integers(0, 10, 10))
    recipe = Recipe(
        steps=STEPS, warmup_steps=2, decay_steps=2, final_steps=0, batch_size=4, image_sizes=(32,),
        final_image_sizes=(32,), kept_patches=9, frozen_blocks=1,
    )  # fmt: skip
    trainer = Trainer(model, images, recipe, mean=(0.5,) * 3, std=(0.25,) * 3, bfloat16=False)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.is_file():
        trainer.load(checkpoint)
    (folder / "ready").touch()
    while trainer.next_step < STEPS:
        trainer.step()
        trainer.save(checkpoint)
    weights = b"".join(value.numpy().tobytes() for value in trainer.model.state_dict().values())
    (folder / "digest").write_text(hashlib.sha256(weights).hexdigest())


def dashboard(folder: Path, rounds: int, draw: random.Random) -> Outcome:
    """Kill the dashboard while a reader computes and another trains; the next one starts and shows the same page."""
    faults, clean, before = [], 0, None
    for number in range(rounds + 1):
        server = start(folder / "log.txt")
        try:
            with Reader(server.url) as first, Reader(server.url) as second:
                drawn = first.open("attention", **SMALL)
                sent = drawn.component("viewer")
                shown = None if sent is None else sent[1]["queries"]
                before = before or shown
                if drawn.exceptions or shown is None or shown != before:
                    faults.append(f"start {number}: another page, {drawn.exceptions}")
                else:
                    clean += 1
                if number < rounds:
                    _busy(first, second, draw)
                    kill(server.process)
        except Exception as error:
            faults.append(f"start {number}: {type(error).__name__}: {error}")
        finally:
            stop(server)
    return clean, f"{rounds + 1} starts, the same page", faults


def _busy(first: Reader, second: Reader, draw: random.Random) -> None:
    """Let one reader compute and the other train, and return in the middle of it."""
    first.open("evidence", methods="occlusion", **SMALL)
    first.send()
    second.open("training", **SMALL)
    starts = [button.id.rsplit("-", 1)[-1] for button in second.drawn.of("button") if "-start_" in button.id]
    if not starts:
        raise LookupError("the training page offers no run")
    second.click("button", starts[0], patience=1)
    first.click("button", "ask_occlusion", patience=draw.uniform(0.2, 3))


CHILDREN: dict[str, Callable[[Path], None]] = {"--write": write, "--train": train}

if __name__ == "__main__":
    main()
