"""Files that are written whole or not at all, and never over another one unawares.

Every file that vitviz writes goes through ``writing``: first beside its place, then in one move into it. A full disk,
an error or Ctrl+C leaves what was there before, and nothing else. What a killed process left is cleared away by the
next that asks for the same folder (``check_outputs``).
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from zlib import crc32

from vitviz.errors import OptionError, OutputError


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give the path of a file beside ``path`` to write to; it takes the place of ``path`` at the end, atomically.

    A symbolic link stays one: the file that it points to is replaced. The permissions of a replaced file are kept.
    If the block raises, whatever it is, ``path`` stays as it was and the file beside it goes. Raises OutputError
    for what the system refuses, such as a full disk.
    """
    place = real_path(path)
    # a name of its own: two may write at a time
    beside = place.with_name(f".vitviz-{_machine()}-{os.getpid()}-{secrets.token_hex(6)}.part")
    try:
        yield beside
        _settle(beside)
        if place.exists():
            beside.chmod(stat.S_IMODE(place.stat().st_mode))
        beside.replace(place)
    except OSError as error:
        raise OutputError(f"{path} could not be written ({error.strerror or error}). Choose another place.") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, atomically; raises OutputError if it cannot be written."""
    write_files({path: data})


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 with its line ends as they are, atomically; raises OutputError if it cannot be written."""
    write_files({path: text.encode("utf-8")})


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write several files: all are on the disk before the first takes its place."""
    with ExitStack() as all_of_them:
        for path, data in contents.items():
            beside = all_of_them.enter_context(writing(path))
            beside.write_bytes(data)
            _settle(beside)


def _settle(path: Path) -> None:
    """Have a file's content on the disk: some systems notice only here that it is full."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def clear_parts(folder: Path) -> None:
    """Remove the half-written files of processes of this machine that are no more; others' and all else stay."""
    for part in folder.glob(f".vitviz-{_machine()}-*.part"):
        process = part.name.split("-")[2]
        if process.isdecimal() and not _runs(int(process)):
            with suppress(OSError):
                part.unlink()


def _machine() -> str:
    return f"{crc32(socket.gethostname().encode()):08x}"  # folders are shared, process numbers are not


def _runs(process: int) -> bool:
    if os.name == "nt":  # a signal of 0 would end the process there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another account's, or no number of a process
        return True
    return True


def real_path(path: Path) -> Path:
    """Return the path that a name stands for, links followed; raises OptionError for links that go round in a ring."""
    try:
        place = Path(path).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise OptionError(f"{path} cannot be followed to a file ({error}). Choose another name.") from error
    if place.is_symlink():  # newer Pythons return a ring as it is
        raise OptionError(f"{path} cannot be followed to a file (a ring of links). Choose another name.")
    return place


def check_outputs(outputs: Sequence[Path], inputs: Iterable[Path] = (), *, overwrite: bool = False) -> None:
    """Raise OptionError, before any work, for files that could not be written or that must not be.

    Refused are a file that is read (``inputs``), whatever the name or link that leads to it, even with ``overwrite``;
    one that is there already, without ``overwrite``; a folder, a device, a file or folder that this account may not
    write to; and one place given twice.
    """
    sources = [source for source in inputs if Path(source).exists()]
    places = set()
    for path in outputs:
        place = real_path(path)
        if not place.parent.is_dir():
            raise OptionError(f"There is no folder {path.parent} for {path.name}. Make it first, or choose another.")
        clear_parts(place.parent)
        if place.exists():
            _check_existing(path, place, sources, overwrite)
        places.add((place.parent, _check_folder(path, place)))
    files = [real_path(path) for path in outputs if real_path(path).exists()]
    linked = any(first.samefile(second) for number, first in enumerate(files) for second in files[:number])
    if linked or len(places) < len(outputs):
        raise OptionError("The same file is given twice with --out; wanted each file once. Leave one out.")


def _check_existing(path: Path, place: Path, sources: Sequence[Path], overwrite: bool) -> None:
    if place.is_dir():
        raise OptionError(f"{path} is a folder; wanted the name of a file. Choose another name.")
    if not place.is_file():
        raise OptionError(f"{path} is no ordinary file; wanted the name of one. Choose another name.")
    source = next((source for source in sources if source.samefile(place)), None)
    if source is not None:
        by = "" if str(source) == str(path) else f" by the name {source}"
        raise OptionError(f"{path} is read{by}, so it cannot be written as well. Choose another name for the output.")
    if not overwrite:
        raise OptionError(f"{path} exists already. Choose another name, or add --overwrite to replace it.")
    if not os.access(place, os.W_OK):
        raise OptionError(f"{path} is protected against writing. Choose another name, or change its permissions.")


def _check_folder(path: Path, place: Path) -> str:
    """Return a file's name as its folder tells names apart; raises OptionError for a folder that cannot be used."""
    try:
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".vitviz-", suffix=".part") as probe:
            same_in_capitals = Path(probe.name).with_name(Path(probe.name).name.upper()).exists()
    except OSError as error:
        raise OptionError(
            f"The folder of {path} cannot be written to ({error.strerror or error}). Choose another place."
        ) from error
    return place.name.casefold() if same_in_capitals else place.name
