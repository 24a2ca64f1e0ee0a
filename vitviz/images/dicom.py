"""DICOM files, of scanners in hospitals, through the optional package pydicom.

What is done to the numbers is what the standard says (PS3.3, C.7.6.3.1.2, C.11.1.1.2 and C.11.2.1.2): rescale slope and
intercept, then the file's window, then inverted where MONOCHROME1 says that higher is darker.
"""

from __future__ import annotations

import io
import logging
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import ImageError
from vitviz.images import notes as told
from vitviz.images.depth import Known, Limits, eight_bits
from vitviz.images.limits import check_size
from vitviz.images.opening import Opening
from vitviz.images.strips import rows_of, values_of

_EIGHT_BITS = (0, 255)
_GREY = ("MONOCHROME1", "MONOCHROME2")


def of_dicom(data: bytes, opening: Opening) -> Image.Image:
    """Return the picture of a DICOM file with 8 bits a channel.

    Raises ImageError if the package is missing, and for a file without pixels, of a compression that cannot be
    undone, or a picture that is too large or too narrow.
    """
    try:
        import pydicom
    except ImportError as error:
        raise ImageError(
            "This is a DICOM file, for which a package is missing; wanted pydicom. Get it with pip install "
            '"vitviz[dicom]", or save the picture as PNG.'
        ) from error
    logging.getLogger("pydicom").addHandler(logging.NullHandler())  # else its warnings go to the terminal
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on what does not keep to the standard
        dataset = pydicom.dcmread(io.BytesIO(data), force=data[128:132] != b"DICM")
        if "PixelData" not in dataset or "Rows" not in dataset or "Columns" not in dataset:
            raise ImageError(
                "The DICOM file holds no picture; wanted one with pixel data. Choose another of the series."
            )
        check_size(int(dataset.Columns), int(dataset.Rows), of_file=True)
        opening.full = (int(dataset.Columns), int(dataset.Rows))
        number = opening.choose(int(dataset.get("NumberOfFrames") or 1))
        if opening.frames > 1:
            opening.note(told.PAGE, number=number + 1, frames=opening.frames)
        return _picture(dataset, _pixels(dataset, number), opening)


def _pixels(dataset: Any, number: int) -> NDArray[Any]:
    """Return the stored numbers of one frame: (row, column), or (row, column, 3) in RGB."""
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    try:
        pixels: NDArray[Any] = pixel_array(dataset, index=number)
    except (RuntimeError, NotImplementedError) as error:  # no decoder for the compression is installed
        name = getattr(dataset.file_meta.get("TransferSyntaxUID"), "name", "unknown")
        raise ImageError(
            "The DICOM file is compressed in a way that cannot be undone here ({name}); wanted one without "
            "compression, RLE, JPEG or JPEG 2000. Decompress it first.",
            name=name,
        ) from error
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, dataset)
    return pixels


def _picture(dataset: Any, pixels: NDArray[Any], opening: Opening) -> Image.Image:
    kind = f"type {pixels.dtype}"
    height, width = pixels.shape[:2]
    if dataset.get("PhotometricInterpretation") in _GREY and pixels.ndim == 2:
        values = values_of(rows_of(pixels), width, height)
        mapped, known = _meaning(dataset, values.array, opening)
        ends = _meaning(dataset, np.array([[values.least, values.most]]), Opening())[0].ravel()
        changed = mapped is not values.array
        values = type(values)(
            mapped, float(ends.min()), float(ends.max()), values.wrong, values.size, values.whole and not changed, 4
        )
        if known.auto is None:
            own = (values.least, max(values.most, values.least + 1))
            known = Known(known.full if known.full == _EIGHT_BITS else own, known.full, known.inverted)
        return Image.fromarray(eight_bits(values, kind, opening, known))
    if pixels.dtype == np.uint8:
        opening.flat()
        return Image.fromarray(np.ascontiguousarray(pixels))
    bits = 8 * pixels.dtype.itemsize if "Palette" in str(dataset.get("PhotometricInterpretation")).title() else None
    white = (0.0, 2.0 ** (bits or int(dataset.get("BitsStored", 16))) - 1)
    return Image.fromarray(eight_bits(values_of(rows_of(pixels), width, height), kind, opening, Known(white, white)))


def _meaning(dataset: Any, stored: NDArray[Any], opening: Opening) -> tuple[NDArray[Any], Known]:
    """Return what stored greys mean, in Hounsfield units for one, and the window that the file asks for."""
    slope, intercept = (
        float(dataset.get(name, plain)) for name, plain in (("RescaleSlope", 1), ("RescaleIntercept", 0))
    )
    if "ModalityLUTSequence" in dataset or "VOILUTSequence" in dataset:
        opening.note(told.NO_LINE)
    plain = (slope, intercept) == (1, 0)
    values = stored if plain else (stored * slope + intercept).astype(np.float32)
    bits, signed = int(dataset.get("BitsStored", 16)), int(dataset.get("PixelRepresentation", 0))
    ends = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)
    low, high = sorted(end * slope + intercept for end in ends)
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    return values, Known(_window(dataset, opening), (low, high), inverted)


def _window(dataset: Any, opening: Opening) -> Limits | None:
    """Return the lowest and the highest value of the file's first window, or None if it has none that can be used."""
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
    if centre is None or width is None:
        return None
    if function == "SIGMOID":
        opening.note(told.SIGMOID)
    if function == "LINEAR":  # the standard's own half and one: windows of whole numbers
        centre, width = centre - 0.5, width - 1
    return (centre - width / 2, centre + width / 2) if width > 0 else None


def _first(value: Any) -> float | None:
    """Return a number, the first of several, or None."""
    try:
        return float(value if isinstance(value, str | int | float) else value[0])
    except (TypeError, ValueError, IndexError):
        return None
