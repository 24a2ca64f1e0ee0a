"""Every layout that the benchmark writes loads with its own model's answers, or is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.layouts.__main__ import all_cases, verdict
from benchmarks.layouts.case import SMALL, Case

QUICK = [case for case in all_cases() if case.architecture in (SMALL, "vit_xsmall_patch16_clip_224")]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: f"{case.name}: {case.file}")
def test_a_layout_gives_its_own_model_s_answers_or_the_right_refusal(case: Case, tmp_path: Path) -> None:
    right, told = verdict(case, tmp_path)
    assert right, told
