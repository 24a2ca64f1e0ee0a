"""What goes where: the answer alone on the output, JSON for programs, exit codes, errors in the terminal's words."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vitviz
from vitviz.assets import ASSETS
from vitviz.cli import main, program
from vitviz.cli.exit_codes import EXIT_CODES
from vitviz.cli.wording import flags_of, in_terminal
from vitviz.errors import OptionError, VitvizError, WeightsUnavailableError
from vitviz.models import hub

NAME = "timm:vit_tiny_patch16_224"
MODEL = ["--model", NAME, "--weights", "random", "--image-size", "32x48"]
JSON: dict[str, list[str]] = {
    "models": ["models", "--timm", "deit_tiny"],
    "explain": ["explain", "photo.png", *MODEL],
    "explanation": ["explain", "photo.png", "--method=legrad", *MODEL],
    "receptive-field": ["receptive-field", "photo.png", *MODEL],
    "positions": ["positions", *MODEL],
    "tokens": ["tokens", "photo.png", "--what=norms", *MODEL],
    "shuffle": ["shuffle", "photo.png", "--shares=0.5", *MODEL],
    "input-sizes": ["input-sizes", "photo.png", "--sizes=32", *MODEL],
    "benchmark": ["benchmark", ".", "--out=out", "--methods=rollout", "--steps=2", "--random-maps=1", *MODEL],
    "atlas": ["atlas", ".", "--out=atlas", *MODEL],
    "doctor": ["doctor"],
}


@pytest.fixture(scope="module")
def vit() -> vitviz.ViT:
    return vitviz.load_vit(NAME, weights="random", image_size=(32, 48))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, vit: vitviz.ViT, monkeypatch: pytest.MonkeyPatch) -> Path:
    def load(*_: object, **__: object) -> vitviz.ViT:
        print("Loading pretrained weights from Hugging Face hub")  # as timm may
        return vit

    monkeypatch.setattr("vitviz.cli.model_options.load_vit", load)
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save("photo.png")
    return tmp_path


@pytest.mark.parametrize("name", JSON)
def test_json_is_all_that_the_output_holds(name: str, folder: Path, capsys: Any) -> None:
    assert main([*JSON[name], "--json"]) == 0

    def never(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    told = json.loads(capsys.readouterr().out, parse_constant=never)
    assert isinstance(told, dict)
    assert len(told) > 1


def test_every_command_but_serve_has_json(capsys: Any) -> None:
    commands = {words[0] for words in JSON.values()} | {"serve"}
    assert commands == {command.__name__.rpartition(".")[2].replace("_", "-") for command in program.COMMANDS}


def test_json_and_files_hold_the_same(folder: Path, capsys: Any) -> None:
    assert main([*JSON["explanation"], "--json", "--out=a.json"]) == 0
    told, written = json.loads(capsys.readouterr().out), json.loads(Path("a.json").read_text())
    assert told["map"] == written["map"]
    assert told["files"] == ["a.json"]
    assert np.array(told["map"]["values"]).shape == (2, 3)


def test_what_libraries_print_goes_to_the_error_output(folder: Path, capsys: Any) -> None:
    assert main(["positions", *MODEL, "--out=a.npz"]) == 0
    output, told = capsys.readouterr()
    assert output.startswith(f"{NAME} (random, seed 0): Positions: learned.")
    assert "Loading pretrained weights" in told


def test_progress_goes_to_the_error_output_and_the_table_to_the_output(folder: Path, capsys: Any) -> None:
    assert main(JSON["benchmark"]) == 0
    output, told = capsys.readouterr()
    assert "[1/1] photo.png measured" in told
    assert "photo.png" not in output
    assert "insertion" in output


def test_a_benchmark_that_measures_nothing_is_a_refusal(folder: Path, capsys: Any) -> None:
    Path("photo.png").write_text("tea")
    assert main(JSON["benchmark"]) == 2
    output, told = capsys.readouterr()
    assert output == ""
    assert "No photo was measured" in told


def test_exit_codes_stand_in_the_help_and_in_the_guide(capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    guide = (ASSETS.parent / "docs/pages/guide/terminal.md").read_text("utf-8")
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in said
        assert re.search(rf"\| {code} \|", guide)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (OptionError("no"), 2),
        (MemoryError(), 2),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), 2),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: 9 bytes"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
@pytest.mark.parametrize("command", [name for name in JSON if name not in ("models", "doctor")])
def test_every_command_ends_with_the_same_codes(
    command: str, raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def load(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("vitviz.cli.model_options.load_vit", load)
    assert main([*JSON[command], "--json"]) == code
    output, told = capsys.readouterr()
    assert output == ""
    assert "Traceback" not in told
    assert code != 2 or told.startswith("vitviz: ")


def test_another_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("vitviz.cli.model_options.load_vit", load)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        main(JSON["explain"] + ["--json"])


def run_in_shell(line: str) -> subprocess.CompletedProcess[str]:
    told = f"{line}; echo codes ${{PIPESTATUS[@]}} >&2".replace("VITVIZ", f"{sys.executable} -m vitviz")
    return subprocess.run(["bash", "-c", told], capture_output=True, text=True, cwd=ASSETS.parent, timeout=110)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.timeout(400)
def test_a_closed_pipe_and_a_full_output_are_no_tracebacks() -> None:
    done = run_in_shell("VITVIZ models --timm vit | head -1")
    assert done.stdout.count("\n") == 1
    assert "codes 0 0" in done.stderr
    assert "Traceback" not in done.stderr
    done = run_in_shell("PYTHONIOENCODING=ascii VITVIZ models --json")
    assert "codes 0" in done.stderr
    assert json.loads(done.stdout)["examples"]
    done = run_in_shell("VITVIZ models > /dev/full")
    assert "codes 2" in done.stderr
    assert "vitviz: The output could not be written (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr


def flags(command: str) -> frozenset[str]:
    return flags_of(program.parser(), command)


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("Give trained_size=(height, width): the size.", "Give --trained-size HEIGHTxWIDTH: the size."),
        ("trained_size=(32, 64) means 2 × 4", "--trained-size 32x64 means 2 × 4"),
        ("a; got weights='random', whose", "a; got --weights random, whose"),
        ("another image_size.", "another --image-size."),
        ("head_fusion 'x' is unknown", "--head-fusion 'x' is unknown"),
        ("window is 4 patches; the grid has 3 × 5", "--occlusion-window is 4 patches; the grid has 3 × 5"),
        ("Or give window='range' for it", "Or give --window range for it"),
        ("start_layer 9 does not exist", "--start-layer 9 does not exist"),
        ("No file at /a/image_size/b or image_size.txt", "No file at /a/image_size/b or image_size.txt"),
        ("wanted one of vit_image_size_9", "wanted one of vit_image_size_9"),
        ("The weights are missing and the model is small.", "The weights are missing and the model is small."),
        ("batch_size is 0; wanted at least 1", "batch_size is 0; wanted at least 1"),
    ],
)
def test_arguments_are_named_as_the_terminal_has_them(message: str, wanted: str) -> None:
    assert in_terminal(VitvizError(message), flags("explain")) == wanted


def test_advice_is_given_where_it_can_be_followed() -> None:
    error = hub.unavailable("timm:x", "no network", ["default"])
    assert isinstance(error, WeightsUnavailableError)
    assert str(error).endswith("Without a network: weights='random'. Or a local safetensors file: weights=FILE.")
    assert in_terminal(error, flags("explain")).endswith(
        "Available offline: default. Without a network: --weights random. Or a local safetensors file: --weights FILE."
    )
    assert in_terminal(error, flags("models")).endswith("Available offline: default.")
    from vitviz.ui.words.errors import in_dashboard

    assert in_dashboard(error).endswith("Available offline: default. Without a network: random weights.")
    assert "safetensors" not in in_dashboard(error)


def test_size_place_and_kind_of_answer_are_options_of_every_command_with_a_model(
    monkeypatch: pytest.MonkeyPatch, vit: Any
) -> None:
    seen: dict[str, Any] = {}

    def load(*_: object, **options: Any) -> vitviz.ViT:
        seen.update(options)
        return vit

    monkeypatch.setattr("vitviz.cli.model_options.load_vit", load)
    chosen = ["--device=auto", "--precision=bfloat16", "--multi-label"]
    assert main(["positions", "--weights=a.safetensors", "--trained-size=32x64", *chosen, "--json"]) == 0
    assert seen["trained_size"] == (32, 64)
    assert [seen[name] for name in ("device", "precision", "multi_label")] == ["auto", "bfloat16", True]
    for command in (each for each in JSON if each not in ("models", "doctor", "explanation")):
        assert {"--trained-size", "--device", "--precision", "--multi-label"} <= flags(command)


def test_pretrained_weights_take_no_trained_size(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", vitviz.load_vit)
    assert main(["positions", "--trained-size=32x64", "--json"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("vitviz: --trained-size 32x64 belongs to a local file of weights; got --weights pretrained,")


def test_every_argument_that_an_error_of_the_core_advises_is_an_option_or_cannot_be_met_in_the_terminal() -> None:
    """Names of arguments in messages: each is a flag of some command, or is listed here with the reason."""
    unreachable = {
        "batch_size": "the terminal takes the default",
        "cells": "pictures are put together by vitviz",
        "interpolated": "pictures are put together by vitviz",
        "signed": "pictures are put together by vitviz",
        "layer_scales": "pictures are put together by vitviz",
        "width_mm": "pictures are put together by vitviz",
        "scale": "maps are put side by side in Python",
        "transform": "a model of one's own is wrapped in Python",
        "mean": "preprocessing is changed in Python and in the dashboard",
        "std": "preprocessing is changed in Python and in the dashboard",
        "end_layer": "the last layer",
        "global_pool": "how a module of one's own is built",
        "target": "a trace is made with the gradients that its method needs",
        "layer_scores": "the same",
        "distilled": "the labs train in Python and in the dashboard",
        "patch_size": "a grid made in Python; a model has its own",
        "hidden_act": "a word of the file's own configuration",
        "model_type": "the same",
    }
    commands = {flag for command in JSON if command != "explanation" for flag in flags(command)}
    named = re.compile(r"(?<![\w.'/-])([a-z]+(?:_[a-z]+)+)(?= is |=| \{)|(?<![\w.'(/-])([a-z]\w*)=(?![=>])")
    import ast

    missing = {}
    for path in (ASSETS.parent / "vitviz").rglob("*.py"):
        if "ui" in path.parts or "cli" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and str(getattr(node.func, "id", "")).endswith("Error"):
                texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                for found in named.finditer(" ".join(text for text in texts if isinstance(text, str))):
                    name = found[1] or found[2]
                    if f"--{name.replace('_', '-')}" not in commands and name not in unreachable:
                        missing[name] = f"{path.name}:{node.lineno}"
    assert missing == {}


def test_a_wrong_command_line_has_code_2(capsys: Any) -> None:
    for words in ([], ["tea"], ["explain", "photo.png"], ["doctor", "--tea"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
    assert isinstance(program.parser(), argparse.ArgumentParser)


def test_ctrl_c_while_torch_is_imported_is_an_exit_code_too(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    class Stopped:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "vitviz.cli.program":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "vitviz.cli.program")
    monkeypatch.delattr("vitviz.cli.program")
    monkeypatch.setattr(sys, "meta_path", [Stopped(), *sys.meta_path])
    assert main(["models"]) == 130
    assert capsys.readouterr() == ("", "")
