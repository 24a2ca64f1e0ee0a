"""The set-up: what is pinned is what is installed, and the dashboard's settings are ones that Streamlit knows."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from streamlit import config

ROOT = Path(__file__).parents[1]
LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-train.txt")
SETTINGS = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
THEMES = ("light", "dark")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    """Return the version of each package of a list, refusing any line that is not an exact pin or a comment."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[A-Za-z0-9._-]+==\d[\w.]*", line), f"{file}: {line!r} is not name==version"
            name, version = line.split("==")
            assert normal(name) not in found, f"{file} names {name} twice"
            found[normal(name)] = version
    assert found, f"{file} is empty"
    return found


@pytest.mark.parametrize("file", LISTS)
def test_every_list_agrees_with_the_constraints(file: str) -> None:
    constraints = pins("constraints.txt")
    assert {name: constraints.get(name) for name in pins(file)} == pins(file)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_pinned_is_what_is_installed(file: str) -> None:
    installed = {name: metadata.version(name).split("+")[0] for name in pins(file)}  # 2.13.0+cpu is a 2.13.0
    assert installed == pins(file)


def test_what_the_pinned_packages_need_is_constrained() -> None:
    needed, unseen = set[str](), [*pins("requirements.txt"), *pins("requirements-dev.txt")]
    while unseen:
        name = unseen.pop()
        needed.add(name)
        for line in metadata.requires(name) or []:
            if "extra ==" not in line and (other := normal(re.split(r"[^\w.-]", line)[0])) not in needed:
                unseen += [other] if is_installed(other) else []
    assert needed <= set(pins("constraints.txt"))


def is_installed(name: str) -> bool:
    cuda = ("nvidia-", "cuda-", "triton")  # each build of torch pins its own
    return not name.startswith(cuda) and any(metadata.distributions(name=name))


def test_every_imported_package_is_pinned() -> None:
    files = [*(ROOT / "vitviz").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    packages = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"vitviz"}
    assert "torch" in packages
    distributions = metadata.packages_distributions()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    optional = {re.split(r"[><=]", line)[0] for lines in extras.values() for line in lines}
    assert optional <= pins("requirements-dev.txt").keys()  # an extra is installed for the tests
    pinned = pins("requirements.txt").keys() | pins("requirements-train.txt").keys() | optional
    unpinned = {name for name in packages if not pinned & {normal(x) for x in distributions.get(name, [name])}}
    assert not unpinned, f"pin {', '.join(sorted(unpinned))} in requirements.txt"


@pytest.mark.parametrize("file", [*LISTS, "constraints.txt", "Makefile", "pyproject.toml", ".ci/run"])
def test_no_file_names_a_package_host(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8").replace("http://127.0.0.1", "")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


def options(section: dict[str, object], prefix: str) -> list[str]:
    nested = [(f"{prefix}{name}", value) for name, value in section.items()]
    return [x for name, value in nested for x in (options(value, f"{name}.") if isinstance(value, dict) else [name])]


@pytest.mark.parametrize("option", options(SETTINGS, ""))
def test_streamlit_knows_every_setting(option: str) -> None:
    config.get_option(option)  # raises RuntimeError for a name that is none


def test_only_this_machine_reaches_the_dashboard() -> None:
    assert SETTINGS["server"]["address"] == "127.0.0.1"
    assert SETTINGS["server"]["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["global"]["maxCachedMessageAge"] >= 10, "quick clicks must not meet what the browser threw away"


def luminance(colour: str) -> float:
    """Return the relative luminance of "#RRGGBB" in [0, 1] (WCAG 2.2)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in channels]
    return sum(weight * x for weight, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_by_hand() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ink", ["textColor", "linkColor", "orangeTextColor"])
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
def test_text_can_be_read_in_both_themes(theme: str, ink: str, ground: str) -> None:
    colours = SETTINGS["theme"][theme]
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_buttons_and_the_numbers_of_sliders_can_be_read(theme: str) -> None:
    colours = SETTINGS["theme"][theme]
    sidebar = colours.get("sidebar", {}).get("backgroundColor", colours["secondaryBackgroundColor"])
    for other in ("#FFFFFF", colours["backgroundColor"], sidebar):  # a button's label is white in both themes
        assert contrast(colours["primaryColor"], other) >= 4.5
