"""The table of a benchmark as CSV, and as one HTML file that opens without a network and can be sorted."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

from vitviz.attribution.attribute import METHODS
from vitviz.attribution.benchmark import METRICS, RANDOM, Metric
from vitviz.attribution.benchmark_table import Cell, Row
from vitviz.html_page import html_page

_PEAK = "peak_mb"
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 84rem; padding: 2rem 1.25rem; background: #fff; color: #222;
  font: 1rem/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.35rem; font-weight: 600; } h2 { font-size: 1.1rem; font-weight: 600; margin-top: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .6rem; color: #444; max-width: 60rem; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child { text-align: left; }
thead th { border-bottom: 2px solid #888; vertical-align: bottom; white-space: normal; }
thead button { font: inherit; font-weight: 600; background: none; border: 0; color: #0b5a8a; cursor: pointer;
  text-align: inherit; padding: 0; }
thead button:focus-visible { outline: 3px solid #d55e00; outline-offset: 2px; }
th[aria-sort=ascending] button::after { content: " ▲"; } th[aria-sort=descending] button::after { content: " ▼"; }
tr.random { background: #f1efe8; } .good { color: #00653f; } .bad { color: #a13d00; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.2rem; }
"""
_SCRIPT = """
const body = document.querySelector('tbody');
document.querySelectorAll('thead button').forEach((button, column) => button.addEventListener('click', () => {
  const head = button.parentElement, up = head.getAttribute('aria-sort') === 'descending';
  document.querySelectorAll('thead th').forEach(each => each.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const compare = (one, other) => column ? (parseFloat(one) || 0) - (parseFloat(other) || 0) : one.localeCompare(other);
  [...body.rows].sort((one, other) => (up ? 1 : -1) * compare(value(one), value(other)))
    .forEach(row => body.append(row));
}));
"""


def label_of(method: str) -> str:
    """Return what to call a method in a table."""
    return {explanation.name: explanation.label for explanation in METHODS}.get(method, "Random maps")


def benchmark_csv(rows: Sequence[Row]) -> str:
    """Return the table as CSV: mean, half the 95% interval, and the mean difference to random maps with its own."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    parts = ("", "_interval", "_minus_random", "_minus_random_interval", "_photos")
    writer.writerow(["method", *(m.name + part for m in METRICS for part in parts), _PEAK])
    for row in rows:
        cells = [_numbers(row.cells.get(metric.name)) for metric in METRICS]
        peak = "" if row.peak_megabytes is None else f"{row.peak_megabytes:.1f}"
        writer.writerow([row.method, *(text for cell in cells for text in cell), peak])
    return written.getvalue()


def _numbers(cell: Cell | None) -> list[str]:
    if cell is None:
        return [""] * 5
    values = (cell.mean, cell.half, cell.gain, cell.gain_half)
    return [*("" if math.isnan(value) else f"{value:.5g}" for value in values), str(cell.photos)]


def benchmark_html(
    rows: Sequence[Row],
    *,
    title: str,
    conditions: Sequence[str],
    skipped: Mapping[str, str] | None = None,
    refused: Mapping[str, str] | None = None,
) -> str:
    """Return the table as a page: sortable by keyboard and pointer, with what the numbers mean under it.

    ``conditions`` are sentences about the model, the photos and the test; ``skipped`` photos and ``refused`` methods
    are listed with their reasons. All texts are shown as they stand, never as markup.
    """
    metrics = [metric for metric in METRICS if any(metric.name in row.cells for row in rows)]
    heads = "".join(_head(metric.label, metric.name == "difference") for metric in metrics)
    body = "\n".join(_row(row, metrics) for row in rows)
    meaning = "".join(f"<dt>{escape(m.label)}{_direction(m)}</dt><dd>{escape(m.summary)}</dd>" for m in metrics)
    content = f"""<h1>{escape(title)}</h1>
{"".join(f"<p>{escape(sentence)}</p>" for sentence in conditions)}
<div class="scroll" tabindex="0" role="region" aria-label="Table">
<table>
<caption>Mean over photos ± half its 95% interval. “better” and “worse” compare a map with random maps of the same
photos; no word means that the difference could be chance. A heading sorts the table.</caption>
<thead><tr>{_head("Method", False)}{heads}{_head("Peak MB", False)}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
<h2>What the numbers mean</h2>
<dl>{meaning}<dt>Peak MB</dt><dd>Largest size of all tensors that the method holds at once beside the weights, on one
photo.</dd></dl>
{_listed("Methods that cannot serve this model", refused)}
{_listed("Photos that were left out", skipped)}
<script>{_SCRIPT}</script>"""
    return html_page(title, content, style=_STYLE, policy=_POLICY)


def _head(label: str, sorted_by: bool) -> str:
    order = ' aria-sort="descending"' if sorted_by else ""
    return f'<th scope="col"{order}><button type="button">{escape(label)}</button></th>'


def _direction(metric: Metric) -> str:
    return {True: " (large is good)", False: " (small is good)", None: ""}[metric.large_is_good]


def _row(row: Row, metrics: Sequence[Metric]) -> str:
    cells = "".join(_cell(row.cells.get(metric.name), metric) for metric in metrics)
    peak = row.peak_megabytes
    kind = ' class="random"' if row.method == RANDOM else ""
    last = "<td>–</td>" if peak is None else f'<td data-value="{peak:.6g}">{peak:.0f}</td>'
    return f'<tr{kind}><th scope="row">{escape(label_of(row.method))}</th>{cells}{last}</tr>'


def _cell(cell: Cell | None, metric: Metric) -> str:
    if cell is None:
        return "<td>–</td>"
    digits = 2 if metric.name == "seconds" else 3
    text = f"{cell.mean:.{digits}f}" + ("" if math.isnan(cell.half) else f" ± {cell.half:.{digits}f}")
    return f'<td data-value="{cell.mean:.6g}">{text}{_verdict(cell, metric)}</td>'


def _verdict(cell: Cell, metric: Metric) -> str:
    """Return a word where a map differs from random maps by more than its interval."""
    if metric.large_is_good is None or not abs(cell.gain) > cell.gain_half:
        return ""
    good = (cell.gain > 0) == metric.large_is_good
    return f' <span class="{"good" if good else "bad"}">{"better" if good else "worse"}</span>'


def _listed(title: str, reasons: Mapping[str, str] | None) -> str:
    if not reasons:
        return ""
    items = "".join(f"<li>{escape(name)}: {escape(why)}</li>" for name, why in reasons.items())
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>"
