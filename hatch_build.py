"""The package's readme: README.md with links that hold on a page elsewhere, such as a package index.

They become absolute by ``[project.urls] Source``, the one place that may name the repository's address. While there is
none, pictures are left out and other links keep their words alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://)([^)]+)\)")
"""A picture or a link to a place in the repository."""


class Readme(MetadataHookInterface):
    """Puts the readme into the package's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        told = readme(text, metadata.get("urls", {}).get("Source"))
        metadata["readme"] = {"content-type": "text/markdown", "text": told}


def readme(text: str, address: str | None) -> str:
    """Return a text with every link absolute; without an address, with none that leads nowhere."""

    def link(match: re.Match[str]) -> str:
        picture, words, place = match.groups()
        if address is None:
            return "" if picture else words
        if place.startswith("#"):
            return f"[{words}]({address}{place})"
        return f"{picture}[{words}]({address}/{'raw' if picture else 'blob'}/HEAD/{place})"

    return re.sub(r"\n{3,}", "\n\n", LINK.sub(link, text))
