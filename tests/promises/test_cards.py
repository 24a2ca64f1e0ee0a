"""The cards of what is shipped: their code runs, their commands exist, their answers are the model's."""

from __future__ import annotations

import csv
import importlib.util
import re
import runpy
import shlex
import sys
from collections.abc import Callable

import pytest
import timm
import torch

import vitviz
from tests.promises.texts import CHANGELOG, README, ROOT, blocks
from vitviz.examples import photographs

CARDS = [
    ROOT / "assets" / name
    for name in ("weights/MODEL_CARD.md", "weights/CNN_CARD.md", "labs/LONG_RANGE.md", "labs/TRAINING.md")
]
TEXTS = {card.name: card.read_text(encoding="utf-8") for card in CARDS}
COMMANDS = sorted(
    {
        re.sub(r"\s+#.*", "", command)
        for text in TEXTS.values()
        for command in re.findall(r"python -m (vitviz[.]\S+[^`\n]*)", text.replace("\\\n", " "))
    }
)


@pytest.mark.parametrize("block", [block for text in TEXTS.values() for block in blocks(text, "python")])
def test_the_python_of_the_cards_runs(block: str) -> None:
    exec(block, {"timm": timm})


def help_of(module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a module says when it is run with --help, here: a process of its own imports torch anew.

    The copied clone of tests/promises/test_readme.py runs one in such a process.
    """
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:.* found in sys.modules:RuntimeWarning")  # other tests have imported it
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_cards_exist_with_their_options(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They train for hours: each says that it is there and knows the options."""
    module, *arguments = shlex.split(command)
    assert importlib.util.find_spec(module), f"there is no {module}"
    options = {word for word in arguments if word.startswith("--")}
    if options:
        assert options <= set(re.findall(r"--[a-z0-9-]+", help_of(module, capsys, monkeypatch)))


def test_the_card_says_what_the_model_answers_to_the_examples(load_once: Callable[..., vitviz.ViT]) -> None:
    vit = load_once("default")
    tops = [dict(vitviz.trace(vit, each.path).top(2)) for each in photographs()]
    answers = [{vit.class_name(index): round(100 * share) for index, share in top.items()} for top in tops]
    firsts = {name: share for answer in answers for name, share in list(answer.items())[:1]}
    told = " ".join(TEXTS["MODEL_CARD.md"].partition("On the crisp example photos")[2].partition("\n\n")[0].split())
    right = dict(re.findall(r"(?:[:,] )([A-Za-z ]+?) (\d+)%", told.partition(". ")[0] + ","))
    assert len(right) == 8
    for name, share in right.items():
        assert abs(firsts[name] - int(share)) <= 1, name  # a half is rounded this way and that on another processor
    assert "The tabby cat is called a Persian cat (49%; tabby 36%)" in told
    assert {"Persian cat": 49, "tabby": 36} in answers
    (unknown,) = [answer for answer in answers if max(answer.values()) < 40]
    assert f"gets no answer above {max(unknown.values())}%" in told
    assert len(photographs()) == 10
    assert "A trained model and ten photos" in README


def test_the_card_of_the_cnn_says_what_it_answers_to_the_examples() -> None:
    network, card = vitviz.load_convnet(), " ".join(TEXTS["CNN_CARD.md"].split())
    told = card.partition("On the crisp example photos at 224 px: ")[2].partition(". ")[0]
    wanted = {name: int(share) for name, share in re.findall(r"([A-Za-z ]+?) (\d+)%(?:, |$)", told)}
    assert len(wanted) == 8
    answers = {}
    for photo in photographs():
        with torch.no_grad():
            shares = network.module(network.preprocess(photo.path)[None])[0].softmax(0)
        answers[network.class_names[int(shares.argmax())]] = 100 * float(shares.max())
    for name, share in wanted.items():
        assert abs(answers[name] - share) <= 1, name
    (file,) = re.findall(r"SHA-256 `([0-9a-f]{64})`", card)
    assert network.weights.endswith(file)


def test_the_changelog_says_what_the_results_say() -> None:
    with (ROOT / "benchmarks/results/timm_sweep.csv").open(encoding="utf-8", newline="") as file:
        swept = [row["verdict"] for row in csv.DictReader(file)]
    supported = swept.count("supported")
    assert f"**{supported} are supported, {len(swept) - supported:,} are refused" in CHANGELOG
    with (ROOT / "benchmarks/results/faithfulness.csv").open(encoding="utf-8", newline="") as file:
        table = [row for row in csv.DictReader(file) if row["method"] != "random"]
    best = max(table, key=lambda row: float(row["difference"]))
    assert best["method"] == "gradient_rollout"
    assert {14: "most faithful of fourteen"}[len(table)] in CHANGELOG
