"""Files are written whole or not at all, and never over one that is read or was there."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
import torch

from vitviz import files
from vitviz.errors import OptionError, OutputError
from vitviz.export.json_text import write_json
from vitviz.files import check_outputs, write_bytes, write_files, write_text, writing
from vitviz.models.training.weights_file import save_half


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("old")
    return path


def only(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_file_is_replaced_and_keeps_its_permissions(old: Path) -> None:
    old.chmod(0o640)
    write_bytes(old, b"new")
    assert only(old.parent) == {"a.txt": "new"}
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    mask = os.umask(0)
    os.umask(mask)
    write_text(old.with_name("b.txt"), "line\r\n")
    assert old.with_name("b.txt").read_bytes() == b"line\r\n"
    assert stat.S_IMODE(old.with_name("b.txt").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("stopped", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_full_disk_and_a_stop_leave_the_old_file_and_no_litter(old: Path, stopped: BaseException) -> None:
    raised = OutputError if isinstance(stopped, OSError) else type(stopped)

    def half() -> None:
        with writing(old) as beside:
            beside.write_text("half")
            raise stopped

    with pytest.raises(raised):
        half()
    assert only(old.parent) == {"a.txt": "old"}


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(old: Path) -> None:
    process = os.fork()
    if not process:
        with writing(old) as beside:
            beside.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)
    assert len(only(old.parent)) == 2
    foreign = old.with_name(".vitviz-00000000-1-00.part")  # of another machine that shares the folder
    foreign.write_text("theirs")
    with writing(old.with_name("b.txt")) as beside:
        beside.write_text("half")
        check_outputs([old.with_name("c.txt")])
        assert only(old.parent) == {"a.txt": "old", foreign.name: "theirs", beside.name: "half"}


def test_a_disk_that_is_full_for_the_second_file_leaves_both(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, calls = files._settle, []

    def full(path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        plain(path)

    monkeypatch.setattr(files, "_settle", full)
    with pytest.raises(OutputError, match=r"No space left on device\)\. Choose another place"):
        write_files({old: b"new", old.with_name("b.txt"): b"new"})
    assert only(old.parent) == {"a.txt": "old"}


def test_a_link_stays_a_link_and_its_file_is_replaced(old: Path) -> None:
    link = old.with_name("link.txt")
    link.symlink_to(old.name)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert only(old.parent) == {"a.txt": "new", "link.txt": "new"}


def test_tensors_arrays_and_json_are_written_whole(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = old.with_name("w.safetensors")
    save_half({"a": torch.ones(2)}, weights, {})
    before = weights.read_bytes()

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_settle", full)
    for write in (lambda: save_half({"a": torch.zeros(9)}, weights, {}), lambda: write_json({"a": 1}, old)):
        with pytest.raises(OutputError, match="No space left"):
            write()
    assert weights.read_bytes() == before
    assert old.read_text() == "old"
    assert len(list(old.parent.iterdir())) == 2


def test_a_file_that_is_read_is_never_an_output(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old.parent)
    (old.parent / "in").mkdir()
    names: dict[str, Any] = {
        "soft": lambda path: path.symlink_to(old),
        "of a link": lambda path: path.symlink_to(old.with_name("soft")),
        "hard": lambda path: path.hardlink_to(old),
    }
    for name, make in names.items():
        make(old.with_name(name))
    for out in (old, Path("a.txt"), Path("in/../a.txt"), *map(Path, names)):
        with pytest.raises(OptionError, match=r"is read.* cannot be written as well"):
            check_outputs([out], [old], overwrite=True)
        with pytest.raises(OptionError, match=r"is read.* cannot be written as well"):
            check_outputs([old], [out], overwrite=True)


def test_two_outputs_are_two_files(old: Path) -> None:
    old.with_name("soft").symlink_to("a.txt")
    old.with_name("hard").hardlink_to(old)
    old.with_name("later").symlink_to("new")
    (old.parent / "folder").symlink_to(old.parent)
    for pair in (("a.txt", "a.txt"), ("a.txt", "soft"), ("a.txt", "hard"), ("new", "later"), ("x", "folder/x")):
        with pytest.raises(OptionError, match="The same file is given twice"):
            check_outputs([old.parent / name for name in pair], overwrite=True)
    check_outputs([old.with_name("x"), old.with_name("y")])
    assert len(list(old.parent.iterdir())) == 5


def test_capitals_tell_files_apart_only_where_the_system_does(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_outputs([old.with_name("x.png"), old.with_name("X.png")])
    plain = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: plain(path) or ".VITVIZ-" in path.name)
    with pytest.raises(OptionError, match="The same file is given twice"):
        check_outputs([old.with_name("x.png"), old.with_name("X.png")])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", r"a\.txt exists already\. Choose another name, or add --overwrite"),
        ("none/b", "There is no folder .*none for b"),
        ("folder", "is a folder"),
        ("ring", "cannot be followed"),
        ("pipe", "is no ordinary file"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(old: Path, name: str, message: str) -> None:
    (old.parent / "folder").mkdir()
    (old.parent / "ring").symlink_to("ring")
    os.mkfifo(old.parent / "pipe")
    with pytest.raises(OptionError, match=message):
        check_outputs([old.parent / name])


def test_folders_and_files_that_may_not_be_written_to_are_refused(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "access", lambda *_: False)
    with pytest.raises(OptionError, match="protected against writing"):
        check_outputs([old], overwrite=True)
    monkeypatch.setattr(files.tempfile, "NamedTemporaryFile", denied)
    with pytest.raises(OptionError, match=r"The folder of .*b cannot be written to \(Permission denied\)"):
        check_outputs([old.with_name("b")])


def test_no_file_of_the_package_is_written_but_by_the_one_writer() -> None:
    """Files of results and weights go through vitviz.files; only lines are added to a benchmark's own lists."""
    import re

    package = Path(files.__file__).parent
    ways = re.compile(r"\.write_(?:bytes|text)\(|\bsave_file\(|torch\.save\(|np\.savez?\w*\(|\.open\(['\"][wax]")
    found = {
        (path.relative_to(package).as_posix(), line.strip())
        for path in package.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if ways.search(line) and "beside" not in line and "np.save(file" not in line
    }
    assert found == {
        ("cli/benchmark_store.py", 'with path.open("ab") as lines:'),
        ("export/fiftyone.py", "np.save(stored, values.astype(np.float32), allow_pickle=False)"),  # into memory
        ("ui/kept/own_models.py", "path.write_bytes(self.data)"),  # into a folder that goes at once
    }
