"""Kinds of files: each opens as an independent decoder has it, and what it has beyond 8 bits and one frame is told."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from vitviz.errors import ImageError, OptionError
from vitviz.images import open_image, open_photo
from vitviz.images.kinds import SUFFIXES, kind_of

DICOMS = Path(pydicom.__file__).parent / "data" / "test_files"
STORED = (np.arange(40 * 60).reshape(40, 60) % 4096).astype(np.uint16)


def noisy(seed: int = 0, size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def npy(array: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def heic(image: Image.Image, *others: Image.Image, **options: Any) -> bytes:
    import pillow_heif

    file = pillow_heif.from_pillow(image)
    for other in others:
        file.add_from_pillow(other)
    stream = io.BytesIO()
    file.save(stream, quality=-1, chroma=444, matrix_coefficients=0, **options)
    return stream.getvalue()


def dicom(pixels: NDArray[Any], **tags: Any) -> bytes:
    """Return a DICOM file of grey numbers (row, column) or (frame, row, column), with tags of its own."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID, data.PhotometricInterpretation = CTImageStorage, "1.2.3", "MONOCHROME2"
    data.SamplesPerPixel, data.Rows, data.Columns = 1, *pixels.shape[-2:]
    data.BitsAllocated = 8 * pixels.itemsize
    data.BitsStored = tags.pop("BitsStored", data.BitsAllocated)
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        data.NumberOfFrames = len(pixels)
    for name, value in tags.items():
        setattr(data, name, value)
    data.PixelData = pixels.tobytes()
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


WHOLE: dict[str, Callable[[], bytes]] = {
    "TIFF": lambda: encoded(noisy(), "TIFF"),
    "TIFF, deflate": lambda: encoded(noisy(), "TIFF", compression="tiff_deflate"),
    "BMP": lambda: encoded(noisy(), "BMP"),
    "HEIC": lambda: heic(noisy()),
    "npy": lambda: npy(np.asarray(noisy())),
    "npy, order of Fortran": lambda: npy(np.asfortranarray(np.asarray(noisy()))),
    "npy, version 2": lambda: _version_2(np.asarray(noisy())),
}


def _version_2(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=(2, 0))
    return stream.getvalue()


@pytest.mark.parametrize("case", WHOLE)
def test_lossless_kinds_are_the_picture_itself_whatever_the_name(case: str, tmp_path: Path) -> None:
    data = WHOLE[case]()
    (tmp_path / "photo.jpg").write_bytes(data)
    for source in (data, tmp_path / "photo.jpg", io.BytesIO(data)):
        photo = open_photo(source)
        np.testing.assert_array_equal(np.asarray(photo.image), np.asarray(noisy()))
        assert photo.notes == ()
        assert (photo.frames, photo.scaling) == (1, None)


@pytest.mark.parametrize("kind", ["AVIF", "GIF"])
def test_other_kinds_of_pillow_are_what_pillow_makes_of_them(kind: str) -> None:
    data = encoded(noisy(), kind)
    with Image.open(io.BytesIO(data)) as opened:
        np.testing.assert_array_equal(np.asarray(open_image(data)), np.asarray(opened.convert("RGB")))


FRAMES = [Image.new("RGB", (32, 24), colour) for colour in ("red", "lime", "blue")]
SEVERAL: dict[str, tuple[Callable[[], bytes], str]] = {
    "GIF": (lambda: encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "animated: frame {} of 3"),
    "PNG": (lambda: encoded(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), "animated: frame {} of 3"),
    "WEBP": (lambda: encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True),
             "animated: frame {} of 3"),
    "AVIF": (lambda: encoded(FRAMES[0], "AVIF", save_all=True, append_images=FRAMES[1:]), "animated: frame {} of 3"),
    "TIFF": (lambda: encoded(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]), "picture {} of the 3"),
    "HEIC": (lambda: heic(*FRAMES), "picture {} of the 3"),
    "npy": (lambda: npy(np.stack([np.asarray(frame) for frame in FRAMES])), "picture {} of the 3"),
    "DICOM": (lambda: dicom(np.stack([np.full((24, 32), 80 * n, np.uint8) for n in (1, 2, 3)])), "picture {} of the 3"),
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
@pytest.mark.parametrize("frame", [None, 1, 2, 3])
def test_of_several_frames_one_is_chosen_and_told(case: str, frame: int | None) -> None:
    make, said = SEVERAL[case]
    photo = open_photo(make(), frame=frame)
    number = frame or 1
    wanted = np.full(3, 80 * number) if case == "DICOM" else np.asarray(FRAMES[number - 1])[5, 5]
    assert np.abs(np.asarray(photo.image)[5, 5].astype(int) - wanted).max() <= 12
    told = "animated: the first of 3 frames" if number == 1 and "animated" in said else said.format(number)
    assert any(note.startswith(told) for note in photo.notes), photo.notes
    assert photo.frames == 3


@pytest.mark.parametrize("case", SEVERAL)
def test_a_frame_that_does_not_exist_is_refused(case: str) -> None:
    with pytest.raises(OptionError, match="Frame 4 does not exist: the picture has 3. Give one from 1 to 3"):
        open_photo(SEVERAL[case][0](), frame=4)


def test_frames_of_single_pictures_and_of_open_ones() -> None:
    assert open_photo(noisy(), frame=1).notes == ()
    for source in (noisy(), np.asarray(noisy()), encoded(noisy(), "PNG"), open_photo(noisy())):
        with pytest.raises(OptionError, match="Frame 2 does not exist: the picture has 1"):
            open_photo(source, frame=2)
    for frame in (0, -1):
        with pytest.raises(OptionError, match="cannot be used; wanted a whole number from 1"):
            open_photo(noisy(), frame=frame)
    for frame in (1.5, True, "2"):
        with pytest.raises(OptionError, match="frame must be a whole number; got"):
            open_photo(noisy(), frame=frame)  # type: ignore[arg-type]
    with Image.open(io.BytesIO(SEVERAL["TIFF"][0]())) as opened:
        opened.seek(2)
        assert open_image(opened, frame=2).getpixel((3, 3)) == (0, 255, 0)
        assert opened.tell() == 2
    phone = encoded(noisy(), "MPO", save_all=True, append_images=[noisy(1)], quality=95)
    assert open_photo(phone).notes == ()
    assert open_photo(phone, frame=2).notes == ("picture 2 of the 2 in the file is used",)
    assert open_photo(phone, frame=2).digest != open_photo(phone).digest


def test_pages_of_other_sizes_are_checked_before_they_are_decoded() -> None:
    pages = [Image.new("L", (40, 40)), Image.new("L", (9, 9)), Image.new("L", (3000, 1500), 9)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    with pytest.raises(ImageError, match="too small: 9 × 9"):
        open_photo(data, frame=2)
    assert open_photo(data, frame=3).notes[-1] == "reduced from 3000 × 1500 pixels"


WINDOWS: dict[str, tuple[Any, tuple[float, float]]] = {
    "auto": ("auto", (0, 4095)),
    "full": ("full", (0, 65535)),
    "range": ("range", (0, 2399)),
    "percentiles": ("percentiles", (23.99, 2375.01)),
    "given": ((400, 2000), (400, 2000)),
}


def deep_files() -> dict[str, bytes]:
    return {
        "PNG": encoded(Image.fromarray(STORED), "PNG"),
        "TIFF": encoded(Image.fromarray(STORED), "TIFF"),
        "TIFF, deflate": encoded(Image.fromarray(STORED), "TIFF", compression="tiff_deflate"),
        "npy": npy(STORED),
        "npy, big-endian": npy(STORED.astype(">u2")),
    }


@pytest.mark.parametrize("case", deep_files())
@pytest.mark.parametrize("name", WINDOWS)
def test_a_ramp_of_12_bits_through_each_window(case: str, name: str) -> None:
    window, (low, high) = WINDOWS[name]
    photo = open_photo(deep_files()[case], window=window)
    wanted = ((STORED.clip(low, high) - low) / (high - low) * 255).round()
    np.testing.assert_array_equal(np.asarray(photo.image)[..., 0], wanted)
    assert photo.scaling is not None
    assert (photo.scaling.black, photo.scaling.white) == pytest.approx((low, high))
    assert (photo.scaling.least, photo.scaling.most) == (0, 2399)
    assert photo.scaling.outside == pytest.approx(np.mean(STORED.clip(low, high) != STORED))
    told = photo.notes[0]
    assert (
        told == "16 bits a channel were reduced to 8" if name == "full" else f"{low:.6g} is black, {high:.6g}" in told
    )


def float_tiff(values: NDArray[Any]) -> bytes:
    return encoded(Image.fromarray(values.astype(np.float32)), "TIFF")


def test_floats_of_unknown_white_are_refused_and_open_with_a_window() -> None:
    values = np.linspace(-3, 900, 40 * 60).reshape(40, 60).astype(np.float32)
    for data in (float_tiff(values), npy(values)):
        for window in ("auto", "full"):
            with pytest.raises(ImageError, match="from -3 to 900, and nothing says which is white.*window='range'"):
                open_photo(data, window=window)
        photo = open_photo(data, window="range")
        np.testing.assert_array_equal(np.asarray(photo.image)[..., 0], ((values - -3.0) / 903 * 255).round())


def tiff(pixels: NDArray[Any], photometric: int, extra: int | None) -> bytes:
    """Return an uncompressed TIFF file, with tags that Pillow does not write."""
    height, width, channels = pixels.shape
    bits = 8 * pixels.itemsize
    entries = [(256, 3, [width]), (257, 3, [height]), (258, 3, [bits] * channels), (259, 3, [1]),
               (262, 3, [photometric]), (273, 4, [0]), (277, 3, [channels]), (278, 3, [height]),
               (279, 4, [pixels.nbytes])]  # fmt: skip
    entries += [] if extra is None else [(338, 3, [extra])]
    size = 8 + 2 + 12 * len(entries) + 4
    packed, more = b"", b""
    start = size + sum(2 * len(v) for _, kind, v in entries if kind == 3 and len(v) > 2)
    for tag, kind, values in entries:
        values = [start] if tag == 273 else values
        body = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(body) > 4:
            place, more = struct.pack("<I", size + len(more)), more + body
        else:
            place = body.ljust(4, b"\0")
        packed += struct.pack("<HHI", tag, kind, len(values)) + place
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4)
    return head + more + pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()


COLOURS = np.random.default_rng(5).integers(0, 256, (40, 60, 3), dtype=np.uint8)
SMOOTH = np.linspace(20, 230, 60).round().astype(np.uint8)[None].repeat(40, 0)  # a fourth channel of measurements


@pytest.mark.parametrize(
    ("extra", "fourth", "note"),
    [
        (0, SMOOTH, "further channels are not transparency"),
        (None, SMOOTH, "fourth channel is not marked as transparency"),
        (None, SMOOTH // 10, "fourth channel would hide the whole picture"),
        (2, SMOOTH // 10, "fourth channel would hide the whole picture"),
        (2, SMOOTH * 0, "fourth channel would hide the whole picture"),
    ],
)
def test_a_fourth_channel_that_is_no_transparency_leaves_the_picture(extra: int | None, fourth: Any, note: str) -> None:
    photo = open_photo(tiff(np.dstack([COLOURS, fourth]), 2, extra))
    np.testing.assert_array_equal(np.asarray(photo.image), COLOURS)
    assert [note in told for told in photo.notes] == [True]


@pytest.mark.parametrize("form", ["array", "picture", "npy", "16 bits", "fractions"])
def test_a_fourth_channel_of_measurements_leaves_the_picture_in_every_form(form: str) -> None:
    pixels = np.dstack([COLOURS, SMOOTH])
    form_of: dict[str, Any] = {
        "array": pixels, "picture": Image.fromarray(pixels), "npy": npy(pixels),
        "16 bits": pixels.astype(np.uint16) * 257, "fractions": pixels / 255,
    }  # fmt: skip
    photo = open_photo(form_of[form])
    np.testing.assert_array_equal(np.asarray(photo.image), COLOURS)
    assert photo.notes[-1].startswith("its fourth channel is not marked as transparency")


def test_what_is_transparency_is_laid_on_white() -> None:
    shade = np.dstack([COLOURS, SMOOTH])  # a PNG calls its fourth channel transparency
    for data in (encoded(Image.fromarray(shade), "PNG"), tiff(shade, 2, 2)):
        assert open_photo(data).notes == ("transparent parts were laid on white",)
    mask = np.dstack([COLOURS, np.where(SMOOTH > 90, 255, 0).astype(np.uint8)])
    assert open_photo(mask).notes == ("transparent parts were laid on white",)
    assert open_image(mask).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("side", [2100, 4200])
def test_a_large_picture_under_an_empty_channel_is_not_erased(side: int) -> None:
    image = Image.new("RGBA", (side, side), (200, 100, 50, 0))
    image.putpixel((0, 0), (9, 9, 9, 0))
    photo = open_photo(encoded(image, "PNG", compress_level=1))
    assert photo.image.getpixel((900, 900)) == (200, 100, 50)
    assert "its fourth channel would hide the whole picture and was left aside" in photo.notes


@pytest.mark.parametrize("bits", [8, 16])
def test_print_colours_of_a_tiff_are_no_transparency(bits: int) -> None:
    pixels = np.zeros((40, 60, 4), np.uint8 if bits == 8 else np.uint16)
    pixels[..., 0] = 2**bits - 1
    photo = open_photo(tiff(pixels, 5, None))
    assert photo.image.getpixel((3, 3)) == (0, 255, 255)
    assert "print colours (CMYK) were converted to RGB" in photo.notes


@pytest.mark.parametrize("extra", [None, 0, 2])
def test_colours_of_12_bits_in_a_tiff_have_all_their_bits(extra: int | None) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (40, 50, 3)).astype(np.uint16)
    pixels = values if extra is None else np.dstack([values, np.full((40, 50), 65535, np.uint16)])
    photo = open_photo(tiff(pixels, 2, extra))
    np.testing.assert_array_equal(np.asarray(photo.image), (values / 4095 * 255).round())
    assert photo.notes[0] == "values were scaled to 8 bits: 0 is black, 4095 is white"
    given = open_photo(tiff(pixels, 2, extra), window=(100, 900))
    np.testing.assert_array_equal(np.asarray(given.image), ((values.clip(100, 900) - 100.0) / 800 * 255).round())


def test_a_tiff_whose_zero_is_white_is_not_a_negative() -> None:
    deep = open_photo(tiff(STORED[..., None], 0, None))
    np.testing.assert_array_equal(np.asarray(deep.image)[..., 0], ((1 - STORED / 4095) * 255).round())
    assert "4095 is black, 0 is white" in deep.notes[0]
    flat = open_photo(tiff(COLOURS[..., :1], 0, None))
    np.testing.assert_array_equal(np.asarray(flat.image)[..., 0], 255 - COLOURS[..., 0])


def test_a_bmp_of_16_bits_a_pixel_is_no_deep_picture() -> None:
    pixels = (np.arange(32 * 32) % 32 << 10).astype("<u2")  # reds of 5 bits
    head = struct.pack("<2sIHHI", b"BM", 54 + pixels.nbytes, 0, 0, 54)
    data = head + struct.pack("<IiiHHIIiiII", 40, 32, 32, 1, 16, 0, pixels.nbytes, 0, 0, 0, 0) + pixels.tobytes()
    photo = open_photo(data)
    assert photo.notes == ()
    assert photo.image.getpixel((31, 31)) == (255, 0, 0)


# DICOM, against pydicom's own functions


CASES: dict[str, dict[str, Any]] = {
    "window": {"WindowCenter": 1000, "WindowWidth": 800},
    "Hounsfield units": {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400},
    "linear exact": {"WindowCenter": 1000, "WindowWidth": 800, "VOILUTFunction": "LINEAR_EXACT"},
    "several windows": {"WindowCenter": [1000, 5], "WindowWidth": [800, 3]},
    "inverted": {"WindowCenter": 1000, "WindowWidth": 800, "PhotometricInterpretation": "MONOCHROME1"},
    "signed": {"WindowCenter": 40, "WindowWidth": 400},
}


@pytest.mark.parametrize("case", CASES)
def test_a_dicom_file_is_shown_through_its_window(case: str) -> None:
    stored = STORED.astype(np.int16) - 1000 if case == "signed" else STORED
    data = dicom(stored, **CASES[case], **({} if case == "signed" else {"BitsStored": 12}))
    photo = open_photo(data)
    dataset = pydicom.dcmread(io.BytesIO(data))
    np.testing.assert_array_equal(dataset.pixel_array, stored)
    windowed = apply_windowing(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    ends = apply_modality_lut(np.array([-32768, 32767] if case == "signed" else [0, 4095]), dataset)
    wanted = (windowed - ends[0]) / (ends[1] - ends[0]) * 255
    wanted = 255 - wanted if case == "inverted" else wanted
    assert np.abs(np.asarray(photo.image)[..., 0] - wanted).max() <= 0.501
    assert photo.scaling is not None
    assert (photo.scaling.black > photo.scaling.white) == (case == "inverted")


def test_a_dicom_file_without_a_window_has_its_own_range_and_takes_the_reader_s() -> None:
    data = dicom(STORED, BitsStored=12, RescaleSlope=1, RescaleIntercept=-1000)
    own = open_photo(data)
    np.testing.assert_array_equal(np.asarray(own.image)[..., 0], (STORED / 2399 * 255).round())
    assert own.notes == ("values were scaled to 8 bits: -1000 is black, 1399 is white",)
    full = open_photo(data, window="full")
    np.testing.assert_array_equal(np.asarray(full.image)[..., 0], (STORED / 4095 * 255).round())
    given = open_photo(data, window=(-200, 300))
    np.testing.assert_array_equal(
        np.asarray(given.image)[..., 0], (((STORED - 1000.0).clip(-200, 300) + 200) / 500 * 255).round()
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", sorted(DICOMS.glob("*.dcm")), ids=lambda path: path.name)
def test_every_dicom_file_of_pydicom_is_its_pixels_or_refused_in_words(path: Path) -> None:
    data = path.read_bytes()
    said = ""
    try:
        photo = open_photo(path)
    except ImageError as error:
        said = str(error)
    if said:
        assert "anted" in said
        return
    dataset = pydicom.dcmread(path, force=True)
    pixels = dataset.pixel_array
    pixels = pixels[0] if int(dataset.get("NumberOfFrames") or 1) > 1 else pixels
    assert photo.image.size == (dataset.Columns, dataset.Rows)
    assert kind_of(data) == "dicom"
    shown = np.asarray(photo.image)
    if dataset.PhotometricInterpretation.startswith("MONOCHROME"):
        assert photo.scaling is not None
        units = apply_modality_lut(pixels, dataset)
        low, high = sorted((photo.scaling.black, photo.scaling.white))
        np.testing.assert_allclose(shown[..., 0], (units.clip(low, high) - low) / (high - low) * 255, atol=0.51)
    elif pixels.dtype == np.uint8 and "PALETTE" not in dataset.PhotometricInterpretation:
        np.testing.assert_array_equal(shown, pixels)
    else:
        assert shown.std() > 1


def test_most_of_pydicom_s_files_open() -> None:
    opened = []
    for path in DICOMS.glob("*.dcm"):
        try:
            opened.append(open_photo(path))
        except ImageError:
            continue
    assert len(opened) > 30


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(noisy()), dicom(STORED)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(ImageError, match=r'HEIC picture, .* wanted pillow-heif. Get it with pip install "vitviz\[heif'):
        open_photo(data[0])
    with pytest.raises(ImageError, match=r'DICOM file, .* wanted pydicom. Get it with pip install "vitviz\[dicom'):
        open_photo(data[1])


def test_a_heic_of_10_bits_is_what_its_8_bits_are() -> None:
    import pillow_heif

    values = (np.linspace(0, 65535, 64 * 64).reshape(64, 64)[..., None].repeat(3, 2)).astype(np.uint16)
    file = pillow_heif.from_bytes("RGB;16", (64, 64), values.tobytes())
    stream = io.BytesIO()
    file.save(stream, quality=-1, chroma=444, matrix_coefficients=0)
    photo = open_photo(stream.getvalue())
    assert np.abs(np.asarray(photo.image).astype(float) - values / 257).max() < 1.6
    assert photo.notes == ("16 bits a channel were reduced to 8",)
    dark = open_photo(stream.getvalue(), window=(0, 30000))
    assert np.abs(np.asarray(dark.image).astype(float) - (values / 30000 * 255).clip(0, 255)).max() < 2


def test_a_heic_is_turned_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (64, 32), "red")
    image.paste("blue", (32, 0, 64, 32))
    turned = image.copy()
    turned.info["exif"] = exif.tobytes()
    photo = open_photo(heic(turned))
    assert photo.image.size in ((64, 32), (32, 64))
    import pillow_heif

    decoded = pillow_heif.open_heif(heic(turned)).to_pillow()
    np.testing.assert_array_equal(np.asarray(photo.image), np.asarray(decoded))


BAD_NPY = {
    "objects": (npy(np.array([[None] * 20] * 20), allow_pickle=True), "holds objects, .*running code"),
    "cut off": (npy(np.zeros((40, 40), np.uint8))[:-9], "cut off: 1,591 bytes of 1,600 values"),
    "claims": (npy(np.zeros((40, 40), np.uint8)).replace(b"(40, 40)", b"(40000, 40000)", 1), "cut off|cannot be read"),
    "code in the header": (b"\x93NUMPY\x01\0\x10\0__import__('os') ", "cannot be read"),
    "nothing": (b"\x93NUMPY", "cannot be read"),
    "text": (npy(np.full((20, 20), "abc")), "type <U3; wanted numbers"),
    "channels first": (npy(np.zeros((3, 40, 40), np.uint8)), "channels come first"),
    "small": (npy(np.zeros((9, 9), np.uint8)), "too small: 9 × 9"),
    "zip of arrays": (b"PK\x03\x04" + bytes(50), "an archive"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_arrays_that_are_no_pictures_are_refused(case: str) -> None:
    data, said = BAD_NPY[case]
    with pytest.raises(ImageError, match=said):
        open_photo(data)


@pytest.mark.parametrize("case", ["HEIC", "DICOM", "npy"])
def test_whatever_is_altered_in_a_file_it_opens_or_is_refused_in_words(case: str) -> None:
    draw = np.random.default_rng(1)
    whole = {"HEIC": heic(noisy()), "DICOM": dicom(STORED, WindowCenter=9, WindowWidth=5), "npy": npy(STORED)}[case]
    told = []
    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(int(draw.integers(1, 6))):
            changed[int(draw.integers(0, min(len(changed), draw.choice([60, 300, len(changed)]))))] = int(
                draw.integers(256)
            )
        if draw.random() < 0.3:
            del changed[int(draw.integers(len(changed))) :]
        try:
            open_photo(bytes(changed))
        except ImageError as error:
            told.append(str(error))
    assert told
    assert all("anted" in text for text in told)


def test_the_suffixes_are_those_of_the_kinds() -> None:
    assert {".heic", ".dcm", ".npy", ".tif", ".avif", ".bmp", ".gif"} <= set(SUFFIXES)
    assert kind_of(encoded(noisy(), "AVIF")) == "pillow"
    assert kind_of(heic(noisy())) == "heif"
