"""Plain values as JSON that people can read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitviz.errors import OptionError
from vitviz.files import write_text

# A list of numbers over several lines. No text looks like it: JSON writes a line break in a text as \\n.
_NUMBERS = re.compile(r"\[\n\s*((?:[-+.\deE]+,?\s+)+)\]")


def json_text(values: Mapping[str, Any]) -> str:
    """Return values as JSON that people can read, ending in a newline.

    Raises OptionError for values that JSON has no words for, such as NaN or an array.
    """
    try:
        text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"The manifest cannot be written as JSON ({error}); wanted finite numbers, texts, lists and mappings. "
            "Put arrays into the npz file."
        ) from error
    return _NUMBERS.sub(lambda numbers: f"[{' '.join(numbers[1].split())}]", text) + "\n"


def write_json(values: Mapping[str, Any], path: Path) -> None:
    """Write values such as a manifest to a JSON file, atomically; raises OutputError if it cannot be written."""
    write_text(path, json_text(values))
