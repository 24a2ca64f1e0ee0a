"""The texts that promise something, taken apart: blocks, commands, names in backticks, rows of tables."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs/pages/guide").glob("*.md"))]
GUIDE = "\n".join(PAGES)
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
PYTHON = ".venv/bin/python -m vitviz "


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Return every line of the shell blocks, without its comment."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    return [command for line in lines if (command := shlex.join(shlex.split(line, comments=True)))]


def inline(text: str) -> list[str]:
    """Return what stands in backticks outside the blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of every row of the tables below a heading."""
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and not set(line) <= set("|- ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def hub_names(text: str) -> list[str]:
    """Return the timm models that a text's commands and blocks load with the hub's weights."""
    told = "\n".join([*blocks(text, "sh"), *blocks(text, "python")])
    return sorted(set(re.findall(r"timm:([a-z0-9_]+)", told)))


def fits_any_size(command: str) -> bool:
    """Return whether a command line names neither a size nor a patch, so that a smaller model serves it as well."""
    return re.search(r"--(size|image-size|token|patch)", command) is None
