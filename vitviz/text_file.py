"""Texts that people write, however their editor or spreadsheet saved them."""

from __future__ import annotations

import codecs
import io
from pathlib import Path

from vitviz.errors import OptionError

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


def read_text(path: Path) -> str:
    r"""Return a text in UTF-8, or in the Unicode that the mark at its start names, with "\n" between lines.

    Raises OptionError for a file that cannot be read, or that is no such text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OptionError(
            "{path} cannot be read ({strerror}); wanted a text in UTF-8. Check its permissions.",
            path=path,
            strerror=error.strerror or error,
        ) from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise OptionError(
            "{name} is no UTF-8 text ({error}). Save it as UTF-8; spreadsheets call it CSV UTF-8.",
            name=path.name,
            error=error,
        ) from error
    if "\0" in text:
        raise OptionError(
            "{name} is no UTF-8 text (it holds zero bytes). Save it as UTF-8.",
            name=path.name,
        )
    return io.StringIO(text, newline=None).read()


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text without the space around them, and without the empty ones; raises as ``read_text``."""
    return [line.strip() for line in read_text(path).split("\n") if line.strip()]
