"""README and guide: every command and every line of Python is run, every name is there, every message can appear."""

from __future__ import annotations

import ast
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vitviz
from tests.promises.texts import (
    CHANGELOG,
    GUIDE,
    PAGES,
    PYTHON,
    README,
    ROOT,
    blocks,
    commands,
    fits_any_size,
    inline,
    rows,
)
from vitviz.cli import program
from vitviz.ui.navigation import sections

COMMANDS = list(dict.fromkeys([*commands(README), *commands(GUIDE)]))
TERMINAL = [command.removeprefix(PYTHON) for command in COMMANDS if command.startswith(PYTHON)]

SCRIPTS = [script for page in PAGES if (script := "\n".join(blocks(page, "python")))]
"""The blocks of a page of the guide, which go on from one to the next."""

WHEEL = f"dist/vitviz-{vitviz.__version__}-py3-none-any.whl"
INSTALLED = {f"uvx --from {WHEEL} vitviz serve", f"pip install {WHEEL}", "vitviz serve"}
"""What test_wheel.py and its flow in Chromium do with the wheel."""
WRITTEN = {"table.csv", "table.html", "manifest.csv"}
"""Files that a command writes."""


def test_every_command_is_one_that_is_tried_here() -> None:
    other = [command for command in COMMANDS if not command.startswith(PYTHON)]
    assert all(command in INSTALLED or re.fullmatch(r"make [a-z]+", command) for command in other), other
    assert set(other) >= INSTALLED
    assert WHEEL in README.split("make wheel")[1].splitlines()[0]
    assert len(TERMINAL) >= 10


@pytest.mark.parametrize("command", TERMINAL)
def test_every_command_of_the_terminal_does_what_it_says(
    run: Callable[[list[str]], None], request: pytest.FixtureRequest, command: str
) -> None:
    if fits_any_size(command):
        request.getfixturevalue("small")
    run(shlex.split(command))


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_every_target_of_make_is_there(command: str) -> None:
    made = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    does = {"make run": "streamlit run app.py", "make test": "-m pytest", "make wheel": "-m hatchling build"}
    assert does[command] in made.stdout


@pytest.mark.parametrize("block", [*blocks(README, "python"), *SCRIPTS, vitviz.__doc__.split("\n\n")[1]])
def test_every_line_of_python_runs_and_has_the_axes_that_its_comment_names(small: None, block: str) -> None:
    names: dict[str, Any] = {"vitviz": vitviz}
    lines = block.splitlines()
    for statement in ast.parse(block).body:
        code = ast.unparse(statement)
        if not isinstance(statement, ast.Expr):
            exec(code, names)
            continue
        value = eval(code, names)
        axes = re.search(r"# \(([a-z]+(?:, [a-z]+)*)\)", lines[(statement.end_lineno or 1) - 1])
        if axes:
            assert len(value.shape) == len(axes[1].split(", ")), code


def test_a_clone_holds_all_that_the_commands_need(tmp_path: Path) -> None:
    """A copy of the tracked files, as a clone has them, asked from its own folder and from another one.

    At last it runs a command of the cards of what is shipped, where nothing else has imported its modules.
    """
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    files = [name for name in listed.decode().split("\0") if name.startswith(("vitviz/", "assets/", "app.py"))]
    if not files:
        pytest.skip("this copy of vitviz is no clone")
    for name in files:
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "clone" / name)
    (tmp_path / "elsewhere").mkdir()
    code = """
import os, runpy, sys, vitviz.cli
for folder in sys.argv[1:]:
    os.chdir(folder)
    asked = "explain example:cat --method rollout --out cat.png --out cat.npz"
    assert vitviz.cli.main(asked.split()) == 0
sys.argv[1:] = ["--help"]
runpy.run_module("vitviz.models.train_default", run_name="__main__")
"""
    folders = [tmp_path / "clone", tmp_path / "elsewhere"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, folders)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "clone"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "\nusage: " in done.stdout
    for folder in folders:
        assert sorted(path.name for path in folder.glob("cat.*")) == ["cat.npz", "cat.png"]


def test_the_table_of_pages_is_the_navigation() -> None:
    told = [row[0].strip("*") for row in rows(README, "What each page answers") if row[0].startswith("**")]
    assert told == [entry.title for listed in sections().values() for entry in listed]


@pytest.mark.parametrize("text", [README, GUIDE, CHANGELOG], ids=["README", "guide", "CHANGELOG"])
def test_every_name_in_backticks_is_there(text: str) -> None:
    missing = [name for name in inline(text) if "NAME" not in name and not exists(name)]
    assert missing == []


def exists(name: str) -> bool:
    """Return whether a name of vitviz, a path, a target or an option that stands in backticks is there."""
    if re.fullmatch(r"vitviz(\.\w+)+", name):
        try:
            return pkgutil.resolve_name(name) is not None
        except (ImportError, AttributeError):
            return False
    if re.fullmatch(r"make [a-z]+", name):
        return f"\n{name.removeprefix('make ')}: " in (ROOT / "Makefile").read_text()
    if re.fullmatch(r"[\w.-]+(/[\w.-]*)+|\w+\.(py|md|txt|csv|toml)|LICENSE", name):
        own = [ROOT / name, *(ROOT / "vitviz").rglob(name.rstrip("/"))]  # a name may be that of its room's paragraph
        return any(path.exists() for path in own) or name in WRITTEN
    return True


def test_the_numbers_are_those_of_the_code() -> None:
    words = {12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen"}
    methods = words[len(vitviz.METHODS)]
    assert f"Explain any answer by {methods} methods" in README
    assert f"`vitviz.attribute`: {methods} explanations as data" in CHANGELOG
    classes = len((ROOT / "assets/weights/classes.txt").read_text(encoding="utf-8").splitlines())
    card = (ROOT / "assets/weights/MODEL_CARD.md").read_text(encoding="utf-8")
    for share in re.findall(r"(\d\d\.\d)% top", README + CHANGELOG):
        assert f"{share}%" in card, share
    assert f"top-1 on {classes} classes" in README
    assert f"A shipped classifier of {classes} classes" in CHANGELOG
    sweep = (ROOT / "benchmarks/results/timm_sweep.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert f"Of the {len(sweep):,} architectures" in CHANGELOG


def test_the_changelog_names_every_command_and_page() -> None:
    for name in program.parser()._subparsers._group_actions[0].choices:  # type: ignore[union-attr]
        assert f"`{name}" in CHANGELOG or f"`.venv/bin/python -m vitviz {name}" in README + GUIDE, name
    for listed in sections().values():
        for entry in listed:
            assert entry.title in CHANGELOG, entry.title


@pytest.mark.parametrize("page", ["README.md", "docs/pages/index.md"])
def test_every_link_leads_to_a_file(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert links
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
