"""What kind of file some bytes are: the content counts, not the name."""

from __future__ import annotations

PILLOW = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
"""Formats that Pillow opens, by its own names."""
SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif", ".dcm", ".npy",
)  # fmt: skip
"""What files of pictures are called; only folders and the upload box look at it."""
WANTED = "a JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC, DICOM or NumPy (.npy) file"
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_BARE = (b"\x02\x00\x00\x00", b"\x02\x00\x01\x00", b"\x08\x00\x00\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00")
"""How a DICOM file without its preamble may begin: groups 2 and 8, little-endian."""


def kind_of(data: bytes) -> str:
    """Return "npy", "dicom", "heif", or "pillow" for all that Pillow may know."""
    if data.startswith(b"\x93NUMPY"):
        return "npy"
    if data[128:132] == b"DICM" or data.startswith(_BARE):
        return "dicom"
    if data[4:8] == b"ftyp" and _brands(data) & set(_HEIF):
        return "heif"
    return "pillow"


def looks_like_picture(head: bytes) -> bool:
    """Return whether the first bytes of a file, 132 at least, are those of a kind that is opened."""
    signs = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF87a", b"GIF89a")
    return (
        head.startswith((*signs, b"\x93NUMPY"))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
        or (head[4:8] == b"ftyp" and bool(_brands(head) & {*_HEIF, b"avif", b"avis"}))
        or head[128:132] == b"DICM"
    )


def _brands(data: bytes) -> set[bytes]:
    """Return the brands that a file of ISO's base media format names."""
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end, 4))}


_OTHERS = {
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
    b"PK\x03\x04": "an archive",
    b"\x1f\x8b": "an archive",
    b"8BPS": "a Photoshop file",
    b"\x89HDF": "an HDF5 file",
    b"II*\0": "a TIFF file of a kind that Pillow does not read",
    b"MM\0*": "a TIFF file of a kind that Pillow does not read",
}
"""What files that cannot be opened are, by their first bytes."""
PHRASES = tuple(dict.fromkeys(_OTHERS.values()))


def known_as(data: bytes) -> str:
    """Return the name of what some bytes are that cannot be opened as a picture; "" for what is not known."""
    return next((name for start, name in _OTHERS.items() if data.startswith(start)), "")
