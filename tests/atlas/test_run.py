"""The whole of it: any cut agrees, killed work goes on, and what does not belong together is told."""

from __future__ import annotations

import copy
import errno
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

import vitviz
from vitviz.atlas import processes
from vitviz.atlas.folder import AtlasFolder
from vitviz.cli import main
from vitviz.errors import ImageError, OptionError, OutputError, StoppedError, VitvizError


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def run(vit: vitviz.ViT, photos: Path, out: Path, **options: Any) -> vitviz.Atlas:
    return vitviz.atlas(photos, out, model=vit, **({"batch": 2} | options))


def test_one_four_and_sixteen_shards_agree(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    one, *others = (run(vit, photos, tmp_path / f"{count}", shards=count, batch=1) for count in (1, 4, 16))
    for other in others:
        for name in one.statistics:
            mine, its = one.summary(name), other.summary(name)
            np.testing.assert_array_equal(mine.count, its.count)
            for values, same in ((mine.mean, its.mean), (mine.half, its.half)):
                np.testing.assert_allclose(values, same, rtol=1e-12, atol=1e-12)
            np.testing.assert_array_equal(one.histogram(name).counts, other.histogram(name).counts)
        np.testing.assert_allclose(one.mean_map("attention"), other.mean_map("attention"), rtol=1e-12, atol=1e-15)
        assert one.extremes("entropy", (1, 1)) == other.extremes("entropy", (1, 1))


def test_the_atlas_is_what_single_photos_are(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    atlas = run(vit, photos, tmp_path / "out")
    files = sorted(photos.rglob("*.*"))
    tables = np.array([vitviz.head_statistics(vitviz.trace(vit, file)).entropy for file in files])
    summary = atlas.summary("entropy")
    assert atlas.photos == 20
    assert atlas.labels == ("class 1", "class 2")
    np.testing.assert_allclose(summary.mean, tables.mean(0), rtol=1e-5)
    np.testing.assert_allclose(summary.half, 1.96 * tables.std(0, ddof=1) / np.sqrt(20), rtol=1e-3)
    np.testing.assert_allclose(atlas.summary("entropy", label="class 2").mean, tables[11:].mean(0), rtol=1e-5)
    order = np.argsort(-tables[:, 1, 0])
    most = atlas.extremes("entropy", (1, 0))
    assert [photo.name for photo in most] == [files[at].relative_to(photos).as_posix() for at in order[:10]]
    np.testing.assert_allclose([photo.value for photo in most], tables[order[:10], 1, 0], rtol=1e-5)
    answers = [vitviz.trace(vit, file).top(1)[0][0] for file in files]
    right = np.mean(
        [answer == (1 if "class 1" in file.parts else 2) for answer, file in zip(answers, files, strict=True)]
    )
    assert float(atlas.summary("right").mean) == pytest.approx(right)
    rows = [vitviz.rollout_row(vitviz.trace(vit, file), "class")[1:].reshape(4, 4).numpy() for file in files]
    np.testing.assert_allclose(atlas.mean_map("rollout"), np.mean(rows, 0), rtol=1e-5)
    assert atlas.photo_bytes(3) == files[3].read_bytes()
    sample = atlas.sample("entropy")
    assert len(sample.names) == 20
    np.testing.assert_allclose(sample.values[sample.names.index("class 1/00.jpg")], tables[0], rtol=1e-5)


def test_what_is_measured_on_request_equals_the_functions(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    for file in sorted(photos.rglob("*.*"))[2:]:
        file.unlink()
    methods = ("rollout", "saliency")
    atlas = run(vit, photos, tmp_path / "out", faithfulness=methods, receptive_field=True, cka=True)
    files = sorted(photos.rglob("*.*"))
    assert atlas.layout.methods == (*methods, "random")
    fields = [vitviz.receptive_field(vit, file, layer=1) for file in files]
    assert atlas.summary("field_radius").mean[1] == pytest.approx(np.mean([field.radius for field in fields]), rel=1e-5)
    likeness = [vitviz.layer_similarity(vitviz.trace(vit, file)).values for file in files]
    np.testing.assert_allclose(atlas.summary("cka").mean, np.mean(likeness, 0), rtol=1e-5)
    areas = []
    for file in files:
        target = vitviz.Target(class_index=1, label="class 1")
        map_ = vitviz.attribute("rollout", vit, file, target=target)
        test = vitviz.deletion_insertion(vit, file, map_, steps=10, random_maps=2)
        areas.append(test.second.area - test.first.area)
    difference = atlas.summary("faithfulness").mean[0, atlas.metrics.index("difference")]
    assert difference == pytest.approx(np.mean(areas), abs=1e-5)
    (cells,) = atlas.summary("cka").figure().data
    assert list(cells.x) == ["input", "0", "1"]
    np.testing.assert_allclose(cells.z, atlas.summary("cka").mean, rtol=1e-5)
    (dots,) = atlas.summary("faithfulness").figure(metric="insertion").data
    best = atlas.summary("faithfulness").mean[:, atlas.metrics.index("insertion")].argsort()[::-1]
    assert [str(text) for text in dots.text] == [atlas.layout.methods[place] for place in best]


def test_a_broken_photo_is_counted_named_and_left_out(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    whole = run(vit, photos, tmp_path / "whole", batch=1)
    (photos / "class 1/03a.jpg").write_bytes(b"no picture")
    (photos / "class 2/99.png").write_bytes((photos / "class 2/08.png").read_bytes()[:200])
    atlas = run(vit, photos, tmp_path / "out", batch=1)
    assert (atlas.photos, atlas.broken) == (20, 2)
    assert [problem.name for problem in atlas.problems] == ["class 1/03a.jpg", "class 2/99.png"]
    assert "cut off" in atlas.problems[1].reason
    np.testing.assert_allclose(atlas.summary("entropy").mean, whole.summary("entropy").mean, rtol=1e-12)
    for file in photos.rglob("*.*"):
        file.write_bytes(b"x")
    with pytest.raises(VitvizError, match=r"None of the 22 photos can be measured; the first, class 1/00.jpg: "):
        run(vit, photos, tmp_path / "none")


def test_a_second_call_measures_nothing_and_changes_nothing(
    vit: vitviz.ViT, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(vit, photos, tmp_path / "out")
    before = content(tmp_path / "out")
    assert sorted(before) == [".lock", "atlas.json", "atlas.npz", "photos.csv"]
    monkeypatch.setattr(sys.modules["vitviz.atlas.worker"], "measure_shard", None)
    run(vit, photos, tmp_path / "out")
    assert content(tmp_path / "out") == before


def test_stopped_work_goes_on(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 10

    with pytest.raises(StoppedError, match="Stopped after 10 of 20 photos"):
        run(vit, photos, tmp_path / "out", shards=5, progress=stop)
    with pytest.raises(OptionError, match="is not finished"):
        vitviz.read_atlas(tmp_path / "out")
    told.clear()
    run(vit, photos, tmp_path / "out", shards=5, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (8, 20), "two shards of four photos were kept"
    run(vit, photos, tmp_path / "whole", shards=5)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_killed_run_ends_with_the_same_bytes(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL at the list, between shards, and while a state is written; the same command again.

    Each is a process of its own, forked from one that has loaded torch.
    """
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["vitviz.cli.atlas", "vitviz.models.loading", "vitviz.atlas.worker"])

    def begun(out: Path) -> Any:
        model = ["--model", "timm:vit_tiny_patch16_224", "--weights", "random", "--image-size", "32"]
        size = ["--batch", "1", "--shards", "20"]
        process = forks.Process(target=main, args=(["atlas", str(photos), "--out", str(out), *model, *size],))
        process.start()
        return process

    whole = begun(tmp_path / "whole")
    whole.join()
    assert whole.exitcode == 0
    out = tmp_path / "out"
    for wanted in ("photos.csv", "states/000003.npz", "states/000011.npz"):
        process = begun(out)
        limit = time.monotonic() + 60
        while not (out / wanted).exists() and process.is_alive() and time.monotonic() < limit:
            time.sleep(0.001)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    (out / ".vitviz-half.part").write_bytes(b"what a kill leaves of a file")
    begun(out).join()
    assert content(out) == content(tmp_path / "whole")


def test_two_runs_in_one_folder_are_told(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out/.lock"),
        pytest.raises(OptionError, match="Another run is writing into .*out; wanted a folder"),
    ):
        run(vit, photos, tmp_path / "out")
    run(vit, photos, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda photos: (photos / "class 1/00.jpg").unlink(), "class 1/00.jpg was expected, class 1/01.jpg is there"),
        (lambda photos: shutil.copy(photos / "class 1/00.jpg", photos / "class 2/99.jpg"), "class 2/99.jpg is new"),
        (lambda photos: (photos / "class 1/00.jpg").write_bytes(b"other"), "class 1/00.jpg has another size"),
    ],
)
def test_changed_photos_are_noticed(vit: vitviz.ViT, photos: Path, tmp_path: Path, change: Any, message: str) -> None:
    run(vit, photos, tmp_path / "out")
    change(photos)
    with pytest.raises(OptionError, match=f"not those that the atlas in .* began with .*{message}"):
        run(vit, photos, tmp_path / "out")
    assert run(vit, photos, tmp_path / "out", overwrite=True).state.stop in (19, 20, 21)


def test_another_content_of_the_same_size_is_noticed_and_a_new_time_is_not(
    vit: vitviz.ViT, photos: Path, tmp_path: Path
) -> None:
    run(vit, photos, tmp_path / "out")
    before = content(tmp_path / "out")
    file = photos / "class 2/00.jpg"
    os.utime(file, (1, 1))
    run(vit, photos, tmp_path / "out")
    assert content(tmp_path / "out") == before
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    os.utime(file, (1, 1))  # as if it were the old one
    with pytest.raises(OptionError, match="class 2/00.jpg has another content"):
        run(vit, photos, tmp_path / "out")
    with pytest.raises(ImageError, match="class 2/00.jpg is not the photo that was measured"):
        vitviz.read_atlas(tmp_path / "out").photo_bytes(11)


def test_another_model_or_setting_is_noticed(vit: vitviz.ViT, photos: Path, tmp_path: Path, build_vit: Any) -> None:
    run(vit, photos, tmp_path / "out")
    with pytest.raises(OptionError, match=r"other settings \(batch: 2, now 3\)"):
        run(vit, photos, tmp_path / "out", batch=3)
    with pytest.raises(OptionError, match=r"layout, cka: False, now True"):
        run(vit, photos, tmp_path / "out", cka=True)
    module = build_vit()
    with torch.no_grad():
        module.blocks[0].mlp.fc1.weight[0, 0] += 1e-3
    other = vitviz.ViT.from_module(module, name="tiny", class_names=[f"class {index}" for index in range(10)])
    with pytest.raises(OptionError, match=r"model, digest: "):
        run(other, photos, tmp_path / "out")


def test_another_version_and_other_files_are_told(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(vit, photos, out)
    text = (out / "atlas.json").read_text()
    (out / "atlas.json").write_text(text.replace('"vitviz_atlas": 1', '"vitviz_atlas": 7'))
    for use in (lambda: run(vit, photos, out), lambda: vitviz.read_atlas(out)):
        with pytest.raises(OptionError, match="format 7; wanted 1"):
            use()
    (out / "atlas.json").write_text('{"vitviz_atlas": 1}')
    with pytest.raises(OptionError, match="is damaged"):
        vitviz.read_atlas(out)
    with pytest.raises(OptionError, match="is damaged: it has no settings"):
        run(vit, photos, out)
    (out / "atlas.json").unlink()
    with pytest.raises(OptionError, match="exists already"):
        run(vit, photos, out)
    with pytest.raises(OptionError, match="There is no atlas in"):
        vitviz.read_atlas(tmp_path)
    with pytest.raises(OptionError, match="is a file; wanted a folder"):
        run(vit, photos, photos / "class 1/00.jpg")


def test_a_list_is_never_written_over(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    table = tmp_path / "out/photos.csv"
    table.write_text(f"file\n{photos / 'class 1/00.jpg'}\n")
    with pytest.raises(OptionError, match="cannot be written as well"):
        run(vit, table, tmp_path / "out", overwrite=True)


def test_a_full_disk_leaves_what_is_measured(
    vit: vitviz.ViT, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses the third state; then there is room again."""
    out = tmp_path / "out"
    files = sys.modules["vitviz.files"]
    settle = files._settle

    def full(path: Path) -> None:
        if path.parent.name == "states" and len(list(path.parent.glob("*.npz"))) >= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        settle(path)

    with monkeypatch.context() as patched:
        patched.setattr(files, "_settle", full)
        with pytest.raises(OutputError, match="No space left on device"):
            run(vit, photos, out, shards=5)
    assert sorted(path.name for path in (out / "states").iterdir()) == ["000000.npz", "000001.npz"]
    run(vit, photos, out, shards=5)
    run(vit, photos, tmp_path / "whole", shards=5)
    assert content(out) == content(tmp_path / "whole")


def test_a_damaged_state_is_measured_again(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(StoppedError):
        run(vit, photos, out, shards=5, progress=lambda done, total: done < 10)
    state = out / "states/000001.npz"
    state.write_bytes(state.read_bytes()[:-100])
    run(vit, photos, out, shards=5)
    run(vit, photos, tmp_path / "whole", shards=5)
    assert content(out) == content(tmp_path / "whole")


def test_processes_give_the_same_bytes_and_one_that_dies_is_replaced(photos: Path, tmp_path: Path) -> None:
    """Both in this test, for every process loads torch anew."""
    options: dict[str, Any] = {
        "model": "timm:vit_tiny_patch16_224",
        "model_options": {"weights": "random", "image_size": 32},
        "batch": 2,
        "shards": 5,
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        vitviz.atlas(photos, tmp_path / "one", **options)
    finally:
        torch.set_num_threads(threads)
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if done and not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid or 0)
            os.kill(victim.pid or 0, signal.SIGKILL)

    vitviz.atlas(photos, tmp_path / "two", workers=2, progress=kill, **options)
    assert killed
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_model_that_no_other_process_can_have_is_told(
    vit: vitviz.ViT, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = copy.deepcopy(vit.module)
    module.register_forward_hook(lambda *_: None)
    hooked = vitviz.ViT.from_module(module, name="hooked", class_names=vit.class_names)
    with pytest.raises(OptionError, match=r"The model hooked cannot be sent to other processes .*with one worker"):
        run(hooked, photos, tmp_path / "out", workers=2)
    assert run(hooked, photos, tmp_path / "out").photos == 20

    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)  # of a process, and here it is a thread
    ours, theirs = multiprocessing.Pipe()
    worker = threading.Thread(target=processes._serve, args=(theirs,))
    worker.start()
    ours.send_bytes(b"cnowhere\nModel\n.")  # a pickle of a class that this process has not
    answer = ours.recv()
    ours.close()
    worker.join()
    assert isinstance(answer, OptionError)
    assert "cannot be read in another process" in str(answer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers is 0; wanted at least 1"),
        ({"gpus": 1}, "gpus belongs to a Ray cluster"),
        ({"workers": 2, "ray": "auto"}, "workers=2 belongs to this machine"),
        ({"batch": 0}, "batch is 0"),
        ({"shards": 0}, "shards is 0"),
        ({"model_options": {"seed": 1}}, "belong to a model's name"),
        ({"faithfulness": ("nonsense",)}, "nonsense"),
        ({"column": "x"}, None),
    ],
)
def test_options_outside_their_range_are_refused(
    vit: vitviz.ViT, photos: Path, tmp_path: Path, options: dict[str, Any], message: str | None
) -> None:
    if message is None:
        run(vit, photos, tmp_path / "out", **options)
        return
    with pytest.raises(OptionError, match=message):
        run(vit, photos, tmp_path / "out", **options)


def test_what_an_atlas_does_not_hold_is_told(vit: vitviz.ViT, photos: Path, tmp_path: Path) -> None:
    atlas = run(vit, photos, tmp_path / "out")
    for use, message in (
        (lambda: atlas.summary("entropi"), "Did you mean 'entropy'"),
        (lambda: atlas.summary("entropy", label="class 3"), "no class 'class 3'"),
        (lambda: atlas.extremes("entropy", (0,)), "has 2 axes"),
        (lambda: atlas.extremes("entropy", (0, 7)), "Head 7 does not exist"),
        (lambda: atlas.mean_map("heads"), "Map 'heads' is unknown"),
    ):
        with pytest.raises(OptionError, match=message):
            use()
    same = atlas.minus(atlas, "distance")
    assert not same.changed.any()
    np.testing.assert_allclose(same.half, np.sqrt(2) * atlas.summary("distance").half)
    assert AtlasFolder(tmp_path / "out").begun() is not None
