"""What a user imports: the names are there, in order, and documented."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

import vitviz


def test_the_public_names_are_sorted_and_exist() -> None:
    assert vitviz.__all__ == sorted(vitviz.__all__)
    assert len(set(vitviz.__all__)) == len(vitviz.__all__)
    for name in vitviz.__all__:
        assert hasattr(vitviz, name), f"vitviz.{name} is promised and missing"


def test_nothing_public_is_left_out() -> None:
    found = {
        name
        for name, value in vars(vitviz).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert found <= set(vitviz.__all__)


def test_the_promised_names_stay() -> None:
    promised = {
        "Edit", "HeadStatistics", "PatchGrid", "Target", "Trace", "ViT", "VitvizError", "errors", "head_statistics",
        "load_vit", "predict", "rollout", "trace",
    }  # fmt: skip
    assert promised <= set(vitviz.__all__)


@pytest.mark.parametrize("name", [each for each in vitviz.__all__ if callable(getattr(vitviz, each))])
def test_public_names_are_documented_in_a_sentence(name: str) -> None:
    first = (inspect.getdoc(getattr(vitviz, name)) or "").partition("\n")[0]
    assert re.fullmatch(r"[A-Z].{10,}[.]", first), f"vitviz.{name}: {first!r}"


@pytest.mark.parametrize("name", ["load_vit", "trace", "rollout", "head_statistics", "predict"])
def test_options_are_keyword_only(name: str) -> None:
    signature = inspect.signature(getattr(vitviz, name))
    for parameter in signature.parameters.values():
        if parameter.default is not inspect.Parameter.empty and parameter.name != "name":
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, f"{name}({parameter.name})"


def test_the_version_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", vitviz.__version__)


ORDERS = """
import sys, types
import vitviz
assert not {"torch", "timm"} & set(sys.modules) and vitviz.__version__
import vitviz.trace.run, vitviz.atlas.layout
from vitviz import atlas, trace
assert "torch" in sys.modules and isinstance(trace, types.FunctionType) and isinstance(atlas, types.FunctionType)
assert vitviz.trace is trace and vitviz.atlas is atlas
from vitviz.trace import Trace, trace as inner
import vitviz.trace.forward
assert vitviz.trace is inner is trace and vitviz.Trace is Trace
assert vitviz.analysis.drop_curve.drop_curve is vitviz.drop_curve
assert set(vitviz.__all__) < set(dir(vitviz)) and not hasattr(vitviz, "nonsense")
names = {}
exec("from vitviz import *", names)
assert names["trace"] is trace and set(vitviz.__all__) <= set(names)
vitviz.load_vit = None
assert not hasattr(vitviz, "nonsense") and vitviz.load_vit is None, "what somebody put there stays"
"""


def test_names_are_the_same_in_every_order_of_imports() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", ORDERS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_library_and_its_model_bring_no_user_interface_no_compiler_and_no_noise() -> None:
    """What a model draws for tensors without memory would import the compiler."""
    script = (
        "import sys, torch; state = torch.random.get_rng_state(); import vitviz, vitviz.attribution; vitviz.load_vit; "
        "assert torch.equal(torch.random.get_rng_state(), state); assert torch.is_grad_enabled(); "
        "vitviz.load_vit('default'); assert 'torch._dynamo' not in sys.modules; "
        "print(sorted({'streamlit', 'plotly', 'captum', 'sympy'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
