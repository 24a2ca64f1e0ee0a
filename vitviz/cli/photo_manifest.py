"""What the photos of a folder show, and a list of all that lies in it: what became of each file."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping

from vitviz.cli.photo_folder import Entry, Listing
from vitviz.errors import OptionError
from vitviz.models.class_index import class_index, folder_class
from vitviz.models.vit import ViT


def classes_of(vit: ViT, entries: list[Entry], ids: Mapping[str, str]) -> dict[str, int | str | None]:
    """Return the class of each photo by its name: what the table says, else its folders; an unknown one as a text."""
    classes: dict[str, int | str | None] = {}
    for entry in entries:
        classes[entry.name] = folder_class(vit, entry.folders, ids)
        if entry.label is not None:
            try:
                classes[entry.name] = class_index(vit, entry.label, ids)
            except OptionError as error:
                classes[entry.name] = str(error)
    return classes


def manifest_text(
    vit: ViT,
    listing: Listing,
    measured: Collection[str],
    skipped: Mapping[str, str],
    classes: Mapping[str, int | str | None],
) -> str:
    """Return the list of all that lies in the folder, in order: what it shows, and what became of it."""
    rows = [(name, "", "passed over", reason) for name, reason in listing.passed_over.items()]
    for entry in listing.entries:
        known = classes[entry.name]
        state = "measured" if entry.name in measured else "left out" if entry.name in skipped else "not yet"
        name = vit.class_name(known) if isinstance(known, int) else ""
        rows.append((entry.name, name, state, skipped.get(entry.name, "")))
    written = io.StringIO()
    csv.writer(written).writerows([("file", "class", "state", "reason"), *sorted(rows)])
    return written.getvalue()
