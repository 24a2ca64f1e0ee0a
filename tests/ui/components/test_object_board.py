"""The object board: what is sent to the browser, and what is believed of what comes back."""

import numpy as np
import pytest

from vitviz.ui.components.board_view import BoardView
from vitviz.ui.components.packing import unpack


def view(**options):
    fields = {
        "picture": np.arange(24, dtype=np.uint8).reshape(2, 4, 3),
        "rows": 1,
        "columns": 2,
        "names": ["left half", ""],
        "free": np.array([1]).tolist(),
        "chosen": 0,
        "partner": None,
        "attention": np.array([0.25, 0.5], np.float32),
        "uniform": 1 / 3,
        "from_class": False,
        "reach": 1,
        "labels": {"board": "Picture"},
    }
    return BoardView(**{**fields, **options})


def test_picture_and_attention_travel_as_they_are():
    meta, parts = unpack(view().pack())
    assert parts["picture"] == bytes(range(24))
    assert np.frombuffer(parts["attention"], "<f4").tolist() == [0.25, 0.5]
    assert (meta["width"], meta["height"], meta["rows"], meta["columns"]) == (4, 2, 1, 2)
    assert (meta["free"], meta["chosen"], meta["partner"], meta["field"]) == ([1], 0, None, 1)


def test_the_content_changes_with_the_picture_and_the_attention():
    contents = {
        unpack(each.pack())[0]["content"]
        for each in (view(), view(picture=np.zeros((2, 4, 3), np.uint8)), view(attention=None))
    }
    assert len(contents) == 3


@pytest.mark.parametrize(
    ("sent", "cell"), [(0, 0), (1, 1), (2, None), (-1, None), ("1", None), (1.0, None), (None, None)]
)
def test_only_a_cell_of_the_board_is_believed(sent, cell):
    assert view().read_cell(sent) == cell
