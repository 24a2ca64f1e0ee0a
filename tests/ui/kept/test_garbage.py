"""What packages brought is left out of the collections of garbage, once and again when others have come."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from vitviz.ui.kept import garbage


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_only_many_new_modules_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_modules", 0)
    garbage.leave_out_packages()
    once = gc.get_freeze_count()
    assert once > 10_000

    kept = [[] for _ in range(1000)]  # what a reader's click leaves is looked at as ever
    garbage.leave_out_packages()
    assert gc.get_freeze_count() <= once

    for number in range(garbage.MANY):
        monkeypatch.setitem(sys.modules, f"a_package.part_{number}", ModuleType(f"part_{number}"))
    garbage.leave_out_packages()
    assert gc.get_freeze_count() >= once + len(kept)
