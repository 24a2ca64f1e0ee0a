"""The sheets of a section as pages to print on A4: one for the class, at most two pages, and one with the answers."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from vitviz.figures.image_files import jpeg_bytes
from vitviz.html_page import html_page
from vitviz.ui.components.curve_sketch import SketchAxes
from vitviz.ui.furniture import lines, sheet_figures
from vitviz.ui.furniture.guess import CurveGuess, OptionGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.text import _, language

_ROWS = 4
"""Empty rows of the table."""
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 250, 70, 44
"""Of the empty plot, in its own units, and the room for its axes."""
_STYLE = """
@page { size: A4; margin: 14mm 16mm; }
body { margin: 0 auto; max-width: 46rem; font: 11pt/1.4 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif;
  color: #111; background: #fff; }
h1 { font-size: 15pt; margin: 0 0 .3rem; } h2 { font-size: 12pt; margin: .8rem 0 .3rem; break-after: avoid; }
.names { display: flex; gap: 1.5rem; margin: .2rem 0 .6rem; } .names span { flex: 1; border-bottom: 1px solid #777; }
.about { display: flex; gap: 1rem; align-items: flex-start; } .about .photo { width: 28mm; height: auto; }
.about .own { flex: none; width: 88mm; max-height: 48mm; object-fit: contain; object-position: left top; }
.tables { display: flex; flex-wrap: wrap; gap: 3mm 6mm; flex: none; max-width: 105mm; }
.small { width: auto; margin: 0; } .small caption { text-align: left; font-weight: 600; font-size: 9pt; }
.small th, .small td { padding: 0 1.6mm; height: auto; font-size: 8pt; text-align: right; }
.charts { display: flex; gap: 1rem; } .charts img { width: 50%; max-height: 62mm; object-fit: contain; }
.about p { margin: 0 0 .3rem; overflow-wrap: anywhere; font-size: 9.5pt; }
.box { display: inline-block; width: .8em; height: .8em; border: 1px solid #333; margin-right: .5em; }
ul { list-style: none; padding: 0; margin: .3rem 0; } li { margin-bottom: .3rem; break-inside: avoid; }
svg { display: block; width: 100%; max-height: 62mm; } svg text { font-size: 13px; fill: #222; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; margin-top: .3rem; }
th, td { border: 1px solid #888; padding: 3px 6px; text-align: left; font-size: 10pt; } td { height: 8.5mm; }
.room { border-bottom: 1px solid #999; height: 8mm; }
"""


@dataclass(frozen=True)
class Question:
    """One question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, eq=False)
class Sheet:
    """What stands on the sheets of a section."""

    title: str
    address: str
    """The link that opens the section at the settings of the sheet."""
    photo: NDArray[np.uint8]
    """(height, width, 3)."""
    seen_by: str
    """The model's name."""
    charts: Sequence[go.Figure]
    """Charts of the section, for the teacher; none where they wait for a guess."""
    guidance: Guidance | None
    """The guess and the steps; None for a section without."""
    questions: Sequence[Question]


def worksheet(sheet: Sheet) -> str:
    """Return the page for the class: name, picture, link, the guess, the steps with an empty table, the questions."""
    lines = 3 if len(sheet.questions) < 4 else 2
    room = '<div class="room"></div>' * lines
    asked = "".join(f"<li>{number}. {_plain(question.question)}{room}</li>" for number, question in _numbered(sheet))
    body = _head(sheet, _names()) + _guess(sheet.guidance) + _steps(sheet.guidance)
    return _page(sheet, body + _heading(_("Questions")) + f"<ul>{asked}</ul>")


def answers(sheet: Sheet) -> str:
    """Return the page for the teacher: the answer to the guess, what the steps show, and the questions answered."""
    told = "".join(
        f"<li><strong>{number}. {_plain(question.question)}</strong><br>{_plain(question.answer)}</li>"
        for number, question in _numbered(sheet)
    )
    whose = escape(_("Answers for the teacher"))
    body = _head(sheet, f"<p><strong>{whose}</strong></p>")
    if sheet.guidance is not None:
        guess, steps = sheet.guidance.guess, sheet.guidance
        body += _heading(_("Guess first")) + f"<p>{_plain(guess.question)}</p>"
        body += f"<p><strong>{_plain(guess.answer)}</strong></p>"
        body += _charts(sheet)
        body += _heading(" – ".join((_("Do"), _("See"), _("Conclude"))))
        body += f"<p>{_plain(steps.do)} {_plain(steps.see)} <strong>{_plain(steps.conclude)}</strong></p>"
    return _page(sheet, body + _heading(_("Questions")) + f"<ul>{told}</ul>")


def _heading(words: str) -> str:
    return f"<h2>{escape(words)}</h2>"


def _charts(sheet: Sheet) -> str:
    """Return the section's charts, for the teacher."""
    drawn = "".join(sheet_figures.chart(figure, lines.title(figure)) for figure in sheet.charts)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _numbered(sheet: Sheet) -> enumerate[Question]:
    return enumerate(sheet.questions, start=1)


def _page(sheet: Sheet, body: str) -> str:
    return html_page(sheet.title, body, style=_STYLE, language=language())


def _names() -> str:
    fields = (_("Name:"), _("Your class:"), _("Date:"))
    return '<div class="names">' + "".join(f"<span>{escape(field)} </span>" for field in fields) + "</div>"


def _head(sheet: Sheet, below: str) -> str:
    """Return the title, what stands below it, the section's picture or else the photo, and the link."""
    address = escape(sheet.address)
    opened = escape(_("Open:"))
    link = f'<p>{opened} <a href="{address}">{address}</a></p>'
    if sheet.guidance is not None and sheet.guidance.figure is not None:
        image, told = sheet.guidance.figure(), ""
    else:
        image, told = _photo(sheet)
    return f'<h1>{escape(sheet.title)}</h1>{below}<div class="about">{image}<div>{told}{link}</div></div>'


def _photo(sheet: Sheet) -> tuple[str, str]:
    """Return the photo, and the line that says whose it is."""
    picture = Image.fromarray(sheet.photo)
    picture.thumbnail((320, 320))
    data = base64.b64encode(jpeg_bytes(picture)).decode("ascii")
    told = escape(_("The photo as the model {name} sees it.").format(name=sheet.seen_by))
    return f'<img class="photo" alt="{told}" src="data:image/jpeg;base64,{data}">', f"<p>{told}</p>"


def _guess(guidance: Guidance | None) -> str:
    """Return the question of the guess with what it is answered on: boxes, an empty plot or a line."""
    if guidance is None:
        return ""
    guess = guidance.guess
    if isinstance(guess, OptionGuess):
        field = "<ul>" + "".join(f'<li><i class="box"></i>{_plain(option)}</li>' for option in guess.options) + "</ul>"
    elif isinstance(guess, CurveGuess):
        field = empty_plot(guess.axes)
    else:
        field = '<div class="room"></div>'
    return _heading(_("Guess first")) + f"<p>{_plain(guess.question)}</p>{field}"


def _steps(guidance: Guidance | None) -> str:
    """Return what to do, and the empty table for what is seen and concluded."""
    if guidance is None:
        return ""
    titles = (_("What I set"), _("What I saw"), _("What I conclude"))
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    rows = ("<tr>" + "<td></td>" * len(titles) + "</tr>") * _ROWS
    return _heading(_("Do")) + f"<p>{_plain(guidance.do)}</p><table><tr>{head}</tr>{rows}</table>"


def empty_plot(axes: SketchAxes) -> str:
    """Return the empty plot of a curve to guess, as SVG: axes, their numbers and their titles."""
    across, up = _WIDTH - _LEFT - 20, _HEIGHT - _BOTTOM - 14
    parts = []
    for share, words in axes.ticks():
        y = 14 + (1 - share) * up
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + across}" y2="{y:.1f}" stroke="#bbb"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(words)}</text>')
    for share, place in zip(axes.shares(), axes.places, strict=True):
        x = _LEFT + share * across
        parts.append(f'<line x1="{x:.1f}" y1="14" x2="{x:.1f}" y2="{14 + up}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 26}" text-anchor="middle">{place:g}</text>')
    parts.append(f'<text x="{_LEFT + across / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(axes.x_title)}</text>')
    middle = 14 + up / 2
    turned = f'text-anchor="middle" transform="rotate(-90 14 {middle})"'
    parts.append(f'<text x="14" y="{middle}" {turned}>{escape(axes.y_title)}</text>')
    label = escape(_("An empty plot: {y} against {x}").format(x=axes.x_title, y=axes.y_title))
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _plain(text: str) -> str:
    """Return a text as HTML: emphasis and code kept, everything else as it stands."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    text = re.sub(r"\*{1,2}([^*]+)\*{1,2}", r"<em>\1</em>", text)
    return text.replace("\n\n", "<br><br>").replace("\n", " ")  # a line's end is only where the file wraps
