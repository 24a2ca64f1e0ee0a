"""Which modules can be handed to ``ViT.from_module``: every kind tried, with its verdict and largest differences.

``python -m benchmarks.module_kinds`` prints the table; ``--out benchmarks/results/module_kinds.md`` writes it too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.modules.kinds import KINDS
from benchmarks.modules.measure import Verdict, measure
from benchmarks.timing import table
from vitviz.models import timm_door

HEADER = ("kind", "verdict", "answer", "maps", "remarks")


def row_of(name: str, verdict: Verdict) -> tuple[str, ...]:
    """Return a row of the table."""
    if verdict.verdict != "observed":
        return name, verdict.verdict, "", "", ""
    return name, verdict.verdict, f"{verdict.logits:.1e}", f"{verdict.maps:.1e}", "; ".join(verdict.remarks)


def main() -> None:
    """Try all kinds, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    verdicts = {name: measure(kind) for name, kind in KINDS.items()}
    observed = [verdict for verdict in verdicts.values() if verdict.verdict == "observed"]
    text = (
        f"# Kinds of modules\n\n{len(verdicts)} kinds of modules tried, {len(observed)} observed, the others refused "
        f"by name (torch {torch.__version__}, timm {timm_door.VERSION}). Small models with random weights, one "
        "picture of noise. *answer*: the largest difference to a plain call, as a share of its largest number. *maps*: "
        "the largest difference of any attention to what an unfused twin stores. Made by "
        "`python -m benchmarks.module_kinds`.\n\n"
        f"{table(HEADER, [row_of(name, verdict) for name, verdict in verdicts.items()])}\n"
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
