"""Every layout that the benchmark writes loads with its own model's answers, or is refused with the reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.layouts.__main__ import RESULTS, all_cases, verdict
from benchmarks.layouts.case import SMALL, Case
from tests.promises.texts import CHANGELOG

QUICK = [case for case in all_cases() if case.architecture in (SMALL, "vit_xsmall_patch16_clip_224")]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: f"{case.name}: {case.file}")
def test_a_layout_gives_its_own_model_s_answers_or_the_right_refusal(case: Case, tmp_path: Path) -> None:
    right, told = verdict(case, tmp_path)
    assert right, told


def test_the_table_and_the_changelog_tell_of_every_layout() -> None:
    """`python -m benchmarks.layouts` makes the table anew."""
    cases = list(all_cases())
    written = RESULTS.read_text(encoding="utf-8")
    assert re.findall(r"^\| (.+?) \| [^|]+ \| (loads, equal|refused, rightly|WRONG) \|", written, re.MULTILINE) == [
        (case.name, "refused, rightly" if case.refused else "loads, equal") for case in cases
    ]
    assert f"`benchmarks/results/layouts.md` tries {len(cases)}." in CHANGELOG
