"""Pictures as files: what is in them, and that nothing else in the package writes one."""

import ast
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitviz.figures.image_files import jpeg_bytes, png_bytes

ROOT = Path(__file__).parents[2]
NOISE = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)


def test_a_png_can_carry_texts_in_any_script():
    data = png_bytes(np.zeros((2, 3, 3), np.uint8), dpi=300, texts={"Title": "注意力"})
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.size == (3, 2)
    assert image.info["Title"] == "注意力"


@pytest.mark.parametrize("picture", [NOISE, NOISE[:, ::-1], Image.fromarray(NOISE)], ids=["array", "view", "image"])
def test_a_png_keeps_every_pixel(picture):
    assert (np.asarray(Image.open(io.BytesIO(png_bytes(picture)))) == np.asarray(picture)).all()


def test_a_jpeg_is_one_and_its_quality_counts():
    fine, coarse = jpeg_bytes(NOISE), jpeg_bytes(NOISE, quality=30)
    assert len(coarse) < len(fine)
    image = Image.open(io.BytesIO(fine))
    assert (image.format, image.size) == ("JPEG", (30, 20))
    flat = np.full((16, 16, 3), 100, np.uint8)
    assert np.abs(np.asarray(Image.open(io.BytesIO(jpeg_bytes(flat)))).astype(int) - 100).max() <= 1


def test_no_other_file_writes_a_picture():
    """Pillow writes through ``image.save(file, "PNG" or "JPEG", …)``; torch and NumPy save without a format."""
    writers = set()
    for path in sorted((ROOT / "vitviz").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "save":
                given = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "format")]
                if any(isinstance(value, ast.Constant) and value.value in ("PNG", "JPEG") for value in given):
                    writers.add(path.name)
    assert writers == {"image_files.py"}
