"""One blob of bytes for the browser: a JSON header, then the arrays, each on an eight-byte boundary.

A Streamlit component receives bytes only as the whole of its ``data``; bytes inside a dictionary arrive as text.

    4 bytes   length of the header, little-endian
    header    JSON in UTF-8, padded with spaces; "parts" holds name → [offset, length], counted from the header's end
    parts     the arrays, little-endian, each padded with zeros
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_ALIGNMENT = 8


def pack(meta: Mapping[str, Any], parts: Mapping[str, bytes]) -> bytes:
    """Return the header and the parts as one blob. Raises ValueError if the header holds NaN or infinity."""
    offsets: dict[str, list[int]] = {}
    body = bytearray()
    for name, part in parts.items():
        offsets[name] = [len(body), len(part)]
        body += part + bytes(-len(part) % _ALIGNMENT)
    header = json.dumps({**meta, "parts": offsets}, ensure_ascii=False, allow_nan=False, sort_keys=True).encode()
    header += b" " * (-(len(header) + 4) % _ALIGNMENT)
    return len(header).to_bytes(4, "little") + header + bytes(body)


def unpack(blob: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return (header, parts) of a blob that ``pack`` made: what the browser reads, for tests and tools."""
    start = 4 + int.from_bytes(blob[:4], "little")
    meta: dict[str, Any] = json.loads(blob[4:start])
    offsets: dict[str, list[int]] = meta.pop("parts")
    return meta, {name: blob[start + at : start + at + length] for name, (at, length) in offsets.items()}


def float32_bytes(values: ArrayLike) -> bytes:
    """Return the values as little-endian float32 in C order, as JavaScript's Float32Array reads them."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()
