"""The library's own words that pages show: its photos, and what its methods are called, cost, cannot do and are told.

They are data of the library, which speaks English alone; pages pass them through ``_`` as they are. ``make messages``
adds them to the template: ``python -m vitviz.ui.library_words TEMPLATE``.
"""

from __future__ import annotations

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


def add_to(template: Path) -> None:
    """Add the library's words to a template of messages."""
    from babel.messages.pofile import read_po, write_po  # of the development tools

    with template.open("rb") as file:
        catalogue = read_po(file)
    for word in sorted(library_words()):
        catalogue.add(word, locations=[("vitviz/ui/library_words.py", 0)])
    with template.open("wb") as file:
        write_po(file, catalogue, include_lineno=False)


if __name__ == "__main__":
    add_to(Path(sys.argv[1]))
