"""A small copy of Tiny-ImageNet's layout: invented pictures, the same files."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

WNIDS = ("n03", "n01", "n02")  # as in the real table, not in order


def _jpeg(colour: tuple[int, int, int], *, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), colour).convert(mode).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes: 8 training images each in two archives, 2 validation images each with a box."""
    folder = tmp_path_factory.mktemp("data")
    names = "wnid\tname\nn03\tseashore, coast\nn01\tgoldfish\nn02\tlemon, citrus\n"
    (folder / "classes.tsv").write_text(names, encoding="utf-8")
    generator = np.random.default_rng(0)
    for archive in range(2):
        with ZipFile(folder / f"train-{archive}.zip", "w") as train:
            for number in range(4):
                for place, wnid in enumerate(WNIDS):
                    shade = int(generator.integers(100, 250))
                    colour = tuple(shade if channel == place else 20 for channel in range(3))
                    train.writestr(f"{wnid}/{wnid}_{archive}{number}.JPEG", _jpeg(colour))  # type: ignore[arg-type]
    rows = ["file\twnid\tx0\ty0\tx1\ty1"]
    with ZipFile(folder / "val.zip", "w") as validation:
        for number in range(6):
            wnid = WNIDS[number % 3]
            validation.writestr(f"val_{number}.JPEG", _jpeg((40 * number, 9, 9), mode="L"))
            rows.append(f"val_{number}.JPEG\t{wnid}\t0\t0\t{31 if number else 63}\t63")
    (folder / "val.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
