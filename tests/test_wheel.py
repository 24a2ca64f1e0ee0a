"""The wheel: what a pip install brings works in an empty folder, far from the clone."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import vitviz

ROOT = Path(__file__).parents[1]
LIMIT = 70 * 2**20  # bytes
ASK = """
import runpy, sys
script = sys.argv[1]
for words in (["--version"], ["--help"], ["explain", "--help"]):
    sys.argv = [script, *words]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        assert not ended.code
    print(end="\\0")
"""
"""Runs the console script three times in one process."""


@pytest.fixture(scope="module")
def at_home(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder; the clone is neither here nor on the path."""
    return tmp_path_factory.mktemp("empty")


def is_kept(path: Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"


def run(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def test_the_wheel_holds_every_file_that_the_clone_shows_or_computes_with(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    shown = [
        ROOT / "app.py",
        *(path for name in ("pages", "assets", ".streamlit") for path in (ROOT / name).rglob("*")),
    ]
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "vitviz").rglob("*") if is_kept(path)}
    home = {f"vitviz/home/{path.relative_to(ROOT).as_posix()}" for path in shown if is_kept(path)}
    assert package
    assert home
    assert package | home <= held
    assert not {
        name for name in held if name.startswith(("tests/", "pages/", "assets/"))
    }  # nothing outside the package
    assert wheel.stat().st_size < LIMIT


def test_the_installed_package_finds_its_files_inside_itself(installed: Path, at_home: Path) -> None:
    code = "import json, vitviz, vitviz.assets as a; print(json.dumps([vitviz.__file__, *map(str, (a.HOME, a.PAGES))]))"
    package, home, pages = json.loads(run(installed, at_home, sys.executable, "-c", code).stdout)
    assert Path(package) == installed / "vitviz/__init__.py"
    assert (Path(home), Path(pages)) == (installed / "vitviz/home", installed / "vitviz/home/pages")


def test_the_console_script_explains_a_shipped_photo(installed: Path, at_home: Path) -> None:
    script = str(installed / "bin/vitviz")
    told = run(installed, at_home, sys.executable, "-c", ASK, script).stdout.split("\0")
    assert told[0] == f"vitviz {vitviz.__version__}\n"
    assert told[1].startswith("usage: vitviz [-h] [--version] COMMAND")
    assert "\n  vitviz explain example:cat" in told[2]
    assert "Persian cat" in run(installed, at_home, script, "explain", "example:cat", "--out", "cat.png").stdout
    assert (at_home / "cat.png").read_bytes().startswith(b"\x89PNG")


def test_the_readme_of_the_package_has_no_link_that_leads_nowhere(installed: Path) -> None:
    (distribution,) = metadata.distributions(path=[str(installed)])
    told = distribution.metadata
    text = told.get_payload()
    assert told["Description-Content-Type"] == "text/markdown"
    assert text.startswith("# vitviz\n")
    assert "dashboard" in text
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text)
    source = dict(line.split(", ") for line in told.get_all("Project-URL") or []).get("Source")
    assert all(place.startswith("https://") for _, place in links)
    assert any(picture for picture, _ in links) == (source is not None)


def test_the_readme_s_links_follow_the_address_of_the_repository() -> None:
    read = runpy.run_path(str(ROOT / "hatch_build.py"))["readme"]
    text = "a\n\n![seen](b/c.png)\n\n[card](d.md#e), [here](#f), [paper](https://g.example/h)\n"
    far = "https://i.example/j"
    assert read(text, far) == (
        f"a\n\n![seen]({far}/raw/HEAD/b/c.png)\n\n[card]({far}/blob/HEAD/d.md#e), [here]({far}#f), "
        "[paper](https://g.example/h)\n"
    )
    assert read(text, None) == "a\n\ncard, here, [paper](https://g.example/h)\n"


def test_the_ranges_of_the_package_hold_the_pins_of_the_clone(installed: Path) -> None:
    (distribution,) = metadata.distributions(path=[str(installed)])
    needed = [Requirement(line) for line in distribution.requires or []]
    lists = [(ROOT / file).read_text().splitlines() for file in ("requirements.txt", "requirements-dev.txt")]
    always, pins = (dict(line.split("==") for line in lines if "==" in line) for lines in (lists[0], sum(lists, [])))
    assert {requirement.name for requirement in needed if not requirement.marker} == set(always)
    for requirement in needed:
        assert requirement.specifier.contains(pins[requirement.name])
        assert {bound.operator for bound in requirement.specifier} == {">=", "<"}  # `make lowest` proves the first
    assert distribution.version == vitviz.__version__
