"""The command doctor: what it finds, and what it says of a broken environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vitviz
from vitviz.assets import HOME, WEIGHTS
from vitviz.cli import doctor, main
from vitviz.models import shipped


def told(capsys: Any, code: int) -> dict[str, Any]:
    assert main(["doctor", "--json"]) == code
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def reasons(answer: dict[str, Any], *, needed: bool) -> str:
    return "; ".join(f"{each['what']}: {each['why']}" for each in answer["problems"] if each["needed"] == needed)


def test_a_whole_copy_works(capsys: Any) -> None:
    answer = told(capsys, 0)
    assert answer["works"] is True
    assert answer["versions"]["vitviz"] == vitviz.__version__
    assert set(answer["versions"]) >= {"python", "torch", "torchvision", "timm", "streamlit", "plotly", "captum"}
    assert answer["weights"][shipped.MODELS["default"].file] is None
    assert answer["devices"]["processors"] >= 1
    assert answer["devices"]["names"]["cpu"] == "processor"
    assert answer["memory_free"] is None or answer["memory_free"] > 0
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "--device cpu" in said
    assert f"vitviz {vitviz.__version__}" in said
    assert "Everything works." in said or "(not needed)" in said


@pytest.mark.parametrize("package", doctor.PACKAGES)
def test_a_missing_package_is_named_with_its_remedy(package: str, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: None if name == package else plain(name))
    answer = told(capsys, 2)
    assert f"the package {package} is not installed" in reasons(answer, needed=True)
    assert main(["doctor"]) == 2
    assert "Run: pip install -r requirements.txt" in capsys.readouterr().out


def test_missing_and_damaged_weights_are_told(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shipped.MODELS["default"].file
    monkeypatch.setattr(doctor, "WEIGHTS", tmp_path)
    assert f"The shipped weights {file} are missing" in reasons(told(capsys, 2), needed=True)
    shutil.copy(WEIGHTS / file, tmp_path / file)
    with (tmp_path / file).open("r+b") as stored:
        stored.write(b"tea")
    assert f"{file} is damaged or was exchanged" in reasons(told(capsys, 2), needed=True)


def test_a_taken_port_a_full_disk_a_locked_cache_and_no_browser_are_told_and_not_needed(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "free_memory", lambda: 3 * 10**8)
    monkeypatch.setattr(doctor, "can_write", lambda folder: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("STREAMLIT_SERVER_PORT", str(port))
        answer = told(capsys, 0)
    said = reasons(answer, needed=False)
    assert f"the dashboard on port {port}: something listens there" in said
    assert "0.3 GB of memory are free" in said
    assert "hub cannot be written to" in said
    assert "there is no Chromium" in said
    assert reasons(answer, needed=True) == ""


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert doctor.can_write(tmp_path / "a" / "b")
    assert not doctor.can_write(Path("/proc/nowhere/b"))
    assert list(tmp_path.iterdir()) == []


def test_an_old_python_is_too_old(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (9, 0))
    assert "is too old" in reasons(told(capsys, 2), needed=True)


@pytest.mark.parametrize(
    ("package", "failure", "says"),
    [
        ("torch", "OSError('libtorch_cpu.so: cannot open')", "cannot be imported: libtorch_cpu.so: cannot open"),
        ("timm", "ModuleNotFoundError('gone', name='timm')", "cannot be imported: gone"),
    ],
)
def test_it_works_where_torch_or_timm_cannot_be_imported(package: str, failure: str, says: str, tmp_path: Path) -> None:
    """In a process of its own, with a stand-in before the installed package; another command says so in words."""
    (tmp_path / f"{package}.py").write_text(f"raise {failure}")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(HOME)])}
        command = [sys.executable, "-m", "vitviz", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = run("doctor", "--json")
    assert (done.returncode, done.stderr) == (2, "")
    answer = json.loads(done.stdout)
    assert answer["works"] is False
    assert answer["versions"][package]
    assert answer["weights"] is answer["devices"] is None
    (problem,) = (problem for problem in answer["problems"] if problem["needed"])
    assert says in problem["why"]
    assert "pip install" in problem["remedy"]
    if package == "torch":
        assert f"vitviz: the package torch {says}" in run("doctor").stdout
        refused = run("explain", "example:cat", "--out", str(tmp_path / "cat.png"))
        assert refused.returncode == 2
        assert re.fullmatch(r"vitviz: torch cannot be imported \(.*\)\. .* doctor` tells more\.\n", refused.stderr)
