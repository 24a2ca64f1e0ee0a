"""Most cases run in a new interpreter: torchvision is imported, or fails to be, once a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vitviz.models import torchvision_mend

ROOT = Path(__file__).parents[2]
# The file alone, for the package around it imports timm.
MEND = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("mend", {str(ROOT / "vitviz/models/torchvision_mend.py")!r})
mend = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mend)
print(mend.mend_torchvision(), mend.mend_torchvision())
"""


def run_python(script: str, *, before: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script with warnings as errors and perhaps a folder of stand-ins before the installed packages."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"PYTHONPATH": str(before or ""), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def stand_in(folder: Path, text: str) -> Path:
    """Write a module torchvision into a folder that comes before the installed one."""
    (folder / "torchvision.py").write_text(text)
    return folder


def test_timm_builds_a_model_after_the_mend_and_the_mend_knows_whether_it_was_needed() -> None:
    result = run_python(
        MEND + "import timm, torch, torchvision\n"
        "module = timm.create_model('test_vit', num_classes=3).eval()\n"
        "print(tuple(module(torch.zeros(1, 3, 160, 160)).shape), torchvision.extension._has_ops())"
    )
    assert result.returncode == 0, result.stderr
    outcomes, shape = result.stdout.splitlines()
    fits = shape == "(1, 3) True"
    assert fits or shape == "(1, 3) False"
    assert outcomes == ("unneeded unneeded" if fits else "declared declared")


def test_missing_operators_are_declared_and_stay_declared(tmp_path: Path) -> None:
    stand_in(
        tmp_path,
        "import torch\n"
        "for name in ('nms', 'qnms'):\n"
        "    torch.library.register_fake(f'torchvision::{name}', lambda boxes, scores, iou_threshold: boxes)\n",
    )
    before = "try:\n    import torchvision\nexcept RuntimeError as error:\n    print(error)\n"
    schema = "print(torch.ops.torchvision.{0}.default._schema)\n"
    result = run_python(
        before + MEND + "import gc, torch\ngc.collect()\n" + schema.format("nms") + schema.format("qnms"),
        before=tmp_path,
    )
    assert result.stdout.splitlines() == [
        "operator torchvision::nms does not exist",
        "declared declared",
        "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "torchvision::qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ], result.stderr


def test_a_torchvision_that_fits_is_left_alone(tmp_path: Path) -> None:
    stand_in(
        tmp_path,
        "import torch\n"
        "library = torch.library.Library('torchvision', 'DEF')\n"
        "library.define('nms(Tensor dets) -> Tensor')\n",
    )
    result = run_python(
        MEND + "import torch\nprint(hasattr(torch.ops.torchvision, 'nms'), hasattr(torch.ops.torchvision, 'qnms'))",
        before=tmp_path,
    )
    assert result.stdout.splitlines() == ["unneeded unneeded", "True False"], result.stderr


@pytest.mark.parametrize("failure", [RuntimeError("different CUDA major versions"), ImportError("no such file")])
def test_any_other_failure_is_raised_as_it_stands(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def fail(name: str) -> None:
        raise failure

    monkeypatch.setattr(torchvision_mend.importlib, "import_module", fail)
    before = list(torchvision_mend._DECLARED)
    with pytest.raises(type(failure), match=str(failure)) as raised:
        torchvision_mend._mend_once.__wrapped__()
    assert raised.value is failure
    assert before == torchvision_mend._DECLARED
