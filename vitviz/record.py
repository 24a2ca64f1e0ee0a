"""Record: the base of every frozen record, whose ``repr`` tells in a line or three what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np

WIDTH = 120
"""Characters of a line."""
LINES = 3
"""Lines of the longest ``repr``."""
_ROOMS = (60, 40, 32, 24, 16)  # characters of one value: the first with which all fields fit


class Record:
    """Base of frozen dataclasses: arrays are told by type and shape, long values cut, nested records kept short.

    >>> from vitviz.grid import PatchGrid
    >>> PatchGrid(2, 3, (16, 16), ("class",))
    PatchGrid(rows=2, columns=3, patch_size=(16, 16), prefix=('class',))
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        setattr(cls, "__repr__", Record.__repr__)  # noqa: B010 - @dataclass leaves alone what a class has itself

    def __repr__(self) -> str:
        for room in _ROOMS:
            lines = _lines(type(self).__name__, _fields(self, room))
            if len(lines) <= LINES:
                return "\n".join(lines)
        return "\n".join(lines[:LINES]) + " …)"


class Result(Record):
    """Base of the records that show themselves: what the dashboard draws of them, in a notebook and as pictures.

    Every kind has options of its own, those of its page: ``vitviz.pictures.options(result)`` lists them.

    >>> from vitviz.labs import gelu
    >>> gelu.gelu().image().mode
    'RGB'
    """

    def figure(self, **options: Any) -> Any:
        """Return this result as a Plotly figure, to point at and to zoom.

        Raises OptionError for an option that its picture has not, and for a result that cannot be drawn.
        """
        return pictures().drawn(self, options).figure()

    def image(self, *, width_mm: float = 120, dpi: float = 150, **options: Any) -> Any:
        """Return this result as a Pillow picture for print, ``width_mm`` millimetres wide; raises as ``figure``."""
        return pictures().drawn(self, options).image(width_mm=width_mm, dpi=dpi)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the picture, with nothing to load from anywhere."""
        drawing: str = pictures().in_notebook(self)
        return drawing


def pictures() -> Any:
    """Return the room ``vitviz.pictures``, which lies above all records and brings Plotly: loaded for the first one."""
    return import_module("vitviz.pictures")


def _fields(record: Any, room: int) -> list[str]:
    shown = [field.name for field in fields(record) if field.repr]
    return [f"{name}={_text(getattr(record, name), room)}" for name in shown]


def _lines(name: str, parts: list[str]) -> list[str]:
    whole = f"{name}({', '.join(parts)})"
    if len(whole) <= WIDTH:
        return [whole]
    lines = [f"{name}("]
    for part in parts:
        if len(lines[-1]) + len(part) + 2 > WIDTH - 3:  # 3: the " …)" of a record that is cut
            lines.append("    ")
        lines[-1] += part + ", "
    return [line.rstrip() for line in lines[:-1]] + [lines[-1].removesuffix(", ") + ")"]


def _text(value: Any, room: int) -> str:
    """Return a value in about ``room`` characters at most."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = _fields(value, room)
        return _listed(type(value).__name__ + "(", parts, ")", room, len(parts))
    if isinstance(value, np.generic):
        return _plain(value.item(), room)
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:  # of NumPy and of PyTorch alike
        return f"<{str(dtype).removeprefix('torch.')} {tuple(shape)}>"
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return _listed("{", (f"{_text(key, room)}: {_text(value[key], room)}" for key in value), "}", room, len(value))
    if isinstance(value, tuple | list | AbstractSet):
        start, end = ("(", ",)" if len(value) == 1 else ")") if isinstance(value, tuple) else ("[", "]")
        start, end = ("{", "}") if isinstance(value, AbstractSet) else (start, end)
        return _listed(start, (_text(item, room) for item in value), end, room, len(value))
    return _plain(value, room)


def _listed(start: str, parts: Iterable[str], end: str, room: int, count: int) -> str:
    """Return what fits of the parts between brackets, and how many are left out."""
    text = start
    for index, part in enumerate(parts):
        comma = ", " if index else ""
        if len(text) + len(comma) + len(part) > room:
            return f"{text}{comma}… {count - index} more{end}" if index else f"{start}… {count}{end}"
        text += comma + part
    return text + end


def _plain(value: Any, room: int) -> str:
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"<{value.__qualname__}>"
    text = repr(value)
    if isinstance(value, float) and len(text) > 8:
        return f"{value:.6g}"
    if isinstance(value, str) and len(text) > room:
        return repr(value[: room - 3] + "…")
    short = len(text) <= room and "\n" not in text and " at 0x" not in text
    return text if short or isinstance(value, int) else f"<{type(value).__name__}>"
