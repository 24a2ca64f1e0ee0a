"""The bytes of a photo, wherever they lie."""

from __future__ import annotations

from pathlib import Path

from vitviz.atlas.arrow_door import TableReader
from vitviz.atlas.entry import FILE, TABLE, Entry
from vitviz.errors import ImageError
from vitviz.images import MAX_BYTES


class PhotoReader:
    """Reads photos of one source, archives and tables kept open between neighbours."""

    def __init__(self, base: Path, column: str | None = None) -> None:
        self._base, self._tables = base, TableReader(base, column)

    def read(self, entry: Entry) -> bytes:
        """Return a photo's bytes; raises ImageError for one that is not there, too large or cut off."""
        if entry.problem:
            raise ImageError(entry.problem)
        if entry.kind == TABLE:
            return self._tables.read(entry)
        if entry.size > MAX_BYTES:
            raise ImageError(f"The picture has {entry.size:,} bytes; wanted at most {MAX_BYTES:,}. Save it smaller.")
        try:
            with (self._base / entry.container).open("rb") as file:
                file.seek(entry.place)
                data = file.read(entry.size + (entry.kind == FILE))  # a byte more: a file that grew is seen
        except OSError as error:
            raise ImageError(
                f"There is no picture at {entry.container} that can be read ({error.strerror or error}). Check the "
                "path and its permissions."
            ) from error
        if len(data) != entry.size:
            size = "more" if len(data) > entry.size else f"{len(data):,}"
            raise ImageError(
                f"The picture has {size} bytes and had {entry.size:,} when the photos were listed; wanted the same "
                "file. It was changed meanwhile: begin anew."
            )
        return data
