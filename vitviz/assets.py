"""Where the files that come with vitviz lie: pages, example photos, shipped weights, atlases, longer texts.

In a clone they stand beside the package, where people look for them; in a wheel (see pyproject.toml) inside it, in
``home``, because what stands beside an installed package belongs to all packages.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
HOME = PACKAGE / "home" if (PACKAGE / "home").is_dir() else PACKAGE.parent
"""The folder that holds app.py, pages, assets and .streamlit."""
PAGES = HOME / "pages"
ASSETS = HOME / "assets"
EXAMPLES = ASSETS / "examples"
WEIGHTS = ASSETS / "weights"
LABS = ASSETS / "labs"
ATLASES = ASSETS / "atlases"
TEXT = ASSETS / "text"
