"""The frame of every HTML file that vitviz writes: one language, one style, and a rule that nothing is loaded."""

from __future__ import annotations

from html import escape

STILL = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""The policy of a page without scripts: the browser itself is told to load nothing, from anywhere."""


def html_page(title: str, body: str, *, style: str, policy: str = STILL, language: str = "en") -> str:
    """Return a whole page; ``title`` is plain text, ``body`` and ``style`` stand as they are."""
    return f"""<!doctype html>
<html lang="{escape(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
