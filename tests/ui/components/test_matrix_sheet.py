"""The matrix sheet: what is sent, which edits are taken, and when the tables are built anew."""

from dataclasses import replace

import numpy as np

from vitviz.ui.components.packing import unpack
from vitviz.ui.components.sheet_view import SheetMatrix, SheetStage, SheetView


def matrix(symbol, **options):
    names = ["1", "2"]
    return SheetMatrix(symbol=symbol, title="", rows=names, columns=names, values=np.eye(2), **options)


STAGE = SheetStage(title="a", words="w", equation="e", kind="product", result="R", left="A", right="B")
VIEW = SheetView(matrices=[matrix("A", editable=True), matrix("B"), matrix("R")], stages=[STAGE], stage=7, labels={})


def test_the_blob_holds_the_numbers_and_other_numbers_build_no_new_tables():
    meta, _parts = unpack(VIEW.pack())
    assert meta["stage"] == 0  # the last there is
    assert meta["matrices"][0]["values"] == [[1, 0], [0, 1]]
    other = replace(VIEW, matrices=[replace(VIEW.matrices[0], values=np.ones((2, 2))), *VIEW.matrices[1:]])
    told, _parts = unpack(other.pack())
    assert told["structure"] == meta["structure"]
    assert told["content"] != meta["content"]


def test_only_numbers_in_range_in_matrices_of_the_reader_are_taken():
    assert VIEW.read_edit({"matrix": "A", "row": 1, "column": 0, "value": 2}) == ("A", 1, 0, 2.0)
    for wrong in ({"matrix": "B"}, {"matrix": "?"}, {"row": 2}, {"column": -1}, {"value": 10}, {"value": "2"}):
        assert VIEW.read_edit({"matrix": "A", "row": 1, "column": 0, "value": 2} | wrong) is None
