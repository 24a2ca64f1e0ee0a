"""Where the files that come with vitviz lie: example photos, shipped weights, longer texts."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
EXAMPLES = ASSETS / "examples"
WEIGHTS = ASSETS / "weights"
LABS = ASSETS / "labs"
TEXT = ASSETS / "text"
