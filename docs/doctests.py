"""Examples of docstrings as code: Markdown would take ``>>>`` for a quotation three levels deep."""

from __future__ import annotations

from typing import Any

import griffe


class Doctests(griffe.Extension):
    """Fences every paragraph of a docstring that begins with a prompt."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object that was just read."""
        if obj.docstring is not None:
            parts = obj.docstring.value.split("\n\n")
            obj.docstring.value = "\n\n".join(
                f"```pycon\n{part.strip()}\n```" if part.lstrip().startswith(">>> ") else part for part in parts
            )
