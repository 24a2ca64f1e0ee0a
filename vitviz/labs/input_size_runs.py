"""The shipped table of input sizes: the shipped model on the opening photo, so that the page answers at once.

``python -m vitviz.labs.input_size_runs`` measures it again (18 passes, about half a minute on an idle core) and writes
assets/labs/input_sizes.json.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from vitviz.analysis.input_sizes import SizedAnswer
from vitviz.assets import ASSETS
from vitviz.examples import examples
from vitviz.files import write_text
from vitviz.images import open_photo
from vitviz.labs.input_size import InputSizes, compare_sizes
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT

FILE = ASSETS / "labs" / "input_sizes.json"
MODEL = "default"
_DIGITS = 6


@lru_cache(maxsize=1)
def shipped_sizes() -> InputSizes:
    """Return the shipped model's answers for the opening photo at every size; numbers to six digits.

    Their seconds are NaN: a pass takes its own time on every machine.

    >>> from vitviz.labs.input_size_runs import shipped_sizes
    >>> shipped_sizes().interpolated[-1].image_size
    (518, 518)
    """
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    return InputSizes(*(tuple(map(_answer, stored[way])) for way in ("interpolated", "truncated")))


def measure(vit: ViT) -> InputSizes:
    """Run the opening photo through a model at every size; raises as ``compare_sizes``."""
    return compare_sizes(vit, open_photo(examples()[0].path).image)


def as_text(sizes: InputSizes) -> str:
    """Return what was measured as the text of the shipped file, one size a line."""
    ways = {"interpolated": sizes.interpolated, "truncated": sizes.truncated}
    lines = [
        f'"{name}":[\n' + ",\n".join(json.dumps(_plain(asdict(answer)), separators=(",", ":")) for answer in way) + "]"
        for name, way in ways.items()
    ]
    return "{" + ",\n".join(lines) + "}\n"


def _answer(stored: dict[str, Any]) -> SizedAnswer:
    height, width = stored.pop("image_size")
    top = tuple((number, share) for number, share in stored.pop("top"))
    return SizedAnswer(image_size=(height, width), top=top, seconds=math.nan, **stored)


def _plain(value: Any) -> Any:
    """Return a value with its fractions to six digits, and without seconds."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items() if name != "seconds"}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    write_text(FILE, as_text(measure(load_vit(MODEL))))
