"""One door: a picture in any form is the same picture, and what is none is refused in words."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.MpoImagePlugin import MpoImageFile

from vitviz.errors import ImageError
from vitviz.images import KEEP_SIDE, Photo, open_image, open_photo


def noisy(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


PLAIN = encoded(noisy())


def test_every_form_of_a_picture_is_the_same_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a photo.png"
    path.write_bytes(PLAIN)
    monkeypatch.setenv("HOME", str(tmp_path))
    wanted = open_photo(PLAIN)
    spent = io.BytesIO(PLAIN)
    spent.read()
    with path.open("rb") as file:
        forms: list[Any] = [
            path,
            str(path),
            "~/a photo.png",
            path.as_uri(),  # file:///…/a%20photo.png
            f"file:{path}",
            f"FILE://localhost{path}",
            bytearray(PLAIN),
            memoryview(PLAIN),
            io.BytesIO(PLAIN),
            spent,  # read from its start, as Pillow does
            file,
            noisy(),
            Image.open(io.BytesIO(PLAIN)),
            np.asarray(noisy()),
            np.asarray(noisy())[::-1][::-1],
            wanted,
        ]
        for form in forms:
            photo = open_photo(form)
            assert (photo.digest, photo.notes) == (wanted.digest, ())
            assert open_image(form).tobytes() == wanted.image.tobytes()
    assert isinstance(wanted, Photo)


LARGE = ("JPEG", 6, 6000)  # decoded at a fraction of its size
FILES = [(kind, turn, 64) for kind in ("JPEG", "PNG", "WEBP") for turn in (1, 3, 6, 7)]


@pytest.mark.parametrize(("kind", "orientation", "width"), [*FILES, LARGE])
def test_an_open_picture_is_what_its_file_is(kind: str, orientation: int, width: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo"
    path.write_bytes(encoded(noisy(width, width * 3 // 4), kind, exif=exif))
    with Image.open(path) as opened:
        size = opened.size
        found, wanted = open_photo(opened), open_photo(path)
        assert (found.digest, found.notes) == (wanted.digest, wanted.notes)
        assert (opened.size, opened.getexif()[0x0112]) == (size, orientation)  # the caller's own stays as it was
    again = open_photo(found.image)
    assert (again.digest, again.notes) == (wanted.digest, ())  # what comes back is not turned twice


def test_a_phone_s_picture_with_a_second_one_behind_it_is_no_animation() -> None:
    data = encoded(noisy(), "MPO", save_all=True, append_images=[noisy(seed=1)], quality=95)
    with Image.open(io.BytesIO(data)) as opened:
        assert isinstance(opened, MpoImageFile)
        assert opened.n_frames == 2
        photos = [open_photo(data), open_photo(opened)]
    assert photos[0].notes == photos[1].notes == ()
    assert photos[0].digest == photos[1].digest
    first = np.asarray(Image.open(io.BytesIO(encoded(noisy(), "JPEG", quality=95))))
    assert np.abs(np.asarray(photos[0].image).astype(int) - first).max() <= 2


@pytest.mark.parametrize(("kind", "frame", "said"), [
    ("GIF", 0, "animated: the first of 3 frames is used"),
    ("GIF", 2, "animated: frame 3 of 3 is used"),
    ("TIFF", 1, "picture 2 of the 3 in the file is used"),
])  # fmt: skip
def test_which_picture_of_several_is_used_is_said(kind: str, frame: int, said: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(data)) as opened:
        opened.seek(frame)
        photo = open_photo(opened)
        assert opened.tell() == frame
    assert photo.notes == (said,)
    assert photo.image.getpixel((5, 5)) == frames[frame].getpixel((5, 5))


MODES = {
    "1": 1, "L": 200, "P": 3, "RGB": (10, 20, 30), "RGBA": (10, 20, 30, 255), "RGBX": (10, 20, 30, 0),
    "RGBa": (10, 20, 30, 255), "LA": (90, 255), "La": (90, 255), "PA": (3, 255), "CMYK": (10, 20, 30, 40),
    "YCbCr": (90, 100, 110), "LAB": (200, 140, 120), "HSV": (10, 200, 100), "I": 77, "F": 0.5,
    "I;16": 51400, "I;16L": 51400, "I;16B": 51400, "I;16N": 51400,
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow_becomes_rgb(mode: str) -> None:
    image = Image.new(mode, (20, 20), MODES[mode])
    photo = open_photo(image)
    assert (photo.image.mode, photo.image.size) == ("RGB", (20, 20))
    wanted = {"I": (77,) * 3, "F": (128,) * 3, "La": (90,) * 3, "RGBa": (10, 20, 30)}
    wanted |= {deep: (200,) * 3 for deep in MODES if deep.startswith("I;")}
    assert photo.image.getpixel((3, 3)) == (wanted.get(mode) or image.convert("RGB").getpixel((3, 3)))


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_transparency_in_the_info_is_laid_on_white(mode: str) -> None:
    image = Image.new(mode, (20, 20), 0)
    image.paste(1 if mode != "RGB" else (1, 1, 1), (0, 0, 10, 20))
    image.info["transparency"] = (0, 0, 0) if mode == "RGB" else 0
    photo = open_photo(image)
    assert photo.image.getpixel((15, 5)) == (255, 255, 255)
    assert photo.notes == ("transparent parts were laid on white",)
    image.info["transparency"] = "nonsense"
    with pytest.raises(ImageError, match="damaged"):
        open_photo(image)


@pytest.mark.parametrize("form", ["picture", "array", "file"])
def test_a_fourth_channel_that_is_no_transparency_does_not_erase_the_picture(form: str) -> None:
    pixels = np.dstack([np.asarray(noisy()), np.random.default_rng(3).integers(0, 26, (48, 64), dtype=np.uint8)])
    image = Image.fromarray(pixels)
    photo = open_photo({"picture": image, "array": pixels, "file": encoded(image)}[form])
    np.testing.assert_array_equal(np.asarray(photo.image), pixels[..., :3])
    assert photo.notes == ("its fourth channel would hide the whole picture and was left aside",)
    empty = open_photo(Image.new("RGBA", (32, 32), (9, 9, 9, 0)))  # an empty layer hides nothing
    assert empty.notes == ("transparent parts were laid on white",)


def closed_picture() -> Image.Image:
    image = noisy()
    image.close()
    return image


def closed_file() -> Image.Image:
    stream = io.BytesIO(PLAIN)
    image = Image.open(stream)
    stream.close()
    return image


def closed_stream() -> io.BytesIO:
    stream = io.BytesIO(PLAIN)
    stream.close()
    return stream


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "closed picture": (closed_picture, "is closed .*wanted one that is open. Open it again"),
    "closed file behind a picture": (closed_file, "is closed|damaged"),
    "closed stream": (closed_stream, "cannot be read .*closed.*wanted an open file"),
    "text file": (lambda: io.StringIO("text"), "gives str and not bytes.*mode 'rb'"),
    "empty picture": (lambda: Image.new("RGB", (0, 5)), "too small: 0 × 5 pixels; wanted at least 1"),
    "thread": (lambda: Image.new("RGB", (3000, 5)), "too narrow: 3000 × 5"),
    "small file": (lambda: Image.open(io.BytesIO(encoded(noisy(9, 9)))), "too small: 9 × 9 .*at least 16"),
    "cut": (lambda: Image.open(io.BytesIO(PLAIN[:-3000])), "damaged or cut off"),
    "nothing": (lambda: None, "A NoneType is no picture; wanted a path"),
    "number": (lambda: 7, "A int is no picture"),
    "list": (lambda: [noisy()], "A list is no picture"),
    "address": (lambda: "https://example.org/cat.png", "address on a network, .*fetches nothing"),
    "other machine": (lambda: "file://elsewhere/cat.png", "another machine"),
    "no file": (lambda: "file:///nowhere/cat.png", "no picture at /nowhere/cat.png"),
    "nobody's home": (lambda: "~nobody-of-that-name/cat.png", "no picture at"),
    "long name": (lambda: "a" * 5000, "cannot be read|no picture at"),
    "zero byte": (lambda: "a\0b", "no picture at|cannot be read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_picture_is_refused_in_words(case: str) -> None:
    make, said = REFUSED[case]
    with pytest.raises(ImageError, match=said):
        open_photo(make())


def test_small_pictures_made_in_python_are_taken() -> None:
    assert open_photo(noisy(4, 3)).image.size == (4, 3)
    assert open_photo(np.zeros((3, 4), np.uint8)).image.size == (4, 3)


ARRAYS = {
    "grey": (np.full((20, 30), 7, np.uint8), (7, 7, 7), ()),
    "one channel": (np.full((20, 30, 1), 7, np.uint8), (7, 7, 7), ()),
    "RGBA": (np.full((20, 30, 4), 255, np.uint8), (255, 255, 255), ()),
    "true is white": (np.ones((20, 30), bool), (255, 255, 255), ()),
    "int64 of 8 bits": (np.full((20, 30, 3), 9), (9, 9, 9), ()),
    "uint16": (np.full((20, 30), 65535, np.uint16), (255,) * 3, ("16 bits a channel were reduced to 8",)),
    "big-endian": (np.full((20, 30), 65535, ">u2"), (255,) * 3, ("16 bits a channel were reduced to 8",)),
    "colours of 16 bits": (
        np.full((20, 30, 3), 51400, np.uint16), (200,) * 3, ("16 bits a channel were reduced to 8",)
    ),
    "fractions": (
        np.full((20, 30, 3), 0.2), (51,) * 3, ("values were scaled to 8 bits: 0 is black, 1 is white",)
    ),
    "half": (
        np.full((20, 30), 0.2, np.float16), (51,) * 3, ("values were scaled to 8 bits: 0 is black, 1 is white",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_are_pictures(case: str) -> None:
    array, colour, notes = ARRAYS[case]
    photo = open_photo(array)
    assert photo.image.size == (30, 20)
    assert photo.image.getpixel((2, 2)) == colour
    assert photo.notes == notes


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (
            np.zeros((3, 20, 30), np.uint8),
            r"shape \(3, 20, 30\); wanted \(height, width\) .*channels come first.*transp",
        ),
        (np.zeros((2, 20, 30, 3), np.uint8), r"shape \(2, 20, 30, 3\).*one picture at a time"),
        (np.zeros((20, 30, 2), np.uint8), r"shape \(20, 30, 2\).*choose its channels"),
        (np.zeros((20,), np.uint8), r"shape \(20,\)"),
        (np.zeros((0, 30, 3), np.uint8), "too small: 30 × 0"),
        (np.zeros((20, 30), complex), "type complex128; wanted numbers"),
        (np.full((20, 30), "a"), "type <U1; wanted numbers"),
        (np.full((20, 30), None), "type object; wanted numbers"),
        (np.full((20, 30), np.nan), "holds 600 values that are NaN or infinite, of 600"),
        (np.full((20, 30, 3), np.inf), "NaN or infinite"),
        (np.full((20, 30), 200.0), "with values from 200 to 200, and nothing says which is white"),
        (np.full((20, 30), -0.5), "with values from -0.5 to -0.5"),
        (np.full((20, 30), -3), "type int64, with values from -3"),
        (np.full((20, 30), 70000), "with values from 70000 to 70000"),
        (np.ma.masked_equal(np.eye(20, dtype=np.uint8), 1), "masked in places; .*filled"),
        (np.zeros((9000, 9000), bool), "too large: 9000 × 9000"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array: Any, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        open_photo(array)


def breakages(data: bytes, count: int, seed: int) -> list[bytes]:
    """Return a file with bytes changed and cut off at random."""
    generator = random.Random(seed)
    broken = []
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(generator.randint(1, 6)):
            place = generator.randrange(min(len(changed), generator.choice([60, 300, len(changed)])))
            changed[place] = generator.randrange(256)
        if generator.random() < 0.3:
            del changed[generator.randrange(len(changed)) :]
        broken.append(bytes(changed))
    return broken


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "MPO", "APNG", "ICO", "TGA", "PPM"]
)
def test_whatever_is_altered_in_an_open_picture_it_is_taken_or_refused_in_words(kind: str) -> None:
    """The picture that Pillow opened is decoded here: no other error than ImageError comes out."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    several = {"save_all": True, "append_images": [noisy(seed=1)]} if kind in ("GIF", "MPO", "APNG", "TIFF") else {}
    known = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF") else {}
    data = encoded(noisy(), kind.removeprefix("A") if kind == "APNG" else kind, **several, **known)
    taken: list[Image.Image] = []
    refused: list[str] = []
    for broken in breakages(data, 150, seed=len(kind)):
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            opened = Image.open(io.BytesIO(broken))  # Pillow's own door, in the caller's hands
            try:
                taken.append(open_photo(opened).image)
            except Exception as error:
                refused.append(f"{type(error).__name__}: {error}")
    assert len(taken) + len(refused) > 20
    assert all(image.mode == "RGB" and max(image.size) <= KEEP_SIDE for image in taken)
    assert all(said.startswith("ImageError: The picture") and "anted" in said for said in refused)


@pytest.mark.parametrize("error", [RuntimeError("boom"), TypeError("no size"), KeyError("x"), OSError("gone")])
def test_whatever_a_file_object_raises_is_told(error: Exception) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise error

    with pytest.raises(ImageError, match="The picture cannot be read"):
        open_photo(Broken())  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "P", "CMYK", "I;16"])
def test_large_pictures_of_every_mode_are_reduced_once(mode: str) -> None:
    image = Image.new(mode, (3000, 1500), (200, 255) if mode == "LA" else (9, 9, 9, 255) if mode == "RGBA" else 9)
    photo = open_photo(image)
    assert photo.image.size == (2048, 1024)
    assert photo.notes[-1] == "reduced from 3000 × 1500 pixels"
    assert sum("reduced from" in note for note in photo.notes) == 1
    assert image.size == (3000, 1500)
