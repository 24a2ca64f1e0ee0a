"""The examples in every command's ``--help`` do what they say."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from tests.promises.texts import fits_any_size
from vitviz import METHODS
from vitviz.cli import main, program
from vitviz.cli.examples import EXAMPLES, PROGRAM

COMMANDS = [command.__name__.rpartition(".")[2].replace("_", "-") for command in program.COMMANDS]


def test_every_command_has_examples_and_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(EXAMPLES) == sorted(COMMANDS)
    for name, examples in EXAMPLES.items():
        with pytest.raises(SystemExit):
            main([name, "--help"])
        told = capsys.readouterr().out
        assert 1 <= len(examples) <= 3
        for example in examples:
            assert example.startswith(name)
            assert f"\n  {PROGRAM} {example}\n" in told
            assert len(example) <= 100


@pytest.mark.parametrize("example", [example for examples in EXAMPLES.values() for example in examples])
def test_every_example_does_what_it_says(
    run: Callable[[list[str]], None], request: pytest.FixtureRequest, example: str
) -> None:
    if fits_any_size(example):
        request.getfixturevalue("small")
    smaller = ["--image-size", "84"] if "--workers" in example else []  # of processes that load the model themselves
    run([*shlex.split(example), *smaller])


def test_the_help_of_an_option_says_what_it_is_for_each_method(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that two methods share may stand for two things: noisy copies here, coalitions of patches there."""
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    told = "".join(capsys.readouterr().out.split())  # argparse breaks lines at hyphens too
    for method in METHODS:
        for knob in method.knobs:
            if knob.name != "n_samples":
                continue
            assert "".join((knob.help[0].lower() + knob.help[1:].rstrip(".")).split()) in told, (method.name, knob.name)
