"""A text reads the same, however an editor or a spreadsheet saved it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vitviz.errors import OptionError
from vitviz.text_file import read_lines, read_text

NAMES = ["Perserkatze", "пёс", "金鱼", "tabby, tabby cat"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
MARKS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("last", ["", "\n", "\n\n", "\n  \n"], ids=repr)
def test_names_are_the_same_in_every_encoding_with_every_ending(
    tmp_path: Path, encoding: str, ending: str, last: str
) -> None:
    file = tmp_path / "names.txt"
    text = ("\n".join(NAMES) + last).replace("\n", ending)
    file.write_bytes(MARKS.get(encoding, b"") + text.encode(encoding))
    assert read_lines(file) == NAMES
    assert read_text(file) == "\n".join(NAMES) + last


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xd8\xff\xe0 a JPEG", r"names\.txt is no UTF-8 text \(.*Save it as UTF-8"),
        ("caf\xe9".encode("latin-1"), r"names\.txt is no UTF-8 text"),
        ("cat\ndog".encode("utf-16-le"), r"names\.txt is no UTF-8 text \(it holds zero bytes\)"),
        (b"\xff\xfeodd", r"names\.txt is no UTF-8 text"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes(data)
    with pytest.raises(OptionError, match=said):
        read_text(file)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=re.escape(f"{tmp_path} cannot be read (Is a directory)")):
        read_text(tmp_path)
    with pytest.raises(OptionError, match=r"cannot be read \(No such file"):
        read_text(tmp_path / "none.txt")
