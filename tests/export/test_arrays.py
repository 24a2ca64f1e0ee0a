"""Arrays come back as they went in, with their manifest, without pickles, and in the same bytes every time."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vitviz
from vitviz.attention.view import attention_view
from vitviz.errors import OptionError
from vitviz.export.arrays import npz_bytes, read_npz, statistics_arrays, view_arrays

ARRAYS: dict[str, Any] = {
    "values": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
    "turned": np.arange(6, dtype=np.int16).reshape(2, 3).T,
    "gaps": np.array([1.5, np.nan]),
    "names": np.array(["class", "registre é"]),
    "single": np.float64(0.25),
    "nothing": np.zeros((0, 4), dtype=np.uint8),
}
MANIFEST = {"model": "苹果", "settings": {"layer": 3}}


def test_arrays_and_manifest_come_back_as_they_went_in(tmp_path: Path) -> None:
    data = npz_bytes(ARRAYS, MANIFEST)
    (tmp_path / "view.npz").write_bytes(data)
    for source in (data, tmp_path / "view.npz"):
        arrays, manifest = read_npz(source)
        assert manifest == MANIFEST
        assert arrays.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(arrays[name], array)
            assert (arrays[name].dtype, arrays[name].shape) == (np.asarray(array).dtype, np.shape(array))


def test_numpy_alone_opens_the_file() -> None:
    with np.load(io.BytesIO(npz_bytes(ARRAYS, MANIFEST)), allow_pickle=False) as file:
        assert '"苹果"' in str(file["manifest"])
        assert file["values"].dtype == np.float32


def test_equal_input_gives_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = npz_bytes(ARRAYS, MANIFEST)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    backwards = dict(reversed(ARRAYS.items()))
    assert npz_bytes(backwards, MANIFEST) == first
    assert npz_bytes({**ARRAYS, "single": np.float64(0.5)}, MANIFEST) != first
    assert {entry.date_time for entry in zipfile.ZipFile(io.BytesIO(first)).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_file_is_compressed() -> None:
    flat = {"values": np.zeros((100, 100))}
    assert len(npz_bytes(flat, MANIFEST)) < 2_000


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"manifest": np.zeros(1)}, r"cannot be called 'manifest'"),
        ({"../up": np.zeros(1)}, r"cannot be called '\.\./up'; wanted a Python name"),
        ({"things": np.array([object()])}, r"'things' holds Python objects \(object\)"),
    ],
)
def test_bad_names_and_objects_are_refused(arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        npz_bytes(arrays, MANIFEST)


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, manifest=np.array("{}"), values=np.array([{"a": 1}], dtype=object))
    return buffer.getvalue()


def without_manifest() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, values=np.zeros(2))
    return buffer.getvalue()


def lone_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(2))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 cut off", npz_bytes(ARRAYS, MANIFEST)[:-40], pickled(), without_manifest(), lone_array()],
    ids=["empty", "zip start", "truncated", "pickle", "no manifest", "one array"],
)
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(OptionError, match=r"not the arrays of a view .*; wanted an npz file that vitviz wrote"):
        read_npz(data)


def altered(place: int, value: int) -> bytes:
    """Return the file with one byte changed: ``place`` from the start of the directory's first entry."""
    data = bytearray(npz_bytes(ARRAYS, MANIFEST))
    data[data.index(b"PK\x01\x02") + place] = value
    return bytes(data)


def test_damage_inside_the_zip_file_is_refused_too() -> None:
    packed = bytearray(npz_bytes(ARRAYS, MANIFEST))
    packed[40:60] = b"\xff" * 20  # no deflated data
    for data, told in (
        (bytes(packed), "Error -3 while decompressing"),
        (altered(6, 93), "zip file version 9.3"),
        (altered(8, 1), "is encrypted"),
    ):
        with pytest.raises(OptionError, match=f"not the arrays of a view .*{told}.*Export it"):
            read_npz(data)


def test_a_view_and_the_statistics_have_their_arrays(register_vit: Any) -> None:
    vit = vitviz.ViT.from_module(register_vit)
    trace = vitviz.trace(vit, torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1)))
    view = attention_view(trace, layer=1)
    arrays, _ = read_npz(npz_bytes(view_arrays(view, vit.picture(trace.pixels)), {}))
    assert arrays["picture"].shape == (32, 32, 3)
    assert list(arrays["special_names"]) == list(trace.grid.prefix)
    assert arrays["values"].sum() + arrays["special_shares"].sum() == pytest.approx(1, abs=1e-5)
    tables, _ = read_npz(npz_bytes(statistics_arrays(vitviz.head_statistics(trace)), {}))
    assert tables["entropy"].shape == (2, 2)
    assert "picture" not in view_arrays(view)


def test_a_view_without_special_tokens_is_exported_too(build_vit: Any) -> None:
    vit = vitviz.ViT.from_module(build_vit(class_token=False, global_pool="avg"))
    view = attention_view(vitviz.trace(vit, torch.zeros(3, 32, 32)))
    arrays, _ = read_npz(npz_bytes(view_arrays(view), {}))
    assert arrays["special_names"].shape == arrays["special_shares"].shape == (0,)
