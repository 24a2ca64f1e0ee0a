"""The lines and the table of the sweep over timm's architectures."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from vitviz.models import timm_door


@dataclass
class Row:
    """What was found for one architecture."""

    name: str
    source: str = ""
    type: str = ""
    verdict: str = "failed"
    reason: str = ""
    built: str = "meta"
    tokens: str = ""
    heads: str = ""
    highest_share: str = ""
    map_error: str = ""
    answer_error: str = ""
    seconds: str = ""


def read_rows(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [Row(**line) for line in csv.DictReader(file)]


def write_rows(path: Path, rows: list[Row], *, append: bool) -> None:
    with path.open("a" if append else "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        if not append:
            writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def table(rows: list[Row]) -> str:
    """Return the report in Markdown: the counts, then one line a source file, type, verdict and reason."""
    counts = Counter(row.verdict for row in rows)
    checked = [float(row.map_error) for row in rows if row.verdict == "supported" and row.map_error]
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.source, row.type, row.verdict, row.reason.replace("|", "\\|")].append(row)
    lines = [
        f"# timm {timm_door.VERSION}: what vitviz can explain",
        "",
        f"{len(rows)} architectures: "
        f"{counts['supported']} supported, {counts['refused']} refused, {counts['failed']} failed.",
        f"Maps compared with fused attention off for {len(checked)} of them; "
        f"largest error {max(checked, default=0):.1e}, where a map's own numbers go up to 1.",
        "Made by `python -m benchmarks.sweep_timm`: random weights, two narrow blocks where timm takes that.",
        "",
    ]
    for verdict in ("supported", "refused", "failed"):
        lines += [f"## {verdict.capitalize()}: {counts[verdict]}", "", *_verdict_table(groups, verdict), ""]
    return "\n".join(lines)


def _verdict_table(groups: dict[tuple[str, ...], list[Row]], verdict: str) -> Iterator[str]:
    if verdict == "supported":
        yield "| timm file | class | models | largest map error | for example | note |\n|---|---|---:|---:|---|---|"
    else:
        yield "| timm file | class | models | for example | reason |\n|---|---|---:|---|---|"
    for (source, kind, group_verdict, reason), rows in sorted(groups.items()):
        if group_verdict != verdict:
            continue
        examples = ", ".join(f"`{row.name}`" for row in rows[:3])
        worst = max((float(row.map_error) for row in rows if row.map_error), default=None)
        error = [] if verdict != "supported" else ["–" if worst is None else f"{worst:.1e}"]
        yield f"| {' | '.join([source, kind, str(len(rows)), *error, examples, reason])} |"
