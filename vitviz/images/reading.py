"""The bytes of a picture, from wherever they are; and Pillow's many errors as one."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from PIL import Image

from vitviz.clause import Clause
from vitviz.errors import ImageError, VitvizError
from vitviz.images.kinds import PILLOW, WANTED
from vitviz.images.limits import MAX_BYTES, too_large


def read(source: str | PathLike[str] | bytes | bytearray | memoryview | BinaryIO) -> bytes:
    """Return the bytes of a path, of bytes, or of a file open in binary mode, which is read from its start.

    Raises ImageError for what is empty, larger than MAX_BYTES, or cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source) if len(source) <= MAX_BYTES else bytes(memoryview(source)[: MAX_BYTES + 1])
    elif isinstance(source, str | PathLike):
        data = _of_path(path_of(source))
    else:
        data = _of_file(source)
    if not data:
        raise ImageError("The picture is empty: 0 bytes. Wanted {wanted}; save or upload it again.", wanted=WANTED)
    if len(data) > MAX_BYTES:
        raise too_large(Clause("more than {megabytes:.0f} MB", megabytes=MAX_BYTES / 1e6))
    return data


def path_of(source: str | PathLike[str]) -> Path:
    """Return the path that a text means: ``~`` is the home folder, "file:" a local address; others are refused."""
    text = os.fsdecode(source)
    if not text.strip() or (isinstance(source, PathLike) and text == "."):  # what Path("") becomes
        raise ImageError("The path is empty: {text!r}; wanted the path of {wanted}. Name it.", text=text, wanted=WANTED)
    if re.match(r"file:", text, re.IGNORECASE) and not Path(text).exists():
        address = urlsplit(text)
        if address.netloc not in ("", "localhost"):
            raise ImageError("{text} lies on another machine; wanted a local file. Fetch it first.", text=text)
        text = url2pathname(address.path)
    elif re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        raise ImageError(
            "{text} is an address on a network, and vitviz fetches nothing; wanted {wanted}. Save it first.",
            text=text,
            wanted=WANTED,
        )
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ImageError(
            "There is no picture at {path}: {error}. Check the path; wanted {wanted}.",
            path=text,
            error=error,
            wanted=WANTED,
        ) from error


def _of_path(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageError("There is no picture at {path}, but a folder; wanted {wanted}.", path=path, wanted=WANTED)
        if not path.is_file():
            raise ImageError(
                "There is no picture at {path}. Check the path; wanted {wanted}.", path=path, wanted=WANTED
            )
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise too_large(Clause("a file of {megabytes:.0f} MB", megabytes=size / 1e6))
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(f" at {path}", error) from error


def _of_file(file: BinaryIO) -> bytes:
    """Return what a file holds, no more than a byte beyond the limit."""
    try:
        if _seekable(file):
            file.seek(0)  # as Pillow does: whoever read it before left it at its end
        data: Any = file.read(MAX_BYTES + 1)
    except Exception as error:  # a file object of one's own may raise anything
        raise _unreadable("", error) from error
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    raise ImageError(
        "The file gives {kind} and not bytes; wanted a file open in binary mode. Open it with mode 'rb'.",
        kind=type(data).__name__,
    )


def _seekable(file: BinaryIO) -> bool:
    return bool(file.seekable()) if hasattr(file, "seekable") else hasattr(file, "seek")


def _unreadable(name: str, error: Exception) -> ImageError:
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, io.UnsupportedOperation):  # open for writing alone
        return ImageError(
            "The file cannot be read ({reason}); wanted one that is open for reading, in binary mode. Open it with "
            "mode 'rb', or give its path.",
            reason=reason,
        )
    if "closed" in str(error):
        return ImageError(
            "The picture{name} cannot be read ({reason}); wanted an open file. Open it again, or give its path.",
            name=name,
            reason=reason,
        )
    return ImageError(
        "The picture{name} cannot be read ({reason}); wanted {wanted} that this account may open. Check its "
        "permissions, or copy it elsewhere.",
        name=name,
        reason=reason,
        wanted=WANTED,
    )


def unread_bytes(opened: Image.Image) -> bytes | None:
    """Return the bytes of the file behind a PIL picture of one of PILLOW that is not yet decoded, or None."""
    file: Any = getattr(opened, "fp", None)
    if not getattr(opened, "tile", None) or opened.format not in (*PILLOW, "MPO") or opened.tell() or file is None:
        return None
    try:
        place = file.tell()
        file.seek(0)
        data = file.read(MAX_BYTES + 1)
        file.seek(place)
    except (OSError, ValueError):
        return None
    return bytes(data) if len(data) <= MAX_BYTES else None


@contextmanager
def decoding() -> Iterator[None]:
    """Turn what Pillow raises into ImageError: its plugins meet damaged files with almost every kind of exception."""
    try:
        yield
    except VitvizError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        digits = re.search(r"\d+", str(error))  # Pillow gives up before it tells width and height
        pixels = Clause("{millions:.0f} million pixels", millions=int(digits[0]) / 1e6) if digits else Clause("a bomb")
        raise too_large(pixels) from error
    except MemoryError as error:
        raise too_large(Clause("more than the memory holds")) from error
    except Exception as error:
        raise _failed(error) from error


def _failed(error: Exception) -> ImageError:
    if "closed" in str(error):
        return ImageError(
            "The picture is closed ({error}); wanted one that is open. Open it again, or give its path.", error=error
        )
    return ImageError(
        "The picture is damaged or cut off ({error}); wanted a complete file. Save or send it again.", error=error
    )
