"""Memory that runs out: torch's and numpy's errors become one that says where, how much was asked, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from vitviz.errors import ShortMemoryError, VitvizError
from vitviz.progress import is_out_of_memory

_SIZE = r"([\d.]+ ?(?:[KMGTPE]i?B|bytes))"
_ASKED = re.compile(rf"tried to allocate {_SIZE}|Unable to allocate {_SIZE}", re.IGNORECASE)
_FREE = re.compile(rf"of which {_SIZE} is free", re.IGNORECASE)
_MPS = re.compile(rf"MPS allocated: {_SIZE}.*max allowed: {_SIZE}", re.IGNORECASE)
_ADVICE = {
    "image_size": "Take a smaller input, such as image_size=112.",
    "precision": "Take half the precision: precision='bfloat16'.",
    "device": "Take another device, such as device='cpu'.",
}


def short_memory(error: Exception) -> ShortMemoryError:
    """Return what a lack of memory is told as: the device, what was asked for and what is free, as far as it is said.

    >>> from vitviz.out_of_memory import short_memory
    >>> str(short_memory(MemoryError()))[:48]
    'There is not enough memory on cpu for this pass.'
    """
    told = str(error)
    asked, free = _ASKED.search(told), _FREE.search(told) or _MPS.search(told)
    device = _device(told)
    if asked is None:
        return ShortMemoryError("There is not enough memory on {device} for this pass.", advice=_ADVICE, device=device)
    amount = _readable(asked[1] or asked[2])
    if free is None:
        return ShortMemoryError(
            "There is not enough memory on {device} for this pass: {asked} more were asked for at once.",
            advice=_ADVICE,
            device=device,
            asked=amount,
        )
    if free.re is _MPS:
        return ShortMemoryError(
            "There is not enough memory on {device} for this pass: {asked} more were asked for, {taken} of {allowed} "
            "are taken.",
            advice=_ADVICE,
            device=device,
            asked=amount,
            taken=free[1],
            allowed=free[2],
        )
    return ShortMemoryError(
        "There is not enough memory on {device} for this pass: {asked} more were asked for, {free} are free.",
        advice=_ADVICE,
        device=device,
        asked=amount,
        free=free[1],
    )


@contextmanager
def memory_told() -> Iterator[None]:
    """Have a lack of memory inside raised as ShortMemoryError."""
    try:
        yield
    except Exception as error:
        raise_if_short(error)
        raise


def raise_if_short(error: BaseException | None) -> None:
    """Raise ShortMemoryError if an error of torch or numpy says that memory ran out."""
    if isinstance(error, Exception) and not isinstance(error, VitvizError) and is_out_of_memory(error):
        raise short_memory(error) from error


def _device(told: str) -> str:
    if "MPS" in told:
        return "mps"
    number = re.search(r"GPU (\d+)", told)
    return f"cuda:{number[1]}" if number else "cuda" if "CUDA" in told else "cpu"


def _readable(size: str) -> str:
    """Return a number of bytes as people say it; other sizes as they are."""
    count, unit = re.findall(r"[\d.]+|\w+$", size)[:2]
    return f"{int(count) / 2**30:.2f} GiB" if unit == "bytes" else size
