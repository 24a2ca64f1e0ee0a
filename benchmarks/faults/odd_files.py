"""Broken and odd picture files, made by seed: what strangers send by mistake or on purpose."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

MODES = ("RGB", "L", "RGBA", "P", "LA", "1", "CMYK", "I;16")
FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "TIFF": "tif", "BMP": "bmp", "AVIF": "avif"}
SUFFIXES = ("jpg", "jpeg", "png", "webp", "JPG", "txt", "gif", "exe", "", "png.jpg", "htm", "ＰＮＧ")
_ARRAY = b"{'descr': '|u1', 'fortran_order': False, 'shape': (40000, 40000), }"
PNG_START = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class OddFile:
    """A file, what was done to it, and what it is called."""

    name: str
    kind: str
    data: bytes


def odd_files(count: int, seed: int = 0) -> Iterator[OddFile]:
    """Yield broken and odd files: first each special one, then whole pictures with one change each."""
    draw = random.Random(seed)
    whole = [*pictures(seed), *other_kinds(seed)]
    special = _special_files()
    for number in range(count):
        if number < len(special):
            kind, data = special[number]
            yield OddFile(f"{number:04}.{draw.choice(('png', 'jpg', 'webp'))}", kind, data)
            continue
        suffix, data = whole[number % len(whole)]
        kind, change = draw.choice(CHANGES)
        if kind == "wrong suffix":
            suffix = draw.choice(SUFFIXES)
        yield OddFile(f"{number:04}.{suffix}".rstrip("."), kind, change(data, draw))


def pictures(seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield (suffix, file) of small whole pictures in every format and mode that Pillow writes here."""
    values = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    picture = Image.fromarray(values).resize((96, 80))
    for name, suffix in FORMATS.items():
        for mode in MODES:
            buffer = io.BytesIO()
            try:
                _in_mode(picture, mode).save(buffer, name, **_options(name))
            except (OSError, ValueError, KeyError):
                continue  # a mode that the format has not
            yield suffix, buffer.getvalue()
    for name, options in (("JPEG", {"progressive": True}), ("WEBP", {"lossless": True})):
        buffer = io.BytesIO()
        picture.save(buffer, name, **options)
        yield FORMATS[name], buffer.getvalue()
    for name in ("GIF", "WEBP", "PNG", "TIFF"):
        buffer = io.BytesIO()
        picture.save(buffer, name, save_all=True, append_images=[picture.rotate(90), picture.rotate(180)])
        yield FORMATS[name], buffer.getvalue()


def other_kinds(seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield (suffix, file) of what Pillow does not write: arrays, DICOM and HEIC, deep and of several frames."""
    draw = np.random.default_rng(seed)
    for array in (
        draw.integers(0, 256, (80, 96, 3), dtype=np.uint8),
        draw.integers(0, 4096, (80, 96)).astype(np.uint16),
        draw.normal(size=(80, 96)).astype(np.float32),
        draw.integers(0, 256, (3, 80, 96, 3), dtype=np.uint8),
    ):
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield "npy", buffer.getvalue()
    for frames in (1, 3):
        yield "dcm", _dicom(draw.integers(0, 4096, (frames, 80, 96)).astype(np.uint16))
        file = pillow_heif.from_pillow(Image.fromarray(draw.integers(0, 256, (80, 96, 3), dtype=np.uint8)))
        for _ in range(frames - 1):
            file.add_from_pillow(Image.fromarray(draw.integers(0, 256, (80, 96, 3), dtype=np.uint8)))
        buffer = io.BytesIO()
        file.save(buffer)
        yield "heic", buffer.getvalue()


def _dicom(pixels: NDArray[np.uint16]) -> bytes:
    """Return a DICOM file of frames of 12 bits (frame, row, column)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID, data.PhotometricInterpretation = CTImageStorage, "1.2.3", "MONOCHROME1"
    data.NumberOfFrames, data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 1, 16, 12, 11, 0
    data.RescaleSlope, data.RescaleIntercept, data.WindowCenter, data.WindowWidth = 2, -1024, 40, 400
    data.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    return picture.convert(mode)


def _options(name: str) -> dict[str, object]:
    """Return metadata for the formats that carry some, so that broken metadata comes up too."""
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    return {"exif": exif.tobytes()} if name in ("JPEG", "PNG", "WEBP") else {}


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def _flip(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 3, 16, 200))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _flip_start(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 2, 4))):
        changed[draw.randrange(min(64, len(changed)))] = draw.randrange(256)
    return bytes(changed)


def _swap(data: bytes, draw: random.Random) -> bytes:
    first, second, third = sorted(draw.sample(range(len(data) + 1), 3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def _repeat(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    return data[:start] + data[start : start + 256] * draw.choice((2, 40)) + data[start:]


def _zeros(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    length = draw.choice((4, 64, 1024))
    return data[:start] + bytes(length) + data[start + length :]


def _huge_claim(data: bytes, draw: random.Random) -> bytes:
    """Write a large number over a place of the header, with a right checksum where it is a PNG."""
    size = struct.pack(">II", draw.choice((0, 1, 2**31 - 1, 2**31, 65_535)), draw.choice((1, 2**16, 2**31 - 1)))
    if data.startswith(PNG_START):
        return png_claiming(size, data)
    start = draw.randrange(4, min(60, len(data)))
    return data[:start] + size + data[start + len(size) :]


def _as_it_is(data: bytes, draw: random.Random) -> bytes:
    return data


def _tail(data: bytes, draw: random.Random) -> bytes:
    return data + draw.randbytes(draw.choice((1, 1000, 100_000)))


Change = Callable[[bytes, random.Random], bytes]
CHANGES: tuple[tuple[str, Change], ...] = (
    ("cut off", _cut),
    ("bits flipped", _flip),
    ("start overwritten", _flip_start),
    ("parts swapped", _swap),
    ("part repeated", _repeat),
    ("zeros", _zeros),
    ("huge claim", _huge_claim),
    ("wrong suffix", _as_it_is),
    ("whole", _as_it_is),
    ("rest behind", _tail),
)


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_claiming(size: bytes, data: bytes) -> bytes:
    """Return a PNG file whose header claims another size, with a right checksum."""
    return PNG_START + chunk(b"IHDR", size + data[24:29]) + data[33:]


def png_bomb(width: int, height: int, *, colour: int = 0, bits: int = 1, rows: int | None = None) -> bytes:
    """Return a small PNG file of width × height equal pixels, of which ``rows`` are there: all by default."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    line = bytes(1 + (width * bits * channels + 7) // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(line) for _ in range(height if rows is None else rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return PNG_START + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@cache
def large_files() -> tuple[tuple[str, bytes], ...]:
    """Return (kind, file) of small files of large pictures, whose decoders take much memory; made once, in seconds."""
    made = []
    for kind, mode, side, options in (
        ("TIFF", "RGBA", 8_000, {"compression": "tiff_deflate"}),
        ("TIFF", "CMYK", 8_000, {"compression": "tiff_lzw"}),
        ("WEBP", "RGB", 4_890, {"quality": 10, "method": 0}),
        ("WEBP", "RGB", 7_000, {"quality": 10, "method": 0}),
    ):
        buffer = io.BytesIO()
        Image.new(mode, (side, side)).save(buffer, kind, **options)
        made.append((f"{side} × {side} pixels, {mode}, {kind}", buffer.getvalue()))
    return tuple(made)


@cache
def _special_files() -> tuple[tuple[str, bytes], ...]:
    return tuple(_special())


def _special() -> Iterator[tuple[str, bytes]]:
    """Yield (kind, file) of what no random change makes."""
    yield "empty", b""
    yield "a byte", b"\x00"
    yield "text", b"This is no picture.\n" * 100
    yield "page", b"<html><script>alert(1)</script></html>"
    yield "drawing (SVG)", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    yield "document (PDF)", b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF"
    yield "program", b"MZ" + bytes(4000)
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("picture.png", bytes(10_000_000))
    yield "archive", archive.getvalue()
    yield "only a start", PNG_START
    yield "bomb of 900 million pixels", png_bomb(30_000, 30_000)
    yield "bomb of 2 billion pixels, cut off", png_bomb(46_000, 46_000, rows=10)
    yield "bomb just above the limit", png_bomb(8_001, 8_000, colour=2, bits=8)
    yield "largest allowed, RGB", png_bomb(8_000, 8_000, colour=2, bits=8)
    yield "largest allowed, RGBA, 16 bits", png_bomb(8_000, 8_000, colour=6, bits=16)
    yield "largest allowed, grey, 16 bits", png_bomb(8_000, 8_000, bits=16)
    yield "claims 2³¹ − 1 pixels a side", png_bomb(2**31 - 1, 2**31 - 1, rows=0)
    yield "very wide", png_bomb(60_000, 16)
    yield "very high", png_bomb(16, 60_000)
    yield "largest allowed, RGB, 16 bits", png_bomb(8_000, 8_000, colour=2, bits=16)
    yield "an array that claims 40,000 × 40,000", b"\x93NUMPY\x01\0v\0" + _ARRAY.ljust(117) + b"\n" + bytes(100)
    objects = io.BytesIO()
    np.save(objects, np.array([[None] * 20] * 20), allow_pickle=True)
    yield "an array of objects (pickle)", objects.getvalue()
    yield from large_files()
    yield "a pixel", png_bomb(1, 1)
    yield "no width", png_bomb(0, 64)
    text = zlib.compress(b"a" * 90_000_000, 9)
    whole = png_bomb(64, 64, colour=2, bits=8)
    yield "bomb of text in a PNG", whole[:33] + chunk(b"zTXt", b"Comment\0\0" + text) + whole[33:]
    yield "bomb of a colour profile", whole[:33] + chunk(b"iCCP", b"p\0\0" + text) + whole[33:]
    yield "40 million bytes and one", b"\xff\xd8\xff" + bytes(40_000_000)
