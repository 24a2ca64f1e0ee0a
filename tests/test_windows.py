"""Windows: scans of more than 8 bits are neither black nor changed in silence."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import ImageError, OptionError
from vitviz.images import open_image, open_photo

RAMP = np.linspace(0, 255, 40 * 60).round().reshape(40, 60).astype(np.uint16)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def deep_png(values: NDArray[np.uint16]) -> bytes:
    """Return a PNG of 16 bits a channel, (height, width, 2, 3 or 4), which Pillow reads and does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["file", "opened", "picture", "array"])
@pytest.mark.parametrize(("factor", "white"), [(1, 255), (4, 1023), (16, 4095), (64, 16383), (257, 65535)])
def test_greys_of_any_depth_keep_their_light(factor: int, white: int, form: str) -> None:
    values = RAMP * np.uint16(factor)
    data = encoded(Image.fromarray(values))
    source: Any = {"array": values, "picture": Image.fromarray(values), "file": data}.get(form)
    photo = open_photo(Image.open(io.BytesIO(data)) if source is None else source)
    wanted = (values / white * 255).round()
    np.testing.assert_array_equal(np.asarray(photo.image)[..., 0], wanted)
    assert abs(wanted.mean() - RAMP.mean()) < 2
    told = "16 bits a channel were reduced to 8" if factor == 257 else (
        f"values were scaled to 8 bits: 0 is black, {white} is white"
    )  # fmt: skip
    assert photo.notes == (told,)


def test_a_window_is_the_reader_s_to_choose() -> None:
    values = RAMP * np.uint16(16)
    full = open_photo(values, window="full")
    np.testing.assert_array_equal(np.asarray(full.image)[..., 0], (values / 257).round())
    assert full.notes == ("16 bits a channel were reduced to 8",)
    given = open_photo(values, window=(400, 2000))
    np.testing.assert_array_equal(
        np.asarray(given.image)[..., 0], ((values.clip(400, 2000) - 400.0) / 1600 * 255).round()
    )
    outside = np.mean((values < 400) | (values > 2000))
    assert given.notes == (
        f"values were scaled to 8 bits: 400 is black, 2000 is white; {outside:.1%} of them lie outside",
    )
    own = np.asarray(open_image(values, window="percentiles"))
    low, high = np.percentile(values, [1, 99])
    np.testing.assert_array_equal(own[..., 0], ((values.clip(low, high) - low) / (high - low) * 255).round())
    assert open_photo(np.full((20, 20), 7.0), window="percentiles").image.getpixel((0, 0)) == (0, 0, 0)
    assert np.asarray(open_image(np.eye(20) * 99 - 9.5, window=(-9.5, 89.5))).max() == 255
    assert open_photo(RAMP.astype(np.uint8), window=(0, 9)).notes == (
        "the window was left aside: the picture has 8 bits a channel",
    )


@pytest.mark.parametrize(
    "window", ["wide", (1,), (5, 5), (9, 1), (0, float("nan")), (0, float("inf")), 7, ("a", "b"), (1, 2, 3), None]
)
def test_windows_that_are_none_are_refused(window: Any) -> None:
    with pytest.raises(
        OptionError, match="Window 'wide' is unknown; wanted one of|window .* cannot be used; wanted 'auto'"
    ):
        open_photo(RAMP, window=window)


def test_float_tiffs_are_scaled_or_refused_and_never_black() -> None:
    fractions = (RAMP / 255).astype(np.float32)
    opened = Image.open(io.BytesIO(encoded(Image.fromarray(fractions), "TIFF")))
    np.testing.assert_array_equal(np.asarray(open_image(opened))[..., 0], RAMP)
    for values in (fractions * 900, fractions - 0.5):
        with pytest.raises(
            ImageError, match=r"mode F, with values from .*Convert it to 8 bits first.*window='range' takes"
        ):
            open_image(Image.fromarray(values.astype(np.float32)))
    wide = open_image(Image.fromarray(fractions * np.float32(900)), window=(0, 900))
    np.testing.assert_array_equal(np.asarray(wide)[..., 0], RAMP)
    with pytest.raises(ImageError, match="40 values that are NaN or infinite"):
        open_image(Image.fromarray(np.where(np.arange(60) == 7, np.nan, fractions).astype(np.float32)))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("opened", [False, True])
def test_colours_of_16_bits_are_read_with_all_their_bits(channels: int, opened: bool) -> None:
    """Pillow keeps the upper 8 bits: of a scan with 12 bits only 16 levels, nearly black."""
    values = np.random.default_rng(0).integers(0, 4096, (40, 50, channels)).astype(np.uint16)
    values[..., 3:] = 65535
    data = deep_png(values)
    photo = open_photo(Image.open(io.BytesIO(data)) if opened else data)
    np.testing.assert_array_equal(np.asarray(photo.image), (values[..., :3] / 4095 * 255).round())
    assert photo.notes == ("values were scaled to 8 bits: 0 is black, 4095 is white",)
    bright = np.random.default_rng(0).integers(0, 65536, (40, 50, channels)).astype(np.uint16)
    bright[..., 3:] = 65535
    full = open_photo(deep_png(bright))
    np.testing.assert_array_equal(np.asarray(full.image), bright[..., :3] // 256)
    assert full.notes == ("16 bits a channel were reduced to 8",)


def test_grey_of_16_bits_with_transparency_is_not_black_either() -> None:
    values = np.dstack([RAMP * np.uint16(16), np.full(RAMP.shape, 65535, np.uint16)])
    photo = open_photo(deep_png(values))
    assert np.asarray(photo.image).mean() > 100  # of its upper bits: 16 levels, and said
    assert "is black" in photo.notes[0]
