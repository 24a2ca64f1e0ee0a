"""Write every layout of a weights file, load it and compare: a table of verdicts.

.venv/bin/python -m benchmarks.layouts          writes benchmarks/results/layouts.md
.venv/bin/python -m benchmarks.layouts --print  prints it only
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

import vitviz
from benchmarks.layouts import families, frameworks, not_weights, odd_tensors, transformers_files, wrapped
from benchmarks.layouts.case import Answer, Case, answer_of
from vitviz.models.weights import load_module

RESULTS = Path(__file__).parents[1] / "results" / "layouts.md"
TOLERANCE = 1e-4


def all_cases() -> Iterator[Case]:
    """Yield every case."""
    yield from wrapped.cases()
    yield from families.cases()
    yield from transformers_files.cases()
    yield from frameworks.cases()
    yield from odd_tensors.cases()
    yield from not_weights.cases()


def verdict(case: Case, folder: Path) -> tuple[bool, str]:
    """Return whether the outcome of a case is the right one, and it in words."""
    path = folder / case.file
    wanted = case.write(path)
    try:
        if case.channels != 3:  # wrapping takes three channels: the module itself is asked
            module, told = _module(case, path)
            return _compared(case, wanted, module, told)
        vit = vitviz.load_vit(f"timm:{case.architecture}", weights=path, **case.options)
    except vitviz.VitvizError as error:
        right = bool(case.refused) and re.search(case.refused, str(error), re.DOTALL) is not None
        return right, f"refused: {error}"
    return _compared(case, wanted, lambda batch: vitviz.predict(vit, batch), vit.weights)


def _module(case: Case, path: Path) -> tuple[Answer, str]:
    loaded = load_module(case.architecture, str(path))
    return answer_of(loaded.module), loaded.origin


def _compared(case: Case, wanted: Answer, answer: Answer, told: str) -> tuple[bool, str]:
    batch = torch.randn(1, case.channels, case.size, case.size, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        expected, given = wanted(batch), answer(batch)
    if given.shape != expected.shape:
        return False, f"wrong: {tuple(given.shape)} numbers, wanted {tuple(expected.shape)}"
    off = float((given - expected).abs().max() / expected.abs().max())
    return off < TOLERANCE and not case.refused, f"off by {off:.0e} of the largest number; {told}"


def table() -> tuple[bool, str]:
    """Return whether all outcomes are right, and the table of them."""
    lines = ["| layout | file | verdict | told |", "|---|---|---|---|"]
    whole = True
    for case in all_cases():
        with tempfile.TemporaryDirectory() as folder:
            right, told = verdict(case, Path(folder))
            told = re.sub(r", SHA-256 \w+", "", told.replace(folder, "FOLDER")).replace("|", "\\|")
        outcome = ("refused, rightly" if case.refused else "loads, equal") if right else "WRONG"
        whole = whole and right
        lines.append(f"| {case.name} | {case.file} | {outcome} | {told} |")
        print(lines[-1], flush=True)
    return whole, "\n".join(lines) + "\n"


def main() -> int:
    """Run all cases."""
    whole, text = table()
    if "--print" not in sys.argv:
        head = (
            "# Weights files as people have them\n\nEach layout is written from a model of its own kind with drawn "
            f"weights, loaded into timm's architecture and asked: its answers must agree to {TOLERANCE:g} of the "
            "largest number. `python -m benchmarks.layouts` makes this table.\n\n"
        )
        RESULTS.write_text(head + text, encoding="utf-8")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
