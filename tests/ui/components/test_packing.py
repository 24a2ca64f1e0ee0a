"""The blob: what goes in comes out, and the arrays lie where JavaScript can read them."""

import json

import numpy as np
import pytest

from vitviz.ui.components.packing import float32_bytes, pack, unpack


def test_round_trip_keeps_header_and_parts():
    meta = {"label": "Réseau · 注意力", "layer": 3, "missing": None}
    parts = {"photo": b"abc", "empty": b"", "values": float32_bytes([1.5, -2.0])}
    assert unpack(pack(meta, parts)) == (meta, parts)


@pytest.mark.parametrize("label", ["", "a", "ab", "abc", "é", "abcdefg"])
def test_every_part_starts_on_an_eight_byte_boundary(label):
    blob = pack({"label": label}, {"one": b"x", "two": b"y" * 9, "three": b"z"})
    header = int.from_bytes(blob[:4], "little")
    offsets = json.loads(blob[4 : 4 + header])["parts"]
    assert [(4 + header + start) % 8 for start, _ in offsets.values()] == [0, 0, 0]


def test_equal_input_gives_equal_bytes_whatever_the_order_of_the_header():
    assert pack({"a": 1, "b": 2}, {"x": b"1"}) == pack({"b": 2, "a": 1}, {"x": b"1"})


def test_floats_are_little_endian_in_c_order():
    values = np.arange(6, dtype=np.float64).reshape(2, 3).T
    assert np.frombuffer(float32_bytes(values), "<f4").tolist() == [0, 3, 1, 4, 2, 5]


def test_not_a_number_is_refused_in_the_header():
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({"maximum": float("nan")}, {})
