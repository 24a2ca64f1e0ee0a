"""Pictures that strangers send: each is opened right or refused in words, and nothing is silent."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import ImageError
from vitviz.images import KEEP_SIDE, MAX_BYTES, open_image, open_photo, photo_of, pillow_file, to_rgb

COLOURS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], dtype=np.uint8)


def corners(side: int = 32) -> Image.Image:
    """Red, green / blue, yellow quarters: no turn or mirror image of it is itself."""
    return Image.fromarray(COLOURS.repeat(side // 2, 0).repeat(side // 2, 1))


def noisy(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image)


def png(width: int, height: int, *, rows: bytes = b"") -> bytes:
    """Return a PNG that announces a size, whatever it holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_plain_picture_is_returned_as_it_is(kind: str, tmp_path: Path) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(noisy(), kind, **options)
    path = tmp_path / "photo"
    path.write_bytes(data)
    for source in (data, path, str(path), io.BytesIO(data)):
        photo = open_photo(source)
        assert photo.image.mode == "RGB"
        np.testing.assert_array_equal(pixels_of(photo.image), pixels_of(noisy()))
        assert photo.notes == ()


def test_a_jpeg_is_close_to_what_was_saved() -> None:
    photo = open_photo(encoded(corners(), "JPEG", quality=95))
    assert np.abs(pixels_of(photo.image)[4:12, 4:12].astype(int) - [255, 0, 0]).max() < 12
    assert photo.notes == ()


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(noisy(), "PNG"))
    assert open_image(tmp_path / "photo.jpg").size == (64, 48)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The picture is empty: 0 bytes"),
        (b"<html><body>404", r"not a picture that can be opened; got 15 bytes that start with '<html><body>'"),
        (b"\x00" * 500, "not a picture that can be opened; got 500 bytes"),
        (b"%PDF-1.7 ...", "but a PDF document; .* Wanted a JPEG, PNG, WebP, .* file: the content counts"),
        (encoded(noisy(), "GIF")[:-600], "damaged or cut off"),
        (encoded(noisy(), "TIFF")[:-600], "damaged or cut off|not a picture"),
        (encoded(noisy(), "BMP")[:-600], "damaged or cut off"),
        (encoded(noisy(), "AVIF")[:-600], "damaged or cut off|not a picture"),
        (encoded(noisy())[:20], "damaged or cut off|not a picture"),
        (encoded(noisy())[:-2000], "damaged or cut off"),
        (encoded(noisy(), "JPEG")[:-600], "damaged or cut off"),
        (encoded(noisy(), "WEBP")[:-300], "damaged or cut off|not a picture"),
    ],
    ids=[
        "empty",
        "html",
        "zeros",
        "pdf",
        "cut GIF",
        "cut TIFF",
        "cut BMP",
        "cut AVIF",
        "head only",
        "cut PNG",
        "cut JPEG",
        "cut WebP",
    ],
)
def test_what_is_no_whole_picture_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(data)
    for source in (data, tmp_path / "photo.jpg", io.BytesIO(data)):
        with pytest.raises(ImageError, match=said):
            open_photo(source)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no picture at .*none.png"):
        open_photo(tmp_path / "none.png")
    with pytest.raises(ImageError, match="no picture at"):
        open_photo(tmp_path)


@pytest.mark.parametrize("step", ["stat", "read_bytes"])
def test_a_file_that_cannot_be_read_is_named(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(encoded(noisy()))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, step, refuse)
    with pytest.raises(ImageError, match=r"at .*a\.png cannot be read \(Permission denied\); wanted"):
        open_photo(tmp_path / "a.png")


def test_a_stream_that_cannot_be_read_is_told() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the line is dead")

    with pytest.raises(ImageError, match=r"The picture cannot be read \(the line is dead\)"):
        open_photo(Broken())


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_tiny_pictures_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=f"too small: {size[0]} × {size[1]} pixels; wanted at least 16 on each side"):
        open_photo(encoded(Image.new("RGB", size)))
    assert open_image(encoded(Image.new("RGB", (16, 16)))).size == (16, 16)


@pytest.mark.parametrize("size", [(16, 3000), (2048, 16), (2049, 128)])
def test_pictures_like_threads_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=f"too narrow: {size[0]} × {size[1]} pixels; .* at most 16 times the shorter"):
        open_photo(encoded(Image.new("RGB", size)))
    assert open_image(encoded(Image.new("RGB", (128, 2048)))).size == (128, 2048)


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (30000, 30000, "too large: 900 million pixels"),
        (12000, 9000, r"too large: (108 million|12000 × 9000) pixels"),
        (8001, 8000, "too large: 8001 × 8000 pixels; wanted at most 64 million"),
    ],
)
@pytest.mark.parametrize("warnings_are", ["error", "ignore"])
def test_bombs_are_refused_by_what_they_announce(width: int, height: int, said: str, warnings_are: str) -> None:
    import warnings

    data = png(width, height)
    assert len(data) < 200
    with warnings.catch_warnings():
        warnings.simplefilter(warnings_are)  # type: ignore[arg-type]
        with pytest.raises(ImageError, match=said):
            open_photo(data)


def test_a_real_bomb_is_refused_without_being_decoded() -> None:
    data = png(30000, 30000, rows=bytes(3_000_000))
    assert len(data) < 10_000
    with pytest.raises(ImageError, match="too large"):
        open_photo(data)


def test_files_beyond_the_limit_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ImageError, match="too large: a file of 40 MB"):
        open_photo(path)
    with path.open("rb") as file, pytest.raises(ImageError, match="too large: more than 40 MB"):
        open_photo(file)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_used_and_that_is_said(kind: str) -> None:
    frames = [corners().rotate(90 * turn) for turn in range(3)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)
    photo = open_photo(data)
    np.testing.assert_array_equal(pixels_of(photo.image), pixels_of(frames[0]))
    assert photo.notes == ("animated: the first of 3 frames is used",)


# How a picture is stored that is upright after the turn its EXIF orientation asks for.
TURNED = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("width", [32, 48], ids=["square", "wide"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_pictures_are_turned_upright(orientation: int, width: int, kind: str) -> None:
    upright = corners().resize((width, 32), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    photo = open_photo(encoded(TURNED[orientation](upright), kind, exif=exif, **options))
    assert photo.image.size == (width, 32)
    difference = np.abs(pixels_of(photo.image).astype(int) - pixels_of(upright))
    assert difference[4:12, 4:12].max() < 12  # away from the edges that JPEG blurs
    assert difference[-12:-4, -12:-4].max() < 12
    assert photo.notes == (("turned upright as its EXIF data says",) if orientation > 1 else ())


@pytest.mark.parametrize("orientation", [0, 9, 6000])
def test_orientations_that_do_not_exist_are_left_aside(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = open_photo(encoded(corners(), exif=exif))
    np.testing.assert_array_equal(pixels_of(photo.image), pixels_of(corners()))
    assert photo.notes == ()


def test_print_colours_become_screen_colours() -> None:
    white = open_photo(encoded(Image.new("CMYK", (32, 32), (0, 0, 0, 0)), "JPEG"))
    cyan = open_photo(encoded(Image.new("CMYK", (32, 32), (255, 0, 0, 0)), "JPEG"))
    assert white.image.mode == cyan.image.mode == "RGB"
    assert pixels_of(white.image).min() > 250
    red, green, blue = pixels_of(cyan.image).reshape(-1, 3).mean(0)
    assert red < 10
    assert min(green, blue) > 200
    assert white.notes == ("print colours (CMYK) were converted to RGB",)


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    photo = open_photo(encoded(Image.fromarray(values)))
    wanted = (values / 257).round().astype(np.uint8)
    np.testing.assert_array_equal(pixels_of(photo.image), wanted[:, :, None].repeat(3, 2))
    assert photo.notes == ("16 bits a channel were reduced to 8",)


@pytest.mark.parametrize(("most", "factor"), [(255, 1), (65535, 257)])
def test_of_32_bits_the_values_tell_whether_8_or_16_are_meant(most: int, factor: int) -> None:
    values = np.linspace(0, most, 32 * 32).reshape(32, 32).astype(np.int32)
    notes: list[str] = []
    rgb = to_rgb(Image.fromarray(values), notes)
    wanted = (values / factor).round().astype(np.uint8)
    np.testing.assert_array_equal(pixels_of(rgb), wanted[:, :, None].repeat(3, 2))
    assert notes == ([] if factor == 1 else ["16 bits a channel were reduced to 8"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([[0.0, 255.0]], np.float32), "mode F, with values from 0 to 255"),
        (np.array([[-1, 9]], np.int32), "mode I, with values from -1 to 9"),
        (np.array([[3, 65536]], np.int32), "mode I, with values from 3 to 65536"),
    ],
)
def test_values_whose_white_is_not_known_are_refused(values: NDArray[Any], said: str) -> None:
    with pytest.raises(ImageError, match=f"{said}, .* Convert it to 8 bits first"):
        to_rgb(Image.fromarray(values))


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_and_palette_pictures_become_rgb(mode: str) -> None:
    image = corners().convert(mode)
    photo = open_photo(encoded(image))
    np.testing.assert_array_equal(pixels_of(photo.image), pixels_of(image.convert("RGB")))
    assert photo.notes == ()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_are_laid_on_white(mode: str) -> None:
    image = Image.new(mode, (32, 32), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    image.paste((200, 200, 200, 255) if mode == "RGBA" else (200, 255), (0, 0, 16, 32))
    half = (0, 0, 0, 128) if mode == "RGBA" else (0, 128)
    image.paste(half, (24, 0, 32, 32))
    photo = open_photo(encoded(image))
    assert pixels_of(photo.image)[5, [5, 20, 28]].tolist() == [[200] * 3, [255] * 3, [127] * 3]
    assert photo.notes == ("transparent parts were laid on white",)


def test_an_alpha_channel_that_hides_nothing_is_not_mentioned() -> None:
    photo = open_photo(encoded(corners().convert("RGBA")))
    np.testing.assert_array_equal(pixels_of(photo.image), pixels_of(corners()))
    assert photo.notes == ()


def test_a_transparent_colour_of_a_palette_is_laid_on_white() -> None:
    image = Image.new("P", (32, 32), 1)
    image.putpalette([0, 0, 255, 10, 20, 30])
    image.paste(0, (0, 0, 16, 32))
    photo = open_photo(encoded(image, transparency=0))
    assert pixels_of(photo.image)[5, [5, 20]].tolist() == [[255, 255, 255], [10, 20, 30]]
    assert photo.notes == ("transparent parts were laid on white",)
    grey = open_photo(encoded(Image.new("L", (32, 32), 7), transparency=7))
    assert pixels_of(grey.image).min() == 255


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(("size", "kept"), [((3000, 1500), (2048, 1024)), ((4096, 2048), (2048, 1024))])
def test_large_pictures_are_reduced_and_their_true_size_is_told(
    kind: str, size: tuple[int, int], kept: tuple[int, int]
) -> None:
    photo = open_photo(encoded(Image.new("RGB", size, "teal"), kind))
    assert photo.image.size == kept
    assert photo.notes == (f"reduced from {size[0]} × {size[1]} pixels",)
    assert np.abs(pixels_of(photo.image).astype(int) - [0, 128, 128]).max() <= 4


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    plain = pillow_file.flat

    def watched(image: Image.Image, *given: Any, **options: Any) -> Image.Image:
        seen.append(image.size)
        return plain(image, *given, **options)

    monkeypatch.setattr(pillow_file, "flat", watched)
    photo = open_photo(encoded(Image.new("RGB", (6000, 4200), "teal"), "JPEG", quality=30))
    assert seen == [(3000, 2100)]
    assert photo.image.size == (2048, 1434)
    assert photo.notes == ("reduced from 6000 × 4200 pixels",)


def test_the_digest_is_that_of_the_pixels() -> None:
    one = open_photo(encoded(noisy(), "PNG", compress_level=1))
    same = open_photo(encoded(noisy(), "WEBP", lossless=True))
    assert one.digest == same.digest == photo_of(noisy()).digest
    assert len({one.digest, open_photo(encoded(noisy(seed=1))).digest, open_photo(encoded(noisy(48, 64))).digest}) == 3
    flat = [Image.new("RGB", size, "red") for size in ((32, 64), (64, 32))]
    assert photo_of(flat[0]).digest != photo_of(flat[1]).digest


def test_an_open_picture_is_treated_as_a_file_is() -> None:
    clear = Image.new("RGBA", (3000, 1500), (9, 9, 9, 0))
    photo = photo_of(clear, ("from the camera",))
    assert photo.image.size == (2048, 1024)
    assert pixels_of(photo.image).min() == 255
    assert photo.notes == ("from the camera", "transparent parts were laid on white", "reduced from 3000 × 1500 pixels")
    assert clear.size == (3000, 1500)
    notes: list[str] = []
    assert to_rgb(corners(), notes).tobytes() == corners().tobytes()
    assert notes == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "APNG"])
def test_whatever_is_altered_in_a_file_it_opens_or_is_refused_in_words(kind: str) -> None:
    """Bytes changed and cut at random: no other error than ImageError, and every message is a sentence."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    extra = {"save_all": True, "append_images": [noisy(seed=1)]} if kind == "APNG" else {}
    data = encoded(noisy(), kind.removeprefix("A"), exif=exif, **extra)
    generator = random.Random(0)
    opened, refused = [], []
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(generator.randint(1, 5)):
            place = generator.randrange(min(len(broken), generator.choice([120, 500, len(broken)])))
            broken[place] = generator.randrange(256)
        if generator.random() < 0.2:
            del broken[generator.randrange(len(broken)) :]
        try:
            opened.append(open_photo(bytes(broken)))
        except ImageError as error:
            refused.append(str(error))
    assert len(opened) + len(refused) == 300
    assert refused
    assert all(photo.image.mode == "RGB" and max(photo.image.size) <= KEEP_SIDE for photo in opened)
    assert all(message.startswith("Th") and "anted" in message for message in refused)
