"""The library's own words that pages show: its photos, and what its methods are called, cost, cannot do and are told.

They are data of the library, which speaks English alone; pages pass them through ``_`` as they are. ``make messages``
adds them to the template: ``python -m vitviz.ui.library_words TEMPLATE``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from vitviz.attribution import METHODS
from vitviz.examples import examples


def library_words() -> set[str]:
    """Return every text of the library that a page shows in the reader's language."""
    found = {photo.title for photo in examples()}
    for method in METHODS:
        found |= {method.label, method.cost, method.limits, *(knob.help for knob in method.knobs)}
    return found


def with_library_words(template: str) -> str:
    """Return a template of messages with the library's words that it does not have yet."""
    entries = (f"msgid {json.dumps(word, ensure_ascii=False)}" for word in sorted(library_words()))
    added = [
        f'#: vitviz/ui/library_words.py\n{each}\nmsgstr ""\n'
        for each in entries
        if each not in template
    ]
    return "\n".join([template, *added])


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_library_words(path.read_text(encoding="utf-8")), encoding="utf-8")
