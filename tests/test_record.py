"""Every record says in a line or three what it holds, whatever it holds."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import vitviz
from vitviz.grid import PatchGrid
from vitviz.record import LINES, WIDTH, Record

NOT_LIBRARY = ("vitviz.cli", "vitviz.ui", "vitviz.__main__")  # interfaces: nobody holds their records in a notebook


def records() -> Iterator[type[Any]]:
    """Yield every dataclass of the library, wherever it is defined."""
    for module in pkgutil.walk_packages(vitviz.__path__, "vitviz."):
        if not module.name.startswith(NOT_LIBRARY):
            for _, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if dataclasses.is_dataclass(value) and value.__module__ == module.name:
                    yield value


RECORDS = sorted(records(), key=lambda record: (record.__module__, record.__name__))
HUGE: dict[str, Any] = {
    "tensor": torch.zeros(12, 257, 64),
    "tensors": tuple(torch.ones(3, 4) for _ in range(24)),
    "array": np.zeros((999, 999), np.float32),
    "text": "a long text " * 9999,
    "names": tuple(f"class {index}" for index in range(1000)),
    "numbers": [index / 7 for index in range(5000)],
    "table": {f"name {index}": np.zeros(index) for index in range(300)},
    "set": set(range(4000)),
    "nothing": (),
    "module": nn.Sequential(*(nn.Linear(2, 2) for _ in range(50))),
    "bytes": bytes(10**6),
    "lines": "one\ntwo\nthree\nfour\nfive",
    "function": lambda value: value,
}


def filled(record: type[Any], value: Any) -> Any:
    """Return a record with one value in every field, whatever its own checks would say."""
    made = object.__new__(record)
    for field in dataclasses.fields(record):
        object.__setattr__(made, field.name, value)
    return made


def assert_short(text: str) -> None:
    lines = text.splitlines()
    assert len(lines) <= LINES, text
    assert max(map(len, lines)) <= WIDTH, text
    assert "tensor(" not in text
    assert "array(" not in text
    assert " at 0x" not in text


def test_the_walk_finds_the_records_that_people_hold() -> None:
    found = {record.__name__ for record in RECORDS}
    assert {"Trace", "ViT", "Attribution", "HeadStatistics", "ReceptiveField", "TemperedAttention"} <= found
    assert len(RECORDS) > 100


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record.__module__}.{record.__name__}")
def test_every_record_is_told_in_a_line_or_three(record: type[Any]) -> None:
    assert issubclass(record, Record), f"{record.__name__} is a dataclass without the short repr: derive it from Record"
    shown = [field.name for field in dataclasses.fields(record) if field.repr]
    for value in HUGE.values():
        text = repr(filled(record, value))
        assert text.startswith(record.__name__ + "(")
        assert_short(text)
    assert [name for name in shown if f"{name}=" not in repr(filled(record, 0))] == []


def test_what_people_hold_most(tiny_vit: nn.Module) -> None:
    vit = vitviz.ViT.from_module(tiny_vit, class_names=[f"a rather long name of class {index}" for index in range(10)])
    image = torch.zeros(3, 32, 32)
    for made in (
        vit,
        vitviz.trace(vit, image, target=3),
        vitviz.head_statistics(vitviz.trace(vit, image)),
        vitviz.attribute("integrated_gradients", vit, image, n_steps=2),
        vitviz.receptive_field(vit, [image], layer=1, token=3),
        vitviz.position_similarity(vit),
        vitviz.METHODS[0],
        vitviz.Edit(temperature=dict.fromkeys(range(99), 2.0), mask_tokens=range(1, 300)),
    ):
        assert_short(repr(made))
    assert "module=<VisionTransformer>" in repr(vit)
    assert "pixels=<float32 (3, 32, 32)>" in repr(vitviz.trace(vit, image))


def test_answers_by_hand() -> None:
    @dataclasses.dataclass(frozen=True, eq=False)
    class Held(Record):
        first: Any
        second: Any = 2
        hidden: Any = dataclasses.field(default=None, repr=False)

    name = Held.__name__
    assert repr(Held(1)) == f"{name}(first=1, second=2)"
    assert (
        repr(Held(torch.zeros(2, 3), np.zeros(4, np.int64))) == f"{name}(first=<float32 (2, 3)>, second=<int64 (4,)>)"
    )
    assert repr(Held(np.float32(0.5), np.bool_(True))) == f"{name}(first=0.5, second=True)"
    assert repr(Held(1 / 3, 10**20)) == f"{name}(first=0.333333, second=100000000000000000000)"
    assert repr(Held((1,), [])) == f"{name}(first=(1,), second=[])"
    assert repr(Held({"a": np.zeros(2)}, b"12")) == f"{name}(first={{'a': <float64 (2,)>}}, second=<2 bytes>)"
    assert repr(Held(nn.Identity(), torch.nn.functional.relu)) == f"{name}(first=Identity(), second=<relu>)"
    assert repr(Held(("x" * 50, "y" * 50, 3))) == f"{name}(first=('{'x' * 50}', … 2 more), second=2)"
    assert repr(Held(Held("deep"))) == f"{name}(first=Held(first='deep', second=2), second=2)"
    grid = PatchGrid(16, 16, (14, 14), ("class",))
    assert repr(Held(grid)) == f"{name}(first=PatchGrid(rows=16, columns=16, patch_size=(14, 14), … 1 more), second=2)"


def test_a_text_is_cut_and_stays_one_line() -> None:
    photo = vitviz.Photo(None, "d" * 500, ("turned\nupright",))  # type: ignore[arg-type]
    told = f"Photo(image=None, digest='{'d' * 57}…', notes=('turned\\nupright',),\n    scaling=None, frames=1)"
    assert repr(photo) == told


def test_a_record_of_settings_can_be_typed_in_again() -> None:
    edit = vitviz.Edit(temperature={3: 2.0}, ablate_heads=[(1, 1)], mask_tokens=[17, 18])
    grid = PatchGrid(2, 3, (16, 16), ("class",))
    assert eval(repr(grid), {"PatchGrid": PatchGrid}) == grid
    assert "\n" not in repr(edit)
